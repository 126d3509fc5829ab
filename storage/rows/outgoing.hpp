#pragma once

#include "storage/ulid.hpp"

#include <string>
#include <vector>

namespace souk::storage {

enum class webhook_state : std::uint8_t { active = 1, paused = 2, failing_too_long = 3 };

/// Where a merchant wants to hear of events.
struct webhook_row {
  ulid id;
  ulid store_id;
  std::string address; ///< https
  std::vector<std::string> topics; ///< "orders/paid"; "*" = all
  std::string sealed_secret; ///< what deliveries are signed with, sealed (actors/secret/secret_box.hpp)
  webhook_state state = webhook_state::active;
  timestamp failing_since{}; ///< epoch: the last delivery arrived
  std::int64_t version = 1;
  timestamp created_at{};
  timestamp updated_at{};
  bool operator==(const webhook_row&) const = default;
};

enum class delivery_state : std::uint8_t { waiting = 1, delivered = 2, failed = 3 };

/// One event on its way to one webhook.
struct webhook_delivery_row {
  ulid id;
  ulid webhook_id;
  ulid store_id;
  std::string event_id; ///< "SHARD-SEQ-N": the same for each webhook that hears of the event
  std::string topic;
  std::string payload; ///< JSON; what is sent again is what was sent first
  delivery_state state = delivery_state::waiting;
  std::int32_t attempts = 0;
  timestamp next_at{}; ///< of a waiting one
  std::int32_t status = 0; ///< HTTP, of the last attempt; 0 = none was received
  std::string error;       ///< of the last attempt: "timeout", "address_refused", …
  std::int64_t took_ms = 0;
  timestamp created_at{};
  timestamp updated_at{};
  bool operator==(const webhook_delivery_row&) const = default;
};

/// The merchant's own text of a mail.
struct mail_template_row {
  ulid store_id;
  std::string name;     ///< "order_confirmed"
  std::string language; ///< ISO 639-1
  std::string subject;  ///< Mustache, as the bodies
  std::string html;
  std::string text;
  timestamp updated_at{};
  bool operator==(const mail_template_row&) const = default;
};

enum class suppression_reason : std::uint8_t { unsubscribed = 1, bounced = 2, complained = 3 };

/// An address that a store does not write to. Unsubscribed: no marketing mail; bounced, complained: nothing.
struct mail_suppression_row {
  ulid store_id;
  std::string email; ///< lower case
  suppression_reason reason = suppression_reason::unsubscribed;
  timestamp at{};
  bool operator==(const mail_suppression_row&) const = default;
};

enum class mail_state : std::uint8_t { sent = 1, suppressed = 2, refused = 3, bounced = 4 };

/// What was sent to whom, for the merchant who is asked "I got no mail", and so that an event makes one mail.
struct mail_row {
  ulid id;
  ulid store_id;
  std::string event_id; ///< "SHARD-SEQ-N"
  std::string name;     ///< of the template
  std::string email;
  ulid subject_id; ///< the order, cart, …
  mail_state state = mail_state::sent;
  std::string provider_reference;
  std::string error;
  timestamp at{};
  bool operator==(const mail_row&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, webhook_row& x) {
  return f(x.id, x.store_id, x.address, x.topics, x.sealed_secret, x.state, x.failing_since, x.version, x.created_at,
           x.updated_at);
}
template <class I>
typename I::result_type inspect(I& f, webhook_delivery_row& x) {
  return f(x.id, x.webhook_id, x.store_id, x.event_id, x.topic, x.payload, x.state, x.attempts, x.next_at, x.status, x.error,
           x.took_ms, x.created_at, x.updated_at);
}
template <class I>
typename I::result_type inspect(I& f, mail_template_row& x) {
  return f(x.store_id, x.name, x.language, x.subject, x.html, x.text, x.updated_at);
}
template <class I>
typename I::result_type inspect(I& f, mail_suppression_row& x) {
  return f(x.store_id, x.email, x.reason, x.at);
}
template <class I>
typename I::result_type inspect(I& f, mail_row& x) {
  return f(x.id, x.store_id, x.event_id, x.name, x.email, x.subject_id, x.state, x.provider_reference, x.error, x.at);
}

} // namespace souk::storage
