#include "actors/kinds.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/deep_to_string.hpp>

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
  all.kinds[kind::discount] = discount_kind(services);
  all.kinds[kind::gift_card] = gift_card_kind(services);
  all.kinds[kind::webhooks] = webhooks_kind(services);
  all.on_begin = {kind::supervisor, kind::dispatcher};
  all.event_sink = kind::dispatcher;
  return all;
}

void add_shop_types(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::souk_actors>();
  config.add_error_category(caf::atom("soukshop"), [](std::uint8_t code, caf::atom_value, const caf::message& context) {
    auto text = to_string(static_cast<errc>(code));
    return context.empty() ? text : text + ": " + caf::to_string(context);
  });
}

} // namespace souk::actors
