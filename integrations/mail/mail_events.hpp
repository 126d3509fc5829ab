#pragma once

#include "actors/mail/mailer.hpp"
#include "actors/services.hpp"
#include "integrations/mail/mail_planner.hpp"
#include "runtime/clock.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace souk::integrations {

struct mail_options {
  std::string public_url; ///< as in the setting: what links in mails begin with
  std::string mail_from;  ///< the sender of all mail; stores give their name to it
};

/// Turns committed events into mails, each once as far as that can be: a mail's id follows from its event, so its row says that it
/// was sent. A process that dies between sending and writing the row down sends it again, under the same Message-ID.
///
/// A mail server that is away is waited for; so is a mailbox that is full or greylisted, for ten minutes. Nothing is sent about what
/// happened more than three days ago. Any thread; meant for workers of its own (services::consumer_workers).
class mail_events final : public actors::event_consumer {
public:
  /// @param time must outlive this
  mail_events(std::shared_ptr<mail_world> world, std::shared_ptr<actors::mailer> mailer,
              std::shared_ptr<const mail_composer> composer, std::shared_ptr<const actors::secret_box> secrets,
              const runtime::clock& time, mail_options options);

  std::string name() const override { return "mail"; }
  std::size_t deliver(const std::vector<storage::outbox_event>& events) override;
  void stop() override { stopping_ = true; }
  /// While a server or a database is waited for it is no event's fault that it fails.
  bool parks_what_fails(storage::shard_id shard) const override { return !waits_[shard].load(); }

private:
  /// @returns false when it must be tried again later @throws storage::unavailable
  bool handle(const storage::outbox_event& event);
  bool send(const storage::outbox_event& event, planned_mail& planned);
  actors::mail_text text_of(const planned_mail& planned) const;
  actors::mail_answer hand_over(const planned_mail& planned, const std::string& id, const std::string& to) const;
  /// Whether a mail that must wait has waited for too long.
  bool given_up(const std::string& id);
  void note(storage::mail_row row, bool bad_address);

  std::shared_ptr<mail_world> world_;
  std::shared_ptr<actors::mailer> mailer_;
  std::shared_ptr<const mail_composer> composer_;
  std::shared_ptr<const actors::secret_box> secrets_;
  const runtime::clock& time_;
  mail_options options_;
  mail_planner planner_;
  std::atomic<bool> stopping_{false};
  std::array<std::atomic<bool>, storage::shard_count> waits_{}; ///< by shard: shards are served side by side
  std::mutex guard_;
  std::unordered_map<std::string, storage::timestamp> waiting_since_; ///< by mail id
};

/// The id of the mail that has this key and template: always the same one, in the store's shard.
storage::ulid mail_id_of(const storage::ulid& store, const std::string& key, const std::string& name, storage::timestamp at);

} // namespace souk::integrations
