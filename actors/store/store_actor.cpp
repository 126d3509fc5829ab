#include "actors/store/store_actor.hpp"

#include "actors/kinds.hpp"
#include "actors/store/store_rules.hpp"

#include <caf/stateful_actor.hpp>

namespace souk::actors {

namespace {

constexpr int beside_max = 1'000; ///< more rows of mails under way at once are refused

storage::emit_event event_of(const storage::store_row& row, const char* topic) {
  return {
    row.id, topic, row.id, {{"slug", row.slug}, {"version", std::to_string(row.version)}}, row.updated_at};
}

} // namespace

caf::result<storage::store_row> store_state::in_turn(std::function<void(runtime::owed_answer)> edit) {
  runtime::owed_answer answer{self->make_response_promise()};
  if (!edits.enter([answer, edit = std::move(edit)] { edit(answer); }))
    answer.deliver(caf::make_error(runtime::errc::overloaded));
  return caf::delegated<storage::store_row>{};
}

void store_state::open(const open_store& c, runtime::owed_answer answer) {
  if (row) { // asked again: it is done once
    if (c.by.manages(row->id, row->owner_id))
      answer.deliver(*row);
    else
      answer.deliver(refuse(errc::forbidden, "the store belongs to somebody else"));
    return leave();
  }
  auto next = store_rules::open(c.by, c.draft, context.time->now());
  if (!next || next->id != context.who.id) {
    answer.deliver(next ? refuse(errc::invalid, "is not the id of this address", "store_id")
                        : refuse(next.why()));
    return leave();
  }
  storage::write_set rows;
  rows.mutations.push_back(storage::insert_store{*next});
  rows.mutations.push_back(event_of(*next, "store.created"));
  runtime::commit(self, context, std::move(rows))
    .then([this, c, next = *next, answer](const runtime::receipt& r) { opened(c, r, next, answer); },
          [this, answer](caf::error& why) { failed(std::move(why), answer); });
}

void store_state::opened(const open_store& c, const runtime::receipt& r, storage::store_row next,
                         runtime::owed_answer answer) {
  if (r.refused == storage::refusal::none)
    return committed(std::move(next), std::move(answer));
  // The store is there already, and this life has never read it. The shard takes our last words in order: it
  // ends this life, loads the rows, and lets the next one answer.
  outlived = true;
  runtime::retire(context);
  answer.delegate(context.shard, runtime::deliver_atom_v, context.who, runtime::delivery::activate,
                  caf::make_message(c));
}

void store_state::change(const change_store& c, runtime::owed_answer answer) {
  if (auto no = check(c.store_id)) {
    answer.deliver(std::move(no));
    return leave();
  }
  write(store_rules::change(*row, c, context.time->now()), std::move(answer));
}

void store_state::change(const change_settings& c, runtime::owed_answer answer) {
  if (auto no = check(c.store_id)) {
    answer.deliver(std::move(no));
    return leave();
  }
  write(store_rules::change_settings(*row, c, context.time->now()), std::move(answer));
}

void store_state::write(outcome<storage::store_row> next, runtime::owed_answer answer) {
  if (!next || *next == *row) {
    if (next)
      answer.deliver(*row);
    else
      answer.deliver(refuse(next.why()));
    return leave();
  }
  storage::write_set rows;
  rows.mutations.push_back(storage::update_store{*next, row->version});
  rows.mutations.push_back(event_of(*next, "store.updated"));
  runtime::commit(self, context, std::move(rows))
    .then([this, next = *next, answer](const runtime::receipt&) { committed(next, answer); },
          [this, answer](caf::error& why) { failed(std::move(why), answer); });
}

void store_state::committed(storage::store_row next, runtime::owed_answer answer) {
  row = std::make_shared<const storage::store_row>(std::move(next));
  answer.deliver(*row);
  leave();
}

// A full queue has changed nothing. After anything else the rows may not be what is remembered here: the next
// life reads them.
void store_state::failed(caf::error why, runtime::owed_answer answer) {
  answer.deliver(why);
  if (why == runtime::errc::overloaded)
    leave();
  else
    self->quit(std::move(why));
}

caf::error store_state::check(const storage::ulid& store) const {
  if (!row || row->id != store)
    return refuse(errc::not_found, "there is no such store", "store_id");
  return caf::none;
}

caf::error store_state::check_merchant(const caller& by, const storage::ulid& store) const {
  if (auto no = check(store))
    return no;
  if (!by.manages(row->id, row->owner_id))
    return refuse(errc::forbidden, "only the store's merchant may do this");
  return caf::none;
}

caf::result<bool> store_state::write_beside(storage::write_set rows) {
  if (rows.mutations.empty())
    return true;
  if (beside >= beside_max)
    return caf::make_error(runtime::errc::overloaded);
  runtime::owed_answer answer{self->make_response_promise()};
  ++beside;
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, answer](const runtime::receipt&) mutable {
        --beside;
        answer.deliver(true);
      },
      [this, answer](caf::error& why) mutable {
        --beside; // nothing of it is in memory
        answer.deliver(std::move(why));
      });
  return caf::delegated<bool>{};
}

void store_state::leave() {
  edits.leave();
  if (!row && !edits.busy())
    runtime::retire(context);
}

void store_state::stop() {
  if ((edits.busy() || beside > 0) && !outlived)
    caf::anon_send(context.shard, runtime::busy_atom_v, context.who, context.activation);
  else
    self->quit();
}

namespace {

store_actor::behavior_type store(store_actor::stateful_pointer<store_state> self,
                                 runtime::entity_context context, std::optional<storage::store_row> row) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  if (row)
    state.row = std::make_shared<const storage::store_row>(std::move(*row));
  return {
    [self](const open_store& c) {
      return self->state.in_turn(
        [self, c](runtime::owed_answer answer) { self->state.open(c, std::move(answer)); });
    },
    [self](const get_store& c) -> caf::result<storage::store_row> {
      if (auto no = self->state.check(c.store_id))
        return no;
      return *self->state.row;
    },
    [self](const change_store& c) {
      return self->state.in_turn(
        [self, c](runtime::owed_answer answer) { self->state.change(c, std::move(answer)); });
    },
    [self](const change_settings& c) {
      return self->state.in_turn(
        [self, c](runtime::owed_answer answer) { self->state.change(c, std::move(answer)); });
    },
    [self](const note_mail& c) -> caf::result<bool> {
      if (auto no = self->state.check(c.store_id))
        return no;
      storage::write_set rows;
      for (const auto& mail : c.mails)
        rows.mutations.push_back(storage::put_mail{mail});
      for (const auto& address : c.suppress)
        rows.mutations.push_back(storage::put_suppression{address});
      return self->state.write_beside(std::move(rows));
    },
    [self](const lift_suppression& c) -> caf::result<bool> {
      if (auto no = self->state.check_merchant(c.by, c.store_id))
        return no;
      storage::write_set rows;
      rows.mutations.push_back(storage::delete_suppression{c.store_id, c.email});
      return self->state.write_beside(std::move(rows));
    },
    [self](const change_mail_template& c) -> caf::result<bool> {
      if (auto no = self->state.check_merchant(c.by, c.row.store_id))
        return no;
      auto text = c.row;
      text.updated_at = self->state.context.time->now();
      storage::write_set rows;
      if (c.remove)
        rows.mutations.push_back(storage::delete_mail_template{text.store_id, text.name, text.language});
      else
        rows.mutations.push_back(storage::put_mail_template{text});
      return self->state.write_beside(std::move(rows));
    },
    [self](const get_terms& c) -> caf::result<store_terms> {
      if (auto no = self->state.check(c.store_id))
        return no;
      return store_terms{self->state.row};
    },
    [self](runtime::stop_atom) { self->state.stop(); },
  };
}

} // namespace

runtime::entity_kind store_kind(std::shared_ptr<const shop_services>) {
  runtime::entity_kind k;
  k.name = "store";
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return reader.load_store(who.id);
  };
  k.spawn = [](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    std::optional<storage::store_row> row;
    if (rows.has_value()) {
      row = std::any_cast<std::optional<storage::store_row>>(std::move(rows));
      if (!row)
        runtime::retire(context);
    }
    return caf::actor_cast<caf::actor>(system.spawn(store, std::move(context), std::move(row)));
  };
  return k;
}

} // namespace souk::actors
