#include "actors/inventory/inventory_actor.hpp"

#include "actors/kinds.hpp"

#include <caf/stateful_actor.hpp>

namespace souk::actors {

bool inventory_state::sellable() const {
  return product == storage::product_status::active && !variant.removed;
}

caf::error inventory_state::check(const storage::ulid& store) const {
  if (!exists || variant.store_id != store)
    return refuse(errc::not_found, "there is no such variant in this store", "variant_id");
  return caf::none;
}

caf::result<reserved> inventory_state::reserve(const reserve_stock& c) {
  if (auto no = check(c.store_id))
    return no;
  if (!c.product_id.is_nil() && variant.product_id != c.product_id)
    return refuse(errc::not_found, "the variant is not one of the product's", "variant_id");
  if (!sellable())
    return refuse(errc::product_unavailable, product_title + " is not for sale", "variant_id");
  auto before = rules.available();
  if (!rules.hold(c.order_id, c.quantity))
    return refuse(errc::out_of_stock, "not enough of " + product_title, "items",
                  {{variant.id, c.quantity, std::max<std::int64_t>(0, before)}});
  tell_pages(); // now, not when the order is settled: whoever has ordered must not see the old figure afterwards
  if (rules.crosses_threshold(before)) {
    // An alert of its own: it does not wait for the order, and an order that fails has still shown that stock is low.
    storage::write_set rows;
    rows.mutations.push_back(low_stock_alert());
    runtime::commit(self, context, std::move(rows)).then([](const runtime::receipt&) {}, [](const caf::error&) {});
  }
  return reserved{variant, product_title, context.activation};
}

void inventory_state::tell_pages() const {
  if (services->stock_changed)
    services->stock_changed(variant.id, rules.available());
}

storage::emit_event inventory_state::low_stock_alert() const {
  return {variant.store_id,
          "inventory.low_stock",
          variant.id,
          {{"product_id", variant.product_id.str()},
           {"sku", variant.sku},
           {"available", std::to_string(rules.available())},
           {"threshold", std::to_string(rules.level().low_stock_threshold)}},
          context.time->now()};
}

void inventory_state::settle(const settle_hold& c) {
  if (c.to == storage::reservation_state::claimed)
    rules.claim(c.order_id);
  else
    rules.release(c.order_id);
  tell_pages();
}

void inventory_state::take_back(const goods_returned& c) {
  if (c.activation != context.activation)
    return;
  rules.give(c.quantity);
  tell_pages();
}

stock_view inventory_state::view() const {
  return {variant,           product_title,           sellable(),       rules.on_hand(),
          rules.reserved(),  rules.available(),       rules.level().backorder,
          rules.level().low_stock_threshold};
}

void inventory_state::change(const caller& by, std::int64_t delta, std::string reason, std::string note,
                             runtime::owed_answer answer) {
  if (reason.empty() || reason.size() > 100)
    return answer.deliver(refuse(errc::invalid, "a reason of 1 to 100 characters is needed", "reason"));
  if (note.size() > 1000)
    return answer.deliver(refuse(errc::invalid, "a note has at most 1,000 characters", "note"));
  if (!rules.may_adjust(delta))
    return answer.deliver(refuse(errc::below_reserved, "on hand would fall below what is reserved for open orders",
                                 "quantity", {{variant.id, -delta, rules.available()}}));
  if (delta == 0)
    return answer.deliver(view());
  auto before = rules.available();
  if (delta < 0)
    rules.take(-delta);
  auto now = context.time->now();
  storage::write_set rows;
  rows.mutations.push_back(storage::move_stock{variant.id, variant.store_id, delta, 0, std::move(reason), {}, by.user,
                                               std::move(note), now});
  rows.mutations.push_back(storage::emit_event{variant.store_id,
                                               "inventory.adjusted",
                                               variant.id,
                                               {{"product_id", variant.product_id.str()},
                                                {"delta", std::to_string(delta)}},
                                               now});
  if (rules.crosses_threshold(before))
    rows.mutations.push_back(low_stock_alert());
  ++writes;
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, answer, delta](const runtime::receipt&) mutable {
        --writes;
        if (delta > 0)
          rules.give(delta);
        tell_pages();
        answer.deliver(view());
      },
      [this, answer, delta](caf::error& why) mutable {
        --writes;
        if (delta < 0)
          rules.give(-delta);
        answer.deliver(std::move(why));
      });
}

void inventory_state::change_policy(const set_stock_policy& c, runtime::owed_answer answer) {
  auto backorder = c.backorder.value_or(rules.level().backorder);
  auto threshold = c.low_stock_threshold.value_or(rules.level().low_stock_threshold);
  if (threshold < -1)
    return answer.deliver(refuse(errc::invalid, "the threshold is -1 (none) or more", "low_stock_threshold"));
  if (!backorder && !rules.may_deny_backorder())
    return answer.deliver(refuse(errc::below_reserved,
                                 "more is reserved than is on hand: back-orders cannot be turned off yet", "backorder",
                                 {{variant.id, rules.reserved(), rules.on_hand()}}));
  if (backorder == rules.level().backorder && threshold == rules.level().low_stock_threshold)
    return answer.deliver(view());
  // Denying acts at once, so that no hold slips in that the row would then refuse; allowing acts when it is committed.
  rules.set_policy(backorder && rules.level().backorder, threshold);
  storage::write_set rows;
  rows.mutations.push_back(storage::set_level_policy{variant.id, variant.store_id, backorder, threshold});
  ++writes;
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, answer, backorder, threshold](const runtime::receipt&) mutable {
        --writes;
        rules.set_policy(backorder, threshold);
        answer.deliver(view());
      },
      [this, answer](caf::error& why) mutable {
        --writes;
        answer.deliver(why);
        self->quit(std::move(why)); // which policy holds is for the rows to say
      });
}

void inventory_state::published(const publish_variant& c) {
  if (c.product_version < product_version)
    return;
  product_version = c.product_version;
  variant = c.variant;
  product_title = c.product_title;
  product = c.product;
}

void inventory_state::stop() {
  if (writes > 0)
    caf::anon_send(context.shard, runtime::busy_atom_v, context.who, context.activation);
  else
    self->quit();
}

namespace {

// Holds that are in memory only do not keep the actor: an order's write set names the life in which they were made, and is
// refused when that life is over.
inventory_actor::behavior_type inventory(inventory_actor::stateful_pointer<inventory_state> self,
                                         runtime::entity_context context, std::shared_ptr<const shop_services> services,
                                         std::optional<storage::stock_snapshot> rows) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.services = std::move(services);
  if (rows) {
    state.exists = true;
    state.rules = stock{*rows};
    state.variant = std::move(rows->variant);
    state.product_title = std::move(rows->product_title);
    state.product = rows->product;
  } else {
    runtime::retire(state.context);
  }
  // Asks the store whether the caller manages it, then goes on; the stock may have changed by then, so the rules run after.
  auto as_merchant = [self](const caller& by, const storage::ulid& store, auto then) -> caf::result<stock_view> {
    if (auto no = self->state.check(store))
      return no;
    if (by.user.is_nil())
      return refuse(errc::forbidden, "only the store's merchant may change its stock");
    runtime::owed_answer answer{self->make_response_promise()};
    runtime::ask(self, *self->state.context.routes, store_at(store), runtime::delivery::activate, get_terms{store})
      .then(
        [self, answer, by, store, then](const store_terms& terms) mutable {
          if (!by.manages(store, terms.store->owner_id))
            return answer.deliver(refuse(errc::forbidden, "only the store's merchant may change its stock"));
          then(answer);
        },
        [answer](caf::error& why) mutable { answer.deliver(std::move(why)); });
    return caf::delegated<stock_view>{};
  };
  return {
    [self](const reserve_stock& c) { return self->state.reserve(c); },
    [self](const unreserve& c) {
      self->state.rules.release(c.order_id);
      self->state.tell_pages();
    },
    [self](const settle_hold& c) { self->state.settle(c); },
    [self](const expect_return& c) -> caf::result<std::uint64_t> {
      if (auto no = self->state.check(c.store_id))
        return no;
      return self->state.context.activation;
    },
    [self](const goods_returned& c) { self->state.take_back(c); },
    [self](const get_stock& c) -> caf::result<stock_view> {
      if (auto no = self->state.check(c.store_id))
        return no;
      return self->state.view();
    },
    [self, as_merchant](const adjust_stock& c) -> caf::result<stock_view> {
      return as_merchant(c.by, c.store_id, [self, c](runtime::owed_answer& answer) {
        self->state.change(c.by, c.delta, c.reason, c.note, answer);
      });
    },
    [self, as_merchant](const set_stock& c) -> caf::result<stock_view> {
      if (c.on_hand < 0)
        return refuse(errc::invalid, "on hand cannot be negative", "quantity");
      return as_merchant(c.by, c.store_id, [self, c](runtime::owed_answer& answer) {
        self->state.change(c.by, c.on_hand - self->state.rules.on_hand(), c.reason, c.note, answer);
      });
    },
    [self, as_merchant](const set_stock_policy& c) -> caf::result<stock_view> {
      return as_merchant(c.by, c.store_id,
                         [self, c](runtime::owed_answer& answer) { self->state.change_policy(c, answer); });
    },
    [self](const publish_variant& c) { self->state.published(c); },
    [self](runtime::stop_atom) { self->state.stop(); },
  };
}

} // namespace

runtime::entity_kind inventory_kind(std::shared_ptr<const shop_services> services) {
  runtime::entity_kind k;
  k.name = "inventory";
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return reader.load_stock(who.id);
  };
  k.spawn = [services](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    auto snapshot = rows.has_value() ? std::any_cast<std::optional<storage::stock_snapshot>>(std::move(rows)) : std::nullopt;
    return caf::actor_cast<caf::actor>(system.spawn(inventory, std::move(context), services, std::move(snapshot)));
  };
  return k;
}

} // namespace souk::actors
