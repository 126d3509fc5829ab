#include "actors/cart/cart_actor.hpp"

#include "actors/kinds.hpp"

#include <algorithm>

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

namespace souk::actors {

using runtime::delivery;

namespace {

constexpr std::chrono::hours reminders_apart{24};

caf::error to_error(cart_rejection no) {
  return refuse(no.why.code, std::move(no.why.message), std::move(no.why.field), std::move(no.lines));
}

bool is_not_found(const caf::error& why) {
  return why == errc::not_found;
}

} // namespace

caf::error cart_state::check(const caller& by) const {
  return by.is(user()) ? caf::error{} : refuse(errc::not_found, "there is no such cart");
}

bool cart_state::is_live() const {
  return row && row->expires_at > context.time->now();
}

cart cart_state::live() const {
  return is_live() ? cart{row->lines} : cart{};
}

void cart_state::turn_down(runtime::owed_answer& answer, caf::error why) {
  answer.deliver(std::move(why));
  edits.leave();
}

// -- asking the shop ------------------------------------------------------------------------------

// All at once; the last answer goes on. A variant that does not exist (any more) is an answer too.
void cart_state::ask_shop(const cart& about, std::optional<storage::ulid> and_of,
                          std::function<void(shop_answers_ptr)> then,
                          std::function<void(caf::error)> failed) {
  struct gathering {
    std::shared_ptr<shop_answers> found = std::make_shared<shop_answers>();
    std::size_t missing = 1;
    caf::error why;
    std::function<void(shop_answers_ptr)> then;
    std::function<void(caf::error)> failed;

    void one_less() {
      if (--missing > 0)
        return;
      if (why)
        failed(std::move(why));
      else
        then(std::move(found));
    }
  };
  auto all = std::make_shared<gathering>();
  all->then = std::move(then);
  all->failed = std::move(failed);
  auto fail = [all](caf::error& why) {
    if (!all->why)
      all->why = std::move(why);
    all->one_less();
  };
  std::vector<storage::ulid> variants;
  for (const auto& l : about.lines())
    variants.push_back(l.variant_id);
  if (and_of && about.find(*and_of) == nullptr)
    variants.push_back(*and_of);
  all->missing += variants.size();
  runtime::ask(self, *context.routes, store_at(store()), delivery::activate, get_terms{store()})
    .then(
      [all](const store_terms& terms) {
        all->found->store = terms.store;
        all->one_less();
      },
      fail);
  for (const auto& variant : variants)
    runtime::ask(self, *context.routes, inventory_at(variant), delivery::activate, get_stock{store()})
      .then(
        [all, variant](stock_view& offer) {
          all->found->offers.emplace(variant, std::move(offer));
          all->one_less();
        },
        [all, fail](caf::error& why) mutable {
          if (is_not_found(why))
            all->one_less();
          else
            fail(why);
        });
}

cart_view cart_state::view(const cart& c, const shop_answers& shop) const {
  cart_view out;
  out.store_id = store();
  out.user_id = user();
  out.currency = shop.store->currency;
  out.item_count = c.item_count();
  for (const auto& l : c.lines()) {
    out.lines.push_back(show(l, shop.offer(l.variant_id)));
    if (const auto& shown = out.lines.back(); shown.sellable)
      out.total += shown.price * shown.quantity; // 100 lines of 10,000 pieces at 10^12 stay within 64 bits
  }
  if (is_live()) {
    out.cart_id = row->id;
    out.expires_at = row->expires_at;
  }
  return out;
}

// The index of the user's carts knows a cart before its row exists, never the other way round: a row that
// nobody finds would be lost to its shopper, and an index entry too many is an empty cart.
void cart_state::note(std::function<void()> then, std::function<void(caf::error)> failed) {
  if (!row && drawn.is_nil())
    drawn = context.ids->fresh_beside(store());
  runtime::ask(self, *context.routes, user_at(user()), delivery::activate,
               note_cart{store(), row ? row->id : drawn})
    .then([then](bool) { then(); },
          [then, failed](caf::error& why) {
            if (is_not_found(why)) // a user without a row has no index to keep
              then();
            else
              failed(std::move(why));
          });
}

// -- reading --------------------------------------------------------------------------------------

void cart_state::get(runtime::owed_answer answer) {
  if (reads >= reads_max)
    return answer.deliver(caf::make_error(runtime::errc::overloaded));
  ++reads;
  auto shown = live();
  ask_shop(
    shown, std::nullopt,
    [this, shown, answer](const shop_answers_ptr& shop) mutable {
      --reads;
      answer.deliver(view(shown, *shop));
      if (row)
        for (auto& l : row->lines)
          if (const auto* offer = shop->offer(l.variant_id))
            l.seen_price = offer->variant.price;
    },
    [this, answer](caf::error why) mutable {
      --reads;
      answer.deliver(std::move(why));
    });
}

// -- writing --------------------------------------------------------------------------------------

storage::cart_row cart_state::next_row(const cart& next) {
  storage::cart_row to;
  if (row) {
    to.id = row->id;
    to.version = row->version + 1;
    to.reminded_at = is_live() ? row->reminded_at : storage::timestamp{};
  } else {
    to.id = drawn.is_nil() ? context.ids->fresh_beside(store()) : drawn;
  }
  to.store_id = store();
  to.user_id = user();
  to.lines = next.lines();
  to.updated_at = context.time->now();
  to.expires_at = to.updated_at + life;
  return to;
}

// A cart whose time was over begins again in its old row: one statement instead of a delete and an insert of
// the same key.
void cart_state::put(storage::write_set& rows, const storage::cart_row& to) const {
  if (!is_live())
    rows.mutations.push_back(storage::emit_event{store(),
                                                 "cart.created",
                                                 to.id,
                                                 {{"user_id", user().str()}, {"store_id", store().str()}},
                                                 to.updated_at});
  if (row)
    rows.mutations.push_back(storage::update_cart{to, row->version});
  else
    rows.mutations.push_back(storage::insert_cart{to});
}

// Memory changes when the rows are durable, so a full queue (`not_now`) leaves it right. After any other
// failure it is for the rows to say how things are: the actor goes, and the shard loads it again.
void cart_state::write(storage::write_set rows, std::vector<runtime::touch> touched,
                       runtime::owed_answer answer, std::function<void(runtime::owed_answer&)> landed,
                       std::function<void()> not_now) {
  runtime::commit(self, context, std::move(rows), std::move(touched))
    .then(
      [this, answer, landed = std::move(landed)](const runtime::receipt& r) mutable {
        if (r.refused != storage::refusal::none) {
          auto why = caf::make_error(runtime::errc::restarted);
          answer.deliver(why);
          return self->quit(std::move(why));
        }
        landed(answer);
        edits.leave();
      },
      [this, answer, not_now = std::move(not_now)](caf::error& why) mutable {
        if (why == runtime::errc::overloaded) {
          if (not_now)
            not_now();
          return turn_down(answer, std::move(why));
        }
        answer.deliver(why);
        self->quit(std::move(why));
      });
}

void cart_state::change(runtime::owed_answer answer, std::optional<storage::ulid> and_of, rule apply) {
  auto failed = [this, answer](caf::error why) mutable { turn_down(answer, std::move(why)); };
  auto goes_on = [this, answer, apply, failed](const shop_answers_ptr& shop) mutable {
    auto before = live();
    auto next = before;
    if (auto no = apply(next, *shop))
      return turn_down(answer, to_error(std::move(*no)));
    auto shown = view(next, *shop);
    if (next.same_goods(before)) {
      answer.deliver(std::move(shown));
      return edits.leave();
    }
    for (const auto& l : shown.lines)
      next.saw(l.variant_id, l.price);
    note(
      [this, answer, next, shown]() mutable {
        auto to = next_row(next);
        shown.cart_id = to.id;
        shown.expires_at = to.expires_at;
        storage::write_set rows;
        put(rows, to);
        write(std::move(rows), {}, answer, [this, to, shown](runtime::owed_answer& asked) {
          row = to;
          asked.deliver(shown);
        });
      },
      failed);
  };
  ask_shop(live(), and_of, goes_on, failed);
}

void cart_state::add(const add_to_cart& c, runtime::owed_answer answer) {
  change(std::move(answer), c.variant_id,
         [this, c](cart& next, const shop_answers& shop) -> std::optional<cart_rejection> {
           if (shop.store->status != storage::store_status::open)
             return cart_rejection{{errc::store_closed, "the store is closed", "store_id"}, {}};
           return next.add(c.product_id, c.variant_id, c.quantity, shop.offer(c.variant_id),
                           context.time->now());
         });
}

void cart_state::set(const set_cart_line& c, runtime::owed_answer answer) {
  change(std::move(answer), std::nullopt, [c](cart& next, const shop_answers& shop) {
    return next.set(c.variant_id, c.quantity, shop.offer(c.variant_id));
  });
}

void cart_state::clear(runtime::owed_answer answer) {
  change(std::move(answer), std::nullopt,
         [](cart& next, const shop_answers&) -> std::optional<cart_rejection> {
           next.clear();
           return std::nullopt;
         });
}

void cart_state::take_out(const lines_ordered& c) {
  auto before = live();
  auto next = before;
  if (std::find(recently_ordered.begin(), recently_ordered.end(), c.order_id) == recently_ordered.end())
    next.take_out(c.lines);
  if (next.same_goods(before))
    return edits.leave();
  auto to = next_row(next);
  storage::write_set rows;
  if (row && to.reminded_at != storage::timestamp{}) { // a reminder brought its shopper back
    rows.mutations.push_back(event("cart.recovered", {{"order_id", c.order_id.str()}}));
    to.reminded_at = {};
  }
  put(rows, to);
  write(std::move(rows), {}, {}, [this, to, order = c.order_id](runtime::owed_answer&) {
    row = to;
    if (recently_ordered.size() >= 8)
      recently_ordered.erase(recently_ordered.begin());
    recently_ordered.push_back(order);
  });
}

void cart_state::expire() {
  if (!row || is_live())
    return edits.leave();
  storage::write_set rows;
  rows.mutations.push_back(storage::delete_cart{row->id, store()});
  rows.mutations.push_back(event("cart.expired", {}));
  write(std::move(rows), {}, {}, [this](runtime::owed_answer&) {
    row.reset();
    drawn = {};
    runtime::tell(*context.routes, user_at(user()), delivery::activate, forget_cart{store()});
    runtime::retire(context);
  });
}

/// @pre there is a row
storage::emit_event cart_state::event(std::string topic, std::vector<std::pair<std::string, std::string>> more) const {
  storage::emit_event e{store(),
                        std::move(topic),
                        row->id,
                        {{"cart_id", row->id.str()},
                         {"user_id", user().str()},
                         {"store_id", store().str()},
                         {"item_count", std::to_string(cart{row->lines}.item_count())}},
                        context.time->now()};
  e.fields.insert(e.fields.end(), more.begin(), more.end());
  return e;
}

// The supervisor saw rows of a moment ago: whether the cart is still left, it knows itself.
void cart_state::remind() {
  auto now = context.time->now();
  if (!is_live() || row->lines.empty() || now - row->updated_at < left_after || row->reminded_at >= row->updated_at)
    return edits.leave();
  auto to = *row;
  ++to.version;
  to.reminded_at = now;
  storage::write_set rows;
  // Somebody who comes, changes a line and leaves again every hour is not told every hour.
  if (row->reminded_at == storage::timestamp{} || now - row->reminded_at >= reminders_apart)
    rows.mutations.push_back(event("cart.abandoned", {}));
  rows.mutations.push_back(storage::update_cart{to, row->version});
  write(std::move(rows), {}, {}, [this, to](runtime::owed_answer&) { row = to; });
}

// -- merging --------------------------------------------------------------------------------------

// The guest's cart holds still from its answer until it is told how the merge ended, or until it sees that we
// are gone: then it starts again from its rows, which know. The write set names it, so it cannot have been
// another cart in between.
void cart_state::merge(const merge_cart& c, runtime::owed_answer answer) {
  merging = true;
  auto from = cart_at(store(), c.guest);
  runtime::ask(self, *context.routes, from, delivery::activate, surrender_cart{user()})
    .then([this, from, answer](const cart_handover& guest) { merge_handed(guest, from, answer); },
          [this, answer](caf::error& why) mutable {
            merging = false;
            turn_down(answer, std::move(why));
          });
}

void cart_state::merge_handed(const cart_handover& guest, const runtime::entity_address& from,
                              runtime::owed_answer answer) {
  auto end = [this, from](bool gone) {
    merging = false;
    runtime::tell(*context.routes, from, delivery::if_active, surrendered{gone});
  };
  auto failed = [this, end, answer](caf::error why) mutable {
    end(false);
    turn_down(answer, std::move(why));
  };
  auto before = live();
  auto next = before;
  next.merge(guest.row.lines);
  auto goes_on = [this, end, failed, before, next, guest, from,
                  answer](const shop_answers_ptr& shop) mutable {
    auto shown = view(next, *shop);
    bool changes = !next.same_goods(before);
    if (guest.row.id.is_nil()) { // there was nothing to take
      end(false);
      answer.deliver(std::move(shown));
      return edits.leave();
    }
    auto writes = [this, end, changes, next, shown, guest, from, answer]() mutable {
      storage::write_set rows;
      std::optional<storage::cart_row> to;
      if (changes) {
        to = next_row(next);
        shown.cart_id = to->id;
        shown.expires_at = to->expires_at;
        put(rows, *to);
      }
      rows.mutations.push_back(storage::delete_cart{guest.row.id, store()});
      write(
        std::move(rows), {{from, guest.activation}}, answer,
        [this, end, to, shown](runtime::owed_answer& asked) {
          if (to)
            row = to;
          end(true);
          asked.deliver(shown);
        },
        [end] { end(false); });
    };
    if (changes)
      note(writes, failed);
    else
      writes();
  };
  ask_shop(next, std::nullopt, goes_on, failed);
}

void cart_state::lend(caf::strong_actor_ptr to, runtime::owed_answer answer) {
  lent_to = std::move(to);
  self->monitor(lent_to);
  cart_handover out;
  out.activation = context.activation;
  if (row) {
    out.row = *row;
    if (!is_live())
      out.row.lines.clear();
  }
  answer.deliver(std::move(out));
}

void cart_state::returned(bool gone) {
  if (!lent_to)
    return;
  self->demonitor(lent_to->address());
  lent_to = nullptr;
  if (gone) {
    row.reset();
    drawn = {};
    runtime::tell(*context.routes, user_at(user()), delivery::activate, forget_cart{store()});
    runtime::retire(context);
  }
  edits.leave();
}

void cart_state::borrower_died(const caf::actor_addr& who) {
  if (lent_to && lent_to->address() == who)
    self->quit(caf::make_error(runtime::errc::restarted));
}

void cart_state::stop() {
  if (edits.busy() || reads > 0)
    caf::anon_send(context.shard, runtime::busy_atom_v, context.who, context.activation);
  else
    self->quit();
}

// -- the mailbox ----------------------------------------------------------------------------------

namespace {

cart_actor::behavior_type shopping_cart(cart_actor::stateful_pointer<cart_state> self,
                                        runtime::entity_context context, std::chrono::hours life,
                                        std::chrono::seconds left_after,
                                        std::optional<storage::cart_row> row) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.life = life;
  state.left_after = left_after;
  state.row = std::move(row);
  self->set_down_handler([self](const caf::down_msg& down) { self->state.borrower_died(down.source); });
  auto in_turn = [self](const caller& by, auto command) -> caf::result<cart_view> {
    if (auto no = self->state.check(by))
      return no;
    runtime::owed_answer answer{self->make_response_promise()};
    if (!self->state.edits.enter([command, answer] { command(answer); }))
      answer.deliver(caf::make_error(runtime::errc::overloaded));
    return caf::delegated<cart_view>{};
  };
  return {
    [self](const get_cart& c) -> caf::result<cart_view> {
      if (auto no = self->state.check(c.by))
        return no;
      self->state.get(runtime::owed_answer{self->make_response_promise()});
      return caf::delegated<cart_view>{};
    },
    [self, in_turn](const add_to_cart& c) -> caf::result<cart_view> {
      if (c.variant_id.is_nil())
        return refuse(errc::invalid, "which variant is it?", "variant_id");
      return in_turn(c.by, [self, c](const runtime::owed_answer& answer) { self->state.add(c, answer); });
    },
    [self, in_turn](const set_cart_line& c) -> caf::result<cart_view> {
      return in_turn(c.by, [self, c](const runtime::owed_answer& answer) { self->state.set(c, answer); });
    },
    [self, in_turn](const clear_cart& c) -> caf::result<cart_view> {
      return in_turn(c.by, [self](const runtime::owed_answer& answer) { self->state.clear(answer); });
    },
    [self, in_turn](const merge_cart& c) -> caf::result<cart_view> {
      if (c.guest.is_nil() || c.guest == c.by.user)
        return refuse(errc::invalid, "a cart is merged with a guest's", "guest");
      return in_turn(c.by, [self, c](const runtime::owed_answer& answer) { self->state.merge(c, answer); });
    },
    [self](const lines_ordered& c) {
      if (!self->state.edits.enter([self, c] { self->state.take_out(c); }))
        spdlog::warn("cart of {}: the lines of order {} stay in it, too much is waiting",
                     self->state.context.who.sub.str(), c.order_id.str());
    },
    [self](const expire_cart&) {
      self->state.edits.enter([self] { self->state.expire(); }); // when full: it is in use, and swept again
    },
    [self](const remind_cart&) {
      self->state.edits.enter([self] { self->state.remind(); });
    },
    [self](const surrender_cart&) -> caf::result<cart_handover> {
      // Two carts that merge each other would wait for each other for ever.
      if (self->state.merging)
        return refuse(errc::version_conflict, "the cart is being merged itself");
      auto to = self->current_sender(); // the promise takes it along
      if (!to)
        return refuse(errc::invalid, "a cart is lent to another cart");
      runtime::owed_answer answer{self->make_response_promise()};
      if (!self->state.edits.enter([self, to, answer] { self->state.lend(to, answer); }))
        answer.deliver(caf::make_error(runtime::errc::overloaded));
      return caf::delegated<cart_handover>{};
    },
    [self](const surrendered& c) { self->state.returned(c.gone); },
    [self](runtime::stop_atom) { self->state.stop(); },
  };
}

} // namespace

runtime::entity_kind cart_kind(std::shared_ptr<const shop_services> services) {
  runtime::entity_kind k;
  k.name = "cart";
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return reader.load_cart(who.id, who.sub);
  };
  k.spawn = [services](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    auto row =
      rows.has_value() ? std::any_cast<std::optional<storage::cart_row>>(std::move(rows)) : std::nullopt;
    return caf::actor_cast<caf::actor>(
      system.spawn(shopping_cart, std::move(context), services->options.cart_life, services->options.cart_abandoned,
                   std::move(row)));
  };
  return k;
}

} // namespace souk::actors
