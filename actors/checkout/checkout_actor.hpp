#pragma once

#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/owed_answer.hpp"

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// One Idempotency-Key of one caller in one store: twins of a request, from whichever nodes, meet in this mailbox. Its row is
/// written with the order, in the same transaction.
using checkout_actor = caf::typed_actor<
  // Places the order of this key, once.
  caf::replies_to<check_out>::with<order_view>,
  // Quits unless an order is being placed.
  caf::reacts_to<runtime::stop_atom>>;

struct checkout_state {
  static inline const char* name = "checkout";

  checkout_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::optional<storage::idempotency_row> row; ///< the key is used: by this order, for this body
  bool in_flight = false;
  std::array<std::uint8_t, 32> body_hash{};    ///< of the request in flight, or refused last
  caf::error refusal;                          ///< what it was answered
  storage::timestamp refused_at{};

  caf::result<order_view> check_out_once(check_out& c);
  caf::result<order_view> replay(const caller& by);
};

} // namespace souk::actors
