#pragma once

#include "runtime/wire.hpp"

namespace souk::actors {

/// Every command and answer of the shop that may cross nodes: what the edge asks, and what actors say to
/// entities of other shards or still have to say to one of their own that has moved meanwhile.
void add_shop_wire(runtime::wire_book& book);

} // namespace souk::actors
