#include "actors/checkout/checkout_actor.hpp"

#include "actors/kinds.hpp"

#include <caf/stateful_actor.hpp>

namespace souk::actors {

using runtime::delivery;

namespace {

/// A request that comes twice (an edge that asked another node because this one was slow) hears the same answer twice: whoever was
/// told no must not get the order from the other copy. Nobody's copy is on its way for longer.
constexpr std::chrono::seconds refusal_holds{20};

} // namespace

caf::result<order_view> checkout_state::check_out_once(check_out& c) {
  auto& command = c.command;
  if (!command.key || command.key->key != context.who.name || command.by.user != context.who.sub
      || command.store_id != context.who.id)
    return refuse(errc::invalid, "the key is not this checkout's", "Idempotency-Key");
  const auto& hash = command.key->body_hash;
  if ((row && row->body_hash != hash) || (in_flight && body_hash != hash))
    return refuse(errc::idempotency_key_reused, "this Idempotency-Key was used with another body", "Idempotency-Key");
  if (row)
    return replay(command.by);
  if (in_flight)
    return refuse(errc::idempotency_in_flight, "the first request with this Idempotency-Key is still being worked on",
                  "Idempotency-Key");
  if (refusal && body_hash == hash && context.time->now() - refused_at < refusal_holds)
    return refusal;
  refusal = {};
  in_flight = true;
  body_hash = hash;
  auto order = context.ids->fresh_beside(context.who.id);
  runtime::owed_answer answer{self->make_response_promise()};
  auto at = context.time->now();
  runtime::ask(self, *context.routes, order_at(order), delivery::create, std::move(command))
    .then(
      [this, answer, order, at](order_view& v) mutable {
        in_flight = false;
        row = storage::idempotency_row{body_hash, order, at};
        answer.deliver(std::move(v));
      },
      [this, answer](caf::error& why) mutable {
        in_flight = false;
        // Refused by the shop: nothing was written, the key is free. Anything else may have been written after all, and only
        // the rows know: start again from them.
        auto refused = why.category() == caf::atom("soukshop");
        if (refused) {
          refusal = why;
          refused_at = context.time->now();
        }
        answer.deliver(why);
        if (!refused)
          self->quit(std::move(why));
      });
  return caf::delegated<order_view>{};
}

caf::result<order_view> checkout_state::replay(const caller& by) {
  runtime::owed_answer answer{self->make_response_promise()};
  runtime::ask(self, *context.routes, order_at(row->order_id), delivery::activate, get_order{by})
    .then(
      [answer](order_view& v) mutable {
        v.replayed = true;
        answer.deliver(std::move(v));
      },
      [answer](caf::error& why) mutable { answer.deliver(std::move(why)); });
  return caf::delegated<order_view>{};
}

namespace {

checkout_actor::behavior_type checkout(checkout_actor::stateful_pointer<checkout_state> self,
                                       runtime::entity_context context, std::optional<storage::idempotency_row> row) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.row = row;
  return {
    [self](check_out& c) { return self->state.check_out_once(c); },
    [self](runtime::stop_atom) {
      auto& s = self->state;
      if (s.in_flight)
        caf::anon_send(s.context.shard, runtime::busy_atom_v, s.context.who, s.context.activation);
      else
        self->quit();
    },
  };
}

} // namespace

runtime::entity_kind checkout_kind(std::shared_ptr<const shop_services>) {
  runtime::entity_kind k;
  k.name = "checkout";
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return reader.load_idempotency(who.id, who.sub, who.name);
  };
  k.spawn = [](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    auto row = rows.has_value() ? std::any_cast<std::optional<storage::idempotency_row>>(std::move(rows)) : std::nullopt;
    return caf::actor_cast<caf::actor>(system.spawn(checkout, std::move(context), row));
  };
  return k;
}

} // namespace souk::actors
