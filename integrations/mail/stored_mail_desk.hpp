#pragma once

#include "actors/mail/desk.hpp"
#include "actors/secret/secret_box.hpp"
#include "integrations/mail/mail_world.hpp"
#include "integrations/mail/sendgrid_events.hpp"
#include "runtime/clock.hpp"

#include <memory>

namespace souk::integrations {

/// Writes down what SendGrid and shoppers say about mails.
class stored_mail_desk final : public actors::mail_desk {
public:
  /// @param sendgrid_webhook_key as in the setting; empty: SendGrid's events are refused
  /// @param time must outlive this
  stored_mail_desk(std::shared_ptr<mail_world> world, std::shared_ptr<const actors::secret_box> secrets, const runtime::clock& time,
                   std::string sendgrid_webhook_key);

  actors::desk_answer provider_event(const std::map<std::string, std::string>& headers, const std::string& body) override;
  actors::desk_answer unsubscribe(const std::string& token) override;

private:
  bool write_down(const mail_event& event);
  /// Adds the row unless what is there says as much or more: who complained has not merely unsubscribed.
  void suppress(storage::write_set& to, const storage::mail_suppression_row& row);

  std::shared_ptr<mail_world> world_;
  std::shared_ptr<const actors::secret_box> secrets_;
  const runtime::clock& time_;
  std::string key_;
};

} // namespace souk::integrations
