#include "actors/importing/import_actor.hpp"

#include "actors/kinds.hpp"

#include <algorithm>
#include <limits>

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

namespace souk::actors {

namespace {

constexpr std::size_t window =
  8; ///< products under way: enough to fill the journal's batches, few enough to leave it to others
constexpr int attempts_max = 40; ///< of one product, about three minutes
constexpr std::chrono::milliseconds retry_min{100};
constexpr std::chrono::milliseconds retry_max{5000};
constexpr int handle_attempts_max = 3;
constexpr auto the_row =
  std::numeric_limits<std::uint64_t>::max(); ///< what to try again when it is not a product

std::string reason_of(const caf::error& why) {
  auto what = problem_of(why);
  return what.field.empty() ? what.message : what.field + ": " + what.message;
}

} // namespace

// Imports are the merchant's alone, even to look at.
caf::result<storage::import_row> import_state::in_turn(const caller& who, const storage::ulid& store,
                                                       std::function<void(runtime::owed_answer)> edit) {
  runtime::owed_answer answer{self->make_response_promise()};
  if (store.shard() != context.who.shard()) {
    answer.deliver(refuse(errc::not_found, "there is no such import in this store", "import_id"));
    return caf::delegated<storage::import_row>{};
  }
  auto begin = [this, who, store, answer, edit = std::move(edit)] {
    runtime::ask(self, *context.routes, store_at(store), runtime::delivery::activate, get_terms{store})
      .then(
        [this, who, answer, edit](const store_terms& terms) mutable {
          if (who.manages(terms.store->id, terms.store->owner_id))
            return edit(answer);
          answer.deliver(refuse(errc::forbidden, "only the store's merchant may import products"));
          edits.leave();
        },
        [this, answer](caf::error& why) mutable {
          answer.deliver(std::move(why));
          edits.leave();
        });
  };
  if (!edits.enter(std::move(begin)))
    answer.deliver(caf::make_error(runtime::errc::overloaded));
  return caf::delegated<storage::import_row>{};
}

void import_state::start(std::shared_ptr<start_import> c, runtime::owed_answer answer) {
  if (row) { // asked again: it is done once
    if (row->store_id == c->store_id)
      answer.deliver(*row);
    else
      answer.deliver(refuse(errc::not_found, "there is no such import in this store", "import_id"));
    return edits.leave();
  }
  if (c->products.size() > import_rules::products_max) {
    answer.deliver(refuse(errc::limit_exceeded,
                          "a file has at most " + std::to_string(import_rules::products_max) + " products"));
    edits.leave();
    return runtime::retire(context);
  }
  storage::import_row fresh;
  fresh.id = context.who.id;
  fresh.store_id = c->store_id;
  fresh.errors = std::move(c->errors);
  fresh.created_at = fresh.updated_at = context.time->now();
  book.emplace(std::move(fresh), std::move(c->products));
  by = c->by;
  storage::write_set rows;
  rows.mutations.push_back(storage::insert_import{book->row()});
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, answer](const runtime::receipt& r) mutable {
        if (r.refused != storage::refusal::none)
          return next_life_answers(answer);
        row = book->row();
        answer.deliver(*row);
        edits.leave();
        advanced();
      },
      [this, answer](caf::error& why) mutable {
        answer.deliver(why);
        self->quit(std::move(why));
      });
}

// The import is there already, and this life has never read it. The shard takes our last words in order: it
// ends this life, loads the row, and lets the next one say what became of it.
void import_state::next_life_answers(runtime::owed_answer answer) {
  outlived = true;
  runtime::retire(context);
  answer.delegate(context.shard, runtime::deliver_atom_v, context.who, runtime::delivery::activate,
                  caf::make_message(get_import{by, book->row().store_id}));
}

void import_state::tell(const storage::ulid& store, runtime::owed_answer answer) {
  if (row && row->store_id == store)
    answer.deliver(book ? book->row() : *row);
  else
    answer.deliver(refuse(errc::not_found, "there is no such import in this store", "import_id"));
  edits.leave();
}

// Left running by a node that died.
void import_state::settle_interrupted() {
  auto failed = interrupted(*row, context.time->now());
  storage::write_set rows;
  rows.mutations.push_back(storage::update_import{failed});
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, failed](const runtime::receipt&) {
        row = failed;
        edits.leave();
      },
      [this](caf::error& why) { self->quit(std::move(why)); });
}

// -- the work ------------------------------------------------------------------------------------------

void import_state::work() {
  while (book->under_way() < window) {
    auto i = book->next();
    if (!i)
      return;
    find(*i);
  }
}

void import_state::find(std::size_t i) {
  auto asked = look_up(*services->readers, caf::actor_cast<caf::actor>(self), context.who.shard(), i,
                       [store = row->store_id, handle = book->handle(i)](storage::entity_reader& reader) {
                         auto there = reader.load_product_by_handle(store, handle);
                         return there ? std::optional{there->product.id} : std::nullopt;
                       });
  if (!asked)
    later(i, "too much is being read");
}

void import_state::found(const looked_up& l) {
  auto i = static_cast<std::size_t>(l.ticket);
  if (!l.error.empty())
    return later(i, l.error);
  write(i, std::any_cast<const std::optional<storage::ulid>&>(l.rows));
}

void import_state::write(std::size_t i, const std::optional<storage::ulid>& there) {
  auto ok = [this, i](const product_written&) {
    book->done(i);
    attempts.erase(i);
    advanced();
  };
  auto no = [this, i](const caf::error& why) { refused(i, why); };
  if (there) {
    runtime::ask(self, *context.routes, product_at(*there), runtime::delivery::activate,
                 import_rules::as_change(book->product(i), by, row->store_id, *there))
      .then(ok, no);
  } else {
    auto id = context.ids->fresh_beside(row->store_id);
    runtime::ask(self, *context.routes, product_at(id), runtime::delivery::create,
                 import_rules::as_new(book->product(i), by, row->store_id, id))
      .then(ok, no);
  }
}

void import_state::refused(std::size_t i, const caf::error& why) {
  if (why == runtime::errc::shutting_down) {
    book->give_up("the server was stopped; import the file again");
    book->failed(i, "not imported");
    return advanced();
  }
  // A handle that was free a moment ago: somebody has just created the product, and it will be found.
  if (why == errc::handle_taken && attempts[i] < handle_attempts_max)
    return later(i, "the handle is taken");
  if (why != runtime::errc::write_failed && why.category() != caf::atom("soukshop"))
    return later(i, caf::to_string(why));
  book->failed(i, why == runtime::errc::write_failed ? "the database refused it" : reason_of(why));
  attempts.erase(i);
  advanced();
}

void import_state::later(std::size_t i, const std::string& why) {
  auto tried = attempts[i]++;
  if (tried == attempts_max) {
    spdlog::warn("import {} gives up: {}", context.who.id.str(), why);
    book->give_up("the shop could not be reached; import the file again");
    book->failed(i, "not imported");
    return advanced();
  }
  auto wait = std::min(retry_max, retry_min * (1 << std::min(tried, 6)));
  self->delayed_send(self, wait, runtime::retry_atom_v, static_cast<std::uint64_t>(i));
}

void import_state::advanced() {
  if (book->over())
    return save(true);
  if (book->worth_saving())
    save(false);
  work();
}

// One write of the row at a time; the last one waits for the one under way.
void import_state::save(bool final) {
  if (saving)
    return;
  saving = true;
  auto now = context.time->now();
  auto next = final ? book->final_row(now) : book->row();
  next.updated_at = now;
  storage::write_set rows;
  rows.mutations.push_back(storage::update_import{next});
  if (final)
    rows.mutations.push_back(storage::emit_event{
      next.store_id,
      next.status == storage::import_status::finished ? "import.finished" : "import.failed",
      next.id,
      {{"products", std::to_string(next.products)},
       {"variants", std::to_string(next.variants)},
       {"errors", std::to_string(next.errors.size())}},
      now});
  book->saved();
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, next, final](const runtime::receipt&) {
        saving = false;
        row = next;
        if (final)
          book.reset();
        else if (book->over())
          save(true);
      },
      [this](caf::error& why) {
        saving = false;
        if (why == runtime::errc::overloaded)
          self->delayed_send(self, retry_max, runtime::retry_atom_v, the_row);
        else
          self->quit(std::move(why));
      });
}

void import_state::try_again(std::uint64_t what) {
  if (what != the_row)
    find(static_cast<std::size_t>(what));
  else if (book->over())
    save(true);
}

void import_state::stop() {
  if (!outlived && (book || edits.busy()))
    caf::anon_send(context.shard, runtime::busy_atom_v, context.who, context.activation);
  else
    self->quit();
}

namespace {

import_actor::behavior_type import(import_actor::stateful_pointer<import_state> self,
                                   runtime::entity_context context,
                                   std::shared_ptr<const shop_services> services,
                                   std::optional<storage::import_row> row) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.services = std::move(services);
  state.row = std::move(row);
  if (state.row && state.row->status == storage::import_status::running)
    state.edits.enter([self] { self->state.settle_interrupted(); });
  return {
    [self](start_import& c) {
      auto command = std::make_shared<start_import>(std::move(c));
      return self->state.in_turn(
        command->by, command->store_id,
        [self, command](runtime::owed_answer answer) { self->state.start(command, std::move(answer)); });
    },
    [self](const get_import& c) {
      return self->state.in_turn(c.by, c.store_id, [self, store = c.store_id](runtime::owed_answer answer) {
        self->state.tell(store, std::move(answer));
      });
    },
    [self](const looked_up& l) { self->state.found(l); },
    [self](runtime::retry_atom, std::uint64_t i) { self->state.try_again(i); },
    [self](runtime::stop_atom) { self->state.stop(); },
  };
}

} // namespace

runtime::entity_kind import_kind(std::shared_ptr<const shop_services> services) {
  runtime::entity_kind k;
  k.name = "import";
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return reader.load_import(who.id);
  };
  k.spawn = [services](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    std::optional<storage::import_row> row;
    if (rows.has_value()) {
      row = std::any_cast<std::optional<storage::import_row>>(std::move(rows));
      if (!row)
        runtime::retire(context);
    }
    return caf::actor_cast<caf::actor>(system.spawn(import, std::move(context), services, std::move(row)));
  };
  return k;
}

} // namespace souk::actors
