#pragma once

#include "storage/rows/order.hpp"
#include "storage/rows/store.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace souk::actors {

/// A charge as the gateway gets it. Asked twice with the same attempt it is done once.
struct charge {
  storage::ulid attempt_id; ///< the idempotency key
  storage::ulid order_id;
  std::int64_t amount = 0; ///< minor units
  std::string currency;
  std::string method_token;
  std::string reference; ///< the gateway's id of the payment once it is known, for query, capture, cancel and refund
  storage::ulid store_id{};
  std::int64_t order_number = 0;
  std::string email{};
  std::string store_name{};
  storage::postal_address address{};
  storage::timestamp created_at{};  ///< of the attempt: providers forget idempotency keys, and then only a look-up is safe
  std::string return_url{};           ///< where a hosted page sends the shopper back to
  storage::payment_account account{}; ///< the store's; empty for a provider that needs none
  std::int64_t captures = 0;        ///< for capture: minor units, at most `amount`
  storage::ulid refund_id{};          ///< for refund: its idempotency key
  std::int64_t refunds = 0;         ///< for refund: minor units
  std::string refund_reference{};     ///< the gateway's id of the refund once it is known
  std::string refund_reason{};
  storage::timestamp refund_created_at{};
};

enum class gateway_status : std::uint8_t {
  succeeded = 1,
  declined = 2,
  requires_action = 3, ///< the shopper must go to `action_url`
  processing = 4,
  cancelled = 5,   ///< the gateway confirmed that this attempt will never take money
  refunded = 6,    ///< answer to refund: done; to query: all of the money went back
  unknown = 7,     ///< no answer within the time limit: it may or may not have been done
  not_found = 8,   ///< the gateway never heard of the attempt (or of the refund)
  rejected = 9,    ///< the gateway refuses the request itself (a bad token): it will never take money; a refund: it failed for good
  authorized = 10, ///< promised: capture or cancel it
  not_now = 11     ///< nothing was sent: too many calls of this store, or the provider's breaker is open; ask again later
};

struct gateway_answer {
  gateway_status status = gateway_status::unknown;
  std::string reference;
  std::string code; ///< why declined or rejected: "card_declined"
  std::string action_url;
  std::string refund_reference{};
  std::int64_t captured = -1; ///< minor units in all; -1 = not said
  std::int64_t refunded = -1;
};

/// What a provider tells of its own accord, as it came over HTTP.
struct provider_call {
  std::map<std::string, std::string> headers; ///< names in lower case
  std::string body; ///< the raw bytes: signatures are over them
};

/// A provider's event whose signature holds. It is a hint: what really happened the provider is asked.
struct provider_event {
  std::string id;   ///< the provider's; the same for every delivery of the event
  std::string type; ///< the provider's word
  storage::ulid order_id;   ///< nil: about something that is not ours
  storage::ulid attempt_id; ///< nil: not said
};

struct event_reading {
  enum class kind : std::uint8_t {
    genuine,
    forged,     ///< no signature holds, or it is too old
    unreadable, ///< signed, but not what the provider's contract says
    unknown     ///< the provider must be asked whether it is genuine, and does not answer: let it be sent again
  };
  kind what = kind::forged;
  provider_event event;
};

/// Money that moved at the provider, for reconciliation.
struct provider_entry {
  std::string reference; ///< of the payment
  std::string refund_reference;
  storage::ulid order_id; ///< nil: not said
  storage::ulid attempt_id;
  bool refund = false;
  std::int64_t amount = 0; ///< minor units, positive
  std::string currency;
  storage::timestamp at{};
};
struct provider_entries {
  bool complete = false; ///< false: the provider did not answer all of it
  std::vector<provider_entry> entries;
};

/// A payment provider. Called on worker threads; every call has a time limit, never throws, and may be repeated with the same
/// attempt or refund.
class gateway {
public:
  virtual ~gateway() = default;
  /// Whether a store must have an account with it.
  virtual bool needs_account() const { return false; }
  /// Takes the money, or, when the account says so, has it promised.
  virtual gateway_answer authorize(const charge& c) = 0;
  virtual gateway_answer query(const charge& c) = 0;   ///< what became of the attempt
  virtual gateway_answer capture(const charge& c);     ///< takes `captures` of what was promised; the rest is let go
  virtual gateway_answer cancel(const charge& c) = 0;  ///< cancelled, or succeeded when it was too late
  virtual gateway_answer refund(const charge& c) = 0;  ///< gives `refunds` back: refunded, processing, rejected or unknown
  virtual gateway_answer query_refund(const charge& c); ///< what became of the refund

  /// Whether the provider accepts the account's credentials. @returns empty, or why not: "bad_credentials", "unreachable"
  virtual std::string check_account(const storage::ulid& store, const storage::payment_account& account);
  virtual event_reading read_event(const storage::ulid& store, const storage::payment_account& account,
                                   const provider_call& call, storage::timestamp now);
  /// Money that moved in [from, to).
  virtual provider_entries entries(const storage::ulid& store, const storage::payment_account& account,
                                   storage::timestamp from, storage::timestamp to);
};

template <class I>
typename I::result_type inspect(I& f, gateway_answer& x) {
  return f(x.status, x.reference, x.code, x.action_url, x.refund_reference, x.captured, x.refunded);
}
template <class I>
typename I::result_type inspect(I& f, provider_event& x) {
  return f(x.id, x.type, x.order_id, x.attempt_id);
}

} // namespace souk::actors
