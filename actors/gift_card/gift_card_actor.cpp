#include "actors/gift_card/gift_card_actor.hpp"

#include "actors/gift_card/gift_card_rules.hpp"
#include "actors/kinds.hpp"

#include <caf/stateful_actor.hpp>

namespace souk::actors {

// Asks the store whether the caller manages it, then goes on; changes one after the other.
caf::result<storage::gift_card_row> gift_card_state::as_merchant(
  const caller& by, const storage::ulid& store, bool changes,
  std::function<void(const store_terms& terms, runtime::owed_answer)> then) {
  if (store != context.who.id)
    return refuse(errc::not_found, "there is no such gift card", "gift_card_id");
  if (by.anonymous())
    return refuse(errc::forbidden, "only the store's merchant may see and change its gift cards");
  runtime::owed_answer answer{self->make_response_promise()};
  auto go = [this, by, store, changes, then = std::move(then), answer]() mutable {
    runtime::ask(self, *context.routes, store_at(store), runtime::delivery::activate, get_terms{store})
      .then(
        [this, by, store, changes, then, answer](const store_terms& terms) mutable {
          if (by.manages(store, terms.store->owner_id)) {
            then(terms, answer);
            if (!changes)
              leave(false);
            return;
          }
          answer.deliver(refuse(errc::forbidden, "only the store's merchant may see and change its gift cards"));
          leave(changes);
        },
        [this, changes, answer](caf::error& why) mutable {
          answer.deliver(std::move(why));
          leave(changes);
        });
  };
  if (!changes) {
    ++reading;
    go();
  } else if (!edits.enter(std::move(go)))
    answer.deliver(caf::make_error(runtime::errc::overloaded));
  return caf::delegated<storage::gift_card_row>{};
}

void gift_card_state::create(const create_gift_card& c, const std::string& currency, runtime::owed_answer answer) {
  if (row) {
    if (row->id == c.draft.id)
      answer.deliver(view()); // asked again: it is done once
    else
      answer.deliver(refuse(errc::invalid, "there is a gift card with this code already", "code"));
    return leave();
  }
  auto next = gift_card_rules::create(c.draft, currency, context.time->now());
  if (next && next->code_hash != context.who.name)
    next = invalid("code", "is not the code of this address");
  if (!next) {
    answer.deliver(refuse(next.why()));
    return leave();
  }
  write(std::move(*next), 0, std::move(answer));
}

void gift_card_state::change(const change_gift_card& c, runtime::owed_answer answer) {
  if (auto no = check(c.store_id)) {
    answer.deliver(std::move(no));
    return leave();
  }
  auto next = gift_card_rules::change(*row, c, context.time->now());
  if (!next || *next == *row) {
    if (next)
      answer.deliver(view());
    else
      answer.deliver(refuse(next.why()));
    return leave();
  }
  write(std::move(*next), row->version, std::move(answer));
}

void gift_card_state::write(storage::gift_card_row next, std::int64_t expected_version, runtime::owed_answer answer) {
  storage::write_set rows;
  rows.mutations.push_back(storage::put_gift_card{next, expected_version});
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, next = std::move(next), expected_version, answer](const runtime::receipt& r) mutable {
        if (r.refused != storage::refusal::none) { // there is a row that this life has not read
          answer.deliver(caf::make_error(runtime::errc::restarted));
          return self->quit(caf::make_error(runtime::errc::restarted));
        }
        row = std::move(next);
        if (expected_version == 0)
          left = purse{row->balance};
        answer.deliver(view());
        leave();
      },
      [this, answer](caf::error& why) mutable {
        answer.deliver(why);
        if (why != runtime::errc::overloaded) // what holds is for the rows to say
          return self->quit(std::move(why));
        leave();
      });
}

caf::result<gift_card_balance> gift_card_state::balance(const get_gift_card_balance& c) const {
  if (auto no = gift_card_rules::check_usable(row, c.store_id, context.time->now()))
    return refuse(*no);
  return gift_card_balance{left.available(), row->currency, row->expires_at};
}

caf::result<gift_card_held> gift_card_state::hold(const hold_gift_card& c) {
  if (auto no = gift_card_rules::check_usable(row, c.store_id, context.time->now()))
    return refuse(*no);
  auto amount = left.hold(c.order_id, c.at_most);
  if (!amount)
    return refuse(errc::gift_card_not_applicable, "nothing is left on the gift card that ends with " + row->last_characters);
  return gift_card_held{*amount, view(), context.activation};
}

storage::gift_card_row gift_card_state::view() const {
  auto out = *row;
  out.balance = left.balance();
  return out;
}

caf::error gift_card_state::check(const storage::ulid& store) const {
  if (!row || row->store_id != store)
    return refuse(errc::not_found, "there is no such gift card", "gift_card_id");
  return caf::none;
}

void gift_card_state::leave() {
  edits.leave();
  if (!row && !edits.busy() && reading == 0)
    runtime::retire(context);
}

// Ends a turn of a change, or a reader's wait.
void gift_card_state::leave(bool changes) {
  if (changes)
    return leave();
  --reading;
  if (!row && !edits.busy() && reading == 0)
    runtime::retire(context);
}

void gift_card_state::stop() {
  if (edits.busy() || reading > 0)
    caf::anon_send(context.shard, runtime::busy_atom_v, context.who, context.activation);
  else
    self->quit();
}

namespace {

// What is held in memory only does not keep the actor: an order's write set names the life in which it was taken, and is refused
// when that life is over.
gift_card_actor::behavior_type gift_card(gift_card_actor::stateful_pointer<gift_card_state> self,
                                         runtime::entity_context context, std::optional<storage::gift_card_row> row) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.row = std::move(row);
  if (state.row)
    state.left = purse{state.row->balance};
  else
    runtime::retire(state.context);
  return {
    [self](const create_gift_card& c) {
      return self->state.as_merchant(c.by, c.draft.store_id, true, [self, c](const store_terms& terms, runtime::owed_answer answer) {
        self->state.create(c, terms.store->currency, std::move(answer));
      });
    },
    [self](const change_gift_card& c) {
      return self->state.as_merchant(c.by, c.store_id, true, [self, c](const store_terms&, runtime::owed_answer answer) {
        self->state.change(c, std::move(answer));
      });
    },
    [self](const get_gift_card& c) {
      return self->state.as_merchant(c.by, c.store_id, false, [self, c](const store_terms&, runtime::owed_answer answer) {
        if (auto no = self->state.check(c.store_id))
          answer.deliver(std::move(no));
        else
          answer.deliver(self->state.view());
      });
    },
    [self](const get_gift_card_balance& c) { return self->state.balance(c); },
    [self](const hold_gift_card& c) { return self->state.hold(c); },
    [self](const release_gift_card& c) { self->state.left.release(c.order_id); },
    [self](const settle_gift_card& c) { self->state.left.spend(c.order_id, c.spent); },
    [self](const expect_gift_card_return& c) -> caf::result<std::uint64_t> {
      if (auto no = self->state.check(c.store_id))
        return no;
      return self->state.context.activation;
    },
    [self](const gift_card_returned& c) {
      if (c.activation == self->state.context.activation)
        self->state.left.give(c.amount);
    },
    [self](runtime::stop_atom) { self->state.stop(); },
  };
}

} // namespace

runtime::entity_kind gift_card_kind(std::shared_ptr<const shop_services>) {
  runtime::entity_kind k;
  k.name = "gift_card";
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return reader.load_gift_card(who.id, who.name);
  };
  k.spawn = [](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    auto row = rows.has_value() ? std::any_cast<std::optional<storage::gift_card_row>>(std::move(rows)) : std::nullopt;
    return caf::actor_cast<caf::actor>(system.spawn(gift_card, std::move(context), std::move(row)));
  };
  return k;
}

} // namespace souk::actors
