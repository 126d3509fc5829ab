#include "actors/discount/discount_actor.hpp"

#include "actors/discount/discount_rules.hpp"
#include "actors/kinds.hpp"

#include <algorithm>

#include <caf/stateful_actor.hpp>

namespace souk::actors {

namespace {

constexpr std::size_t questions_max = 256; ///< checkouts that wait for a reader

} // namespace

// -- the merchant ---------------------------------------------------------------------------------------------------------

// Asks the store whether the caller manages it, then goes on; changes one after the other.
caf::result<storage::discount_row> discount_state::as_merchant(const caller& by, const storage::ulid& store, bool changes,
                                                               std::function<void(runtime::owed_answer)> then) {
  if (store != context.who.id)
    return refuse(errc::not_found, "there is no such discount", "code");
  if (by.anonymous())
    return refuse(errc::forbidden, "only the store's merchant may see and change its discounts");
  runtime::owed_answer answer{self->make_response_promise()};
  auto go = [this, by, store, changes, then = std::move(then), answer]() mutable {
    runtime::ask(self, *context.routes, store_at(store), runtime::delivery::activate, get_terms{store})
      .then(
        [this, by, store, changes, then, answer](const store_terms& terms) mutable {
          if (by.manages(store, terms.store->owner_id)) {
            then(answer);
            if (!changes)
              leave(false);
            return;
          }
          answer.deliver(refuse(errc::forbidden, "only the store's merchant may see and change its discounts"));
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
  return caf::delegated<storage::discount_row>{};
}

void discount_state::create(const create_discount& c, runtime::owed_answer answer) {
  if (row) {
    if (row->id == c.draft.id)
      answer.deliver(view()); // asked again: it is done once
    else
      answer.deliver(refuse(errc::invalid, "there is a discount with this code already", "code"));
    return leave();
  }
  auto next = discount_rules::create(c.draft, context.time->now());
  if (next && next->code != context.who.name)
    next = invalid("code", "is not the code of this address");
  if (!next) {
    answer.deliver(refuse(next.why()));
    return leave();
  }
  write(std::move(*next), 0, std::move(answer));
}

void discount_state::change(const change_discount& c, runtime::owed_answer answer) {
  if (auto no = check(c.store_id, errc::not_found)) {
    answer.deliver(std::move(no));
    return leave();
  }
  auto next = discount_rules::change(*row, c, context.time->now());
  if (!next || *next == *row) {
    if (next)
      answer.deliver(view());
    else
      answer.deliver(refuse(next.why()));
    return leave();
  }
  // The row would refuse an order that is written behind a lower limit: it counts from now on.
  coming_limit = next->usage_limit;
  write(std::move(*next), row->version, std::move(answer));
}

void discount_state::write(storage::discount_row next, std::int64_t expected_version, runtime::owed_answer answer) {
  storage::write_set rows;
  rows.mutations.push_back(storage::put_discount{next, expected_version});
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, next = std::move(next), answer](const runtime::receipt& r) mutable {
        if (r.refused != storage::refusal::none) { // there is a row that this life has not read
          answer.deliver(caf::make_error(runtime::errc::restarted));
          return self->quit(caf::make_error(runtime::errc::restarted));
        }
        row = std::move(next);
        coming_limit.reset();
        answer.deliver(view());
        leave();
      },
      [this, answer](caf::error& why) mutable {
        answer.deliver(why);
        if (why != runtime::errc::overloaded) // what holds is for the rows to say
          return self->quit(std::move(why));
        coming_limit.reset();
        leave();
      });
}

// -- orders ---------------------------------------------------------------------------------------------------------------

caf::result<discount_offer> discount_state::offer(const check_discount& c) {
  if (auto no = check(c.store_id, errc::discount_not_applicable))
    return no;
  discount_offer out{view(), false};
  out.row.used = taken.taken();
  if (!row->once_per_customer || c.customer.empty())
    return out;
  if (taken.customer_holds(c.customer, {})) {
    out.used_by_customer = true;
    return out;
  }
  runtime::owed_answer answer{self->make_response_promise()};
  ask_whether_used(c.customer, {[out, answer](bool used) mutable {
                                  out.used_by_customer = used;
                                  answer.deliver(out);
                                },
                                answer,
                                {}});
  return caf::delegated<discount_offer>{};
}

caf::result<discount_held> discount_state::hold(const hold_discount& c) {
  if (auto no = check(c.store_id, errc::discount_not_applicable))
    return no;
  if (auto no = discount_rules::check_usable(*row, context.time->now()))
    return refuse(*no);
  auto refused = [this](const char* why) {
    return refuse(errc::discount_not_applicable, "the code " + row->code + " " + why);
  };
  if (row->once_per_customer) {
    if (c.customer.empty())
      return refused("is for known customers only");
    // The other order has its use in memory until its rows are there; whoever comes later finds it in the rows.
    if (taken.customer_holds(c.customer, c.order_id))
      return refused("can be used only once");
  }
  if (!taken.hold(c.order_id, c.customer, limit()))
    return refused("is used up");
  if (!row->once_per_customer)
    return discount_held{view(), context.activation};
  runtime::owed_answer answer{self->make_response_promise()};
  ask_whether_used(c.customer, {[this, order = c.order_id, answer, refused](bool used) mutable {
                                  if (!taken.holds(order))
                                    return answer.deliver(caf::make_error(runtime::errc::restarted)); // given back meanwhile
                                  if (!used)
                                    return answer.deliver(discount_held{view(), context.activation});
                                  taken.release(order);
                                  answer.deliver(refused("can be used only once"));
                                },
                                answer, c.order_id});
  return caf::delegated<discount_held>{};
}

void discount_state::ask_whether_used(const std::string& customer, question q) {
  auto ticket = next_ticket++;
  auto find = [store = context.who.id, code = context.who.name, customer](storage::entity_reader& reader) {
    return std::any{reader.has_used(store, code, customer)};
  };
  if (questions.size() < questions_max
      && look_up(*services->readers, caf::actor_cast<caf::actor>(self), context.who.shard(), ticket, std::move(find))) {
    questions.emplace(ticket, std::move(q));
    return;
  }
  taken.release(q.order);
  q.answer.deliver(caf::make_error(runtime::errc::overloaded));
}

void discount_state::found(const looked_up& l) {
  auto at = questions.find(l.ticket);
  if (at == questions.end())
    return;
  auto q = std::move(at->second);
  questions.erase(at);
  if (l.error.empty())
    return q.go_on(std::any_cast<bool>(l.rows));
  taken.release(q.order);
  q.answer.deliver(caf::make_error(runtime::errc::unavailable, l.error));
}

void discount_state::settle(const settle_discount& c) {
  if (c.how == discount_end::used)
    taken.use(c.order_id);
  else if (c.activation == context.activation)
    taken.give_back(c.order_id);
}

storage::discount_row discount_state::view() const {
  auto out = *row;
  out.used = taken.used();
  return out;
}

std::int64_t discount_state::limit() const {
  if (!coming_limit || *coming_limit < 0)
    return row->usage_limit;
  return row->usage_limit < 0 ? *coming_limit : std::min(row->usage_limit, *coming_limit);
}

caf::error discount_state::check(const storage::ulid& store, errc code) const {
  if (!row || row->store_id != store)
    return refuse(code, "there is no such discount code", code == errc::not_found ? "code" : "");
  return caf::none;
}

void discount_state::leave() {
  edits.leave();
  if (!row && !edits.busy() && reading == 0)
    runtime::retire(context);
}

// Ends a turn of a change, or a reader's wait.
void discount_state::leave(bool changes) {
  if (changes)
    return leave();
  --reading;
  if (!row && !edits.busy() && reading == 0)
    runtime::retire(context);
}

void discount_state::stop() {
  if (edits.busy() || reading > 0 || !questions.empty())
    caf::anon_send(context.shard, runtime::busy_atom_v, context.who, context.activation);
  else
    self->quit();
}

namespace {

// Uses that are held in memory only do not keep the actor: an order's write set names the life in which they were taken, and is
// refused when that life is over.
discount_actor::behavior_type discount(discount_actor::stateful_pointer<discount_state> self, runtime::entity_context context,
                                       std::shared_ptr<const shop_services> services,
                                       std::optional<storage::discount_row> row) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.services = std::move(services);
  state.row = std::move(row);
  if (state.row)
    state.taken = uses{state.row->used};
  else
    runtime::retire(state.context);
  return {
    [self](const create_discount& c) {
      return self->state.as_merchant(c.by, c.draft.store_id, true,
                                     [self, c](runtime::owed_answer answer) { self->state.create(c, std::move(answer)); });
    },
    [self](const change_discount& c) {
      return self->state.as_merchant(c.by, c.store_id, true,
                                     [self, c](runtime::owed_answer answer) { self->state.change(c, std::move(answer)); });
    },
    [self](const get_discount& c) {
      return self->state.as_merchant(c.by, c.store_id, false, [self, c](runtime::owed_answer answer) {
        if (auto no = self->state.check(c.store_id, errc::not_found))
          answer.deliver(std::move(no));
        else
          answer.deliver(self->state.view());
      });
    },
    [self](const check_discount& c) { return self->state.offer(c); },
    [self](const hold_discount& c) { return self->state.hold(c); },
    [self](const release_discount& c) { self->state.taken.release(c.order_id); },
    [self](const expect_discount_return& c) -> caf::result<std::uint64_t> {
      if (auto no = self->state.check(c.store_id, errc::not_found))
        return no;
      return self->state.context.activation;
    },
    [self](const settle_discount& c) { self->state.settle(c); },
    [self](const looked_up& l) { self->state.found(l); },
    [self](runtime::stop_atom) { self->state.stop(); },
  };
}

} // namespace

runtime::entity_kind discount_kind(std::shared_ptr<const shop_services> services) {
  runtime::entity_kind k;
  k.name = "discount";
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return reader.load_discount(who.id, who.name);
  };
  k.spawn = [services](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    auto row = rows.has_value() ? std::any_cast<std::optional<storage::discount_row>>(std::move(rows)) : std::nullopt;
    return caf::actor_cast<caf::actor>(system.spawn(discount, std::move(context), services, std::move(row)));
  };
  return k;
}

} // namespace souk::actors
