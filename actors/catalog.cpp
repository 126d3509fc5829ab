#include "actors/kinds.hpp"
#include "actors/services.hpp"

namespace souk::actors {

runtime::entity_catalog shop_catalog(std::shared_ptr<const shop_services> services) {
  runtime::entity_catalog all;
  all.kinds[kind::store] = store_kind(services);
  all.kinds[kind::product] = product_kind(services);
  all.kinds[kind::inventory] = inventory_kind(services);
  all.kinds[kind::cart] = cart_kind(services);
  all.kinds[kind::order] = order_kind(services);
  all.kinds[kind::checkout] = checkout_kind(services);
  all.kinds[kind::user] = user_kind(services);
  all.kinds[kind::reviews] = reviews_kind(services);
  all.kinds[kind::import] = import_kind(services);
  all.kinds[kind::supervisor] = supervisor_kind(services);
  all.kinds[kind::dispatcher] = dispatcher_kind(services);
  all.on_begin = {kind::supervisor, kind::dispatcher};
  all.event_sink = kind::dispatcher;
  return all;
}

} // namespace souk::actors
