#pragma once

#include "storage/rows/order.hpp"

#include <string>

namespace souk::actors {

/// A charge as the gateway gets it. Asked twice with the same attempt it is done once.
struct charge {
  storage::ulid attempt_id; ///< the idempotency key
  storage::ulid order_id;
  std::int64_t amount = 0; ///< minor units
  std::string currency;
  std::string method_token;
  std::string reference; ///< the gateway's id of the payment once it is known, for query, cancel and refund
};

enum class gateway_status : std::uint8_t {
  succeeded = 1,
  declined = 2,
  requires_action = 3, ///< the shopper must go to `action_url`
  processing = 4,
  cancelled = 5,   ///< the gateway confirmed that this attempt will never take money
  refunded = 6,
  unknown = 7,     ///< no answer within the time limit: it may or may not have been done
  not_found = 8,   ///< the gateway never heard of the attempt
  rejected = 9     ///< the gateway refuses the request itself (a bad token): it will never take money
};

struct gateway_answer {
  gateway_status status = gateway_status::unknown;
  std::string reference;
  std::string code; ///< why declined or rejected: "card_declined"
  std::string action_url;
};

/// A payment provider. Called on worker threads; every call has a time limit, never throws, and may be repeated with the same
/// attempt.
class gateway {
public:
  virtual ~gateway() = default;
  virtual gateway_answer authorize(const charge& c) = 0; ///< takes the money (authorise and capture)
  virtual gateway_answer query(const charge& c) = 0;     ///< what became of the attempt
  virtual gateway_answer cancel(const charge& c) = 0;    ///< cancelled, or succeeded when it was too late
  virtual gateway_answer refund(const charge& c) = 0;    ///< gives all of it back; the key is the attempt's with a suffix
};

template <class I>
typename I::result_type inspect(I& f, charge& x) {
  return f(x.attempt_id, x.order_id, x.amount, x.currency, x.method_token, x.reference);
}
template <class I>
typename I::result_type inspect(I& f, gateway_answer& x) {
  return f(x.status, x.reference, x.code, x.action_url);
}

} // namespace souk::actors
