#pragma once

#include "storage/ulid.hpp"

namespace souk::actors {

/// Tell this order at `due` that its reservation's time is over; again moves the time. Nothing is answered.
struct watch_order {
  storage::ulid order_id;
  storage::timestamp due{};
};
/// Its reservation is claimed or released. Nothing is answered.
struct unwatch_order {
  storage::ulid order_id;
};

template <class I>
typename I::result_type inspect(I& f, watch_order& x) {
  return f(x.order_id, x.due);
}
template <class I>
typename I::result_type inspect(I& f, unwatch_order& x) {
  return f(x.order_id);
}

} // namespace souk::actors
