#pragma once

#include "actors/secret/secret_box.hpp"
#include "integrations/events/event_id.hpp"
#include "integrations/mail/mail_composer.hpp"
#include "integrations/mail/mail_world.hpp"

#include <optional>
#include <string>

namespace souk::integrations {

/// A mail that an event asks for, before its text is made.
struct planned_mail {
  std::string name; ///< of the template
  std::optional<storage::store_row> store; ///< none: of the deployment itself
  std::string to;
  std::string language; ///< as the order or the user has it; souk may not know it
  storage::ulid subject; ///< the order, cart, …
  std::string key;       ///< the same key is the same mail
  bool marketing = false;
  template_data data;
};

/// Says which mail an event asks for. Any thread.
class mail_planner {
public:
  /// All must outlive it.
  mail_planner(mail_world& world, const mail_composer& composer, const actors::secret_box& secrets, std::string public_url)
    : world_(world), composer_(composer), secrets_(secrets), public_url_(std::move(public_url)) {}

  /// @returns nothing when nobody is to be told
  /// @throws storage::unavailable
  std::optional<planned_mail> plan(const storage::outbox_event& event, storage::timestamp now) const;

private:
  std::optional<planned_mail> about_order(const storage::outbox_event& event) const;
  void add_parcel(planned_mail& mail, const storage::order_snapshot& order, const storage::emit_event& event) const;
  void add_return(planned_mail& mail, const storage::order_snapshot& order, const storage::emit_event& event,
                  const std::string& step) const;
  std::optional<planned_mail> low_stock(const storage::outbox_event& event) const;
  std::optional<planned_mail> webhook_disabled(const storage::outbox_event& event) const;
  std::optional<planned_mail> cart_abandoned(const storage::outbox_event& event) const;
  std::optional<planned_mail> password_reset(const storage::outbox_event& event, storage::timestamp now) const;
  /// To the merchant; nothing when he has named no address.
  std::optional<planned_mail> to_merchant(const storage::outbox_event& event, const std::string& name) const;

  mail_world& world_;
  const mail_composer& composer_;
  const actors::secret_box& secrets_;
  std::string public_url_;
};


} // namespace souk::integrations
