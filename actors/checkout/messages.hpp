#pragma once

#include "actors/order/messages.hpp"

namespace souk::actors {

/// A place_order under an Idempotency-Key (command.key is set). Twins of one request meet here: the first draws the order's id,
/// the others get its answer (`replayed`), errc::idempotency_in_flight while it is worked on, or errc::idempotency_key_reused
/// when their body differs. → order_view
struct check_out {
  place_order command;
};

template <class I>
typename I::result_type inspect(I& f, check_out& x) {
  return f(x.command);
}

} // namespace souk::actors
