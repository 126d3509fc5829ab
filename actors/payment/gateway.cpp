#include "actors/payment/gateway.hpp"

namespace souk::actors {

// A provider that always takes money at once has nothing to capture.
gateway_answer gateway::capture(const charge& c) {
  return query(c);
}

// A refund asked for again under its key answers how it stands.
gateway_answer gateway::query_refund(const charge& c) {
  return refund(c);
}

std::string gateway::check_account(const storage::ulid&, const storage::payment_account&) {
  return {};
}

event_reading gateway::read_event(const storage::ulid&, const storage::payment_account&, const provider_call&,
                                  storage::timestamp) {
  return {};
}

provider_entries gateway::entries(const storage::ulid&, const storage::payment_account&, storage::timestamp,
                                  storage::timestamp) {
  return {};
}

} // namespace souk::actors
