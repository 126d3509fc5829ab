#include "actors/user/user_actor.hpp"

#include "actors/kinds.hpp"

#include <caf/stateful_actor.hpp>

namespace souk::actors {

namespace {

constexpr std::chrono::minutes links_apart{1};

caf::error no_such_user() {
  return refuse(errc::not_found, "there is no such user");
}

} // namespace

caf::error user_state::check(const caller& by) const {
  return exists && by.is(id()) ? caf::error{} : no_such_user();
}

user_view user_state::view() const {
  user_view out{rules.user(), rules.carts()};
  out.user.password_hash.clear();
  return out;
}

void user_state::turn_down(runtime::owed_answer& answer, caf::error why) {
  answer.deliver(std::move(why));
  queue.leave();
}

// Memory changes when the rows are durable, so a full queue leaves it right. After any other failure it is
// for the rows to say how things are: the actor goes, and the shard loads it again.
void user_state::write(storage::write_set rows, runtime::owed_answer answer,
                       std::function<void(runtime::owed_answer&)> landed) {
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, answer, landed = std::move(landed)](const runtime::receipt& r) mutable {
        if (r.refused != storage::refusal::none) {
          auto why = caf::make_error(runtime::errc::restarted);
          answer.deliver(why);
          return self->quit(std::move(why));
        }
        landed(answer);
        queue.leave();
      },
      [this, answer](caf::error& why) mutable {
        if (why == runtime::errc::overloaded)
          return turn_down(answer, std::move(why));
        answer.deliver(why);
        self->quit(std::move(why));
      });
}

void user_state::sign(const sign_up& c, runtime::owed_answer answer) {
  auto user = c.user;
  auto session = c.session;
  user.version = 1;
  user.created_at = session.created_at = now();
  if (exists) { // asked again because an answer was lost, or by somebody else
    if (rules.session(session.hash, now()) == nullptr || rules.user().email != user.email)
      return turn_down(answer, refuse(errc::forbidden, "this user has signed up already"));
    answer.deliver(view());
    return queue.leave();
  }
  if (user.id != id() || session.user_id != id())
    return turn_down(answer, refuse(errc::invalid, "the user's id is not the address", "user_id"));
  auto wrong = account::check_new(user);
  if (!wrong)
    wrong = account{storage::user_snapshot{user, {}, {}}}.check_session(session, now());
  if (wrong) {
    runtime::retire(context);
    return turn_down(answer, refuse(*wrong));
  }
  storage::write_set rows;
  rows.mutations.push_back(storage::insert_user{user});
  rows.mutations.push_back(storage::insert_session{session});
  if (user.kind == storage::user_kind::registered)
    rows.mutations.push_back(
      storage::emit_event{{},
                          "user.created",
                          user.id,
                          {{"user_id", user.id.str()}, {"email", user.email}, {"name", user.name}},
                          now()});
  write(std::move(rows), std::move(answer), [this, user, session](runtime::owed_answer& to) {
    rules = account{storage::user_snapshot{user, {session}, {}}};
    exists = true;
    to.deliver(view());
  });
}

void user_state::open(const open_session& c, runtime::owed_answer answer) {
  auto session = c.session;
  session.user_id = id();
  session.created_at = now();
  if (auto wrong = rules.check_session(session, now()))
    return turn_down(answer, refuse(*wrong));
  if (session.kind == storage::session_kind::api && !rules.has_room_for_api_token(now()))
    return turn_down(answer, refuse(errc::limit_exceeded, "a user has at most 100 API tokens"));
  auto ended = rules.sessions_to_end(session.kind, now());
  storage::write_set rows;
  for (const auto& hash : ended)
    rows.mutations.push_back(storage::delete_session{hash, id()});
  rows.mutations.push_back(storage::insert_session{session});
  write(std::move(rows), std::move(answer), [this, session, ended](runtime::owed_answer& to) {
    for (const auto& hash : ended)
      rules.close(hash);
    rules.open(session);
    to.deliver(view());
  });
}

void user_state::close(const close_session& c, runtime::owed_answer answer) {
  if (rules.session(c.hash, now()) == nullptr) {
    answer.deliver(false);
    return queue.leave();
  }
  storage::write_set rows;
  rows.mutations.push_back(storage::delete_session{c.hash, id()});
  write(std::move(rows), std::move(answer), [this, hash = c.hash](runtime::owed_answer& to) {
    rules.close(hash);
    to.deliver(true);
  });
}

// Asked in a loop it must not fill somebody's mailbox.
void user_state::ask_reset(const ask_password_reset& c, runtime::owed_answer answer) {
  if (rules.user().kind == storage::user_kind::guest)
    return turn_down(answer, no_such_user());
  if (now() - link_mailed_at < links_apart) {
    answer.deliver(false);
    return queue.leave();
  }
  storage::write_set rows;
  rows.mutations.push_back(storage::emit_event{{},
                                               "user.password_reset",
                                               id(),
                                               {{"user_id", id().str()},
                                                {"email", rules.user().email},
                                                {"name", rules.user().name},
                                                {"language", c.language}},
                                               now()});
  write(std::move(rows), std::move(answer), [this](runtime::owed_answer& to) {
    link_mailed_at = now();
    to.deliver(true);
  });
}

void user_state::reset(const reset_password& c, runtime::owed_answer answer) {
  auto next = rules.user();
  if (next.kind == storage::user_kind::guest || next.password_hash != c.old_hash || c.new_hash.empty())
    return turn_down(answer, refuse(errc::bad_credentials, "the link was used, or is too old"));
  next.password_hash = c.new_hash;
  ++next.version;
  auto ended = rules.log_ins(now());
  storage::write_set rows;
  rows.mutations.push_back(storage::update_user{next, rules.user().version});
  for (const auto& s : ended)
    rows.mutations.push_back(storage::delete_session{s.hash, id()});
  rows.mutations.push_back(storage::emit_event{{}, "user.password_changed", id(), {{"user_id", id().str()}}, now()});
  write(std::move(rows), std::move(answer), [this, next, ended](runtime::owed_answer& to) {
    for (const auto& s : ended)
      rules.close(s.hash);
    rules.change(next);
    to.deliver(ended);
  });
}

void user_state::note(const note_cart& c, runtime::owed_answer answer) {
  if (rules.is_last_touched(c.store_id, c.cart_id)) {
    answer.deliver(true);
    return queue.leave();
  }
  auto row = rules.touched(c.store_id, c.cart_id, now());
  storage::write_set rows;
  rows.mutations.push_back(storage::put_user_cart{row});
  write(std::move(rows), std::move(answer), [this, row](runtime::owed_answer& to) {
    rules.put(row);
    to.deliver(true);
  });
}

void user_state::forget(const forget_cart& c, runtime::owed_answer answer) {
  if (!rules.has_cart_in(c.store_id)) {
    answer.deliver(false);
    return queue.leave();
  }
  storage::write_set rows;
  rows.mutations.push_back(storage::delete_user_cart{id(), c.store_id});
  write(std::move(rows), std::move(answer), [this, store = c.store_id](runtime::owed_answer& to) {
    rules.forget_cart(store);
    to.deliver(true);
  });
}

void user_state::note(const note_order& c, runtime::owed_answer answer) {
  storage::write_set rows;
  rows.mutations.push_back(storage::put_user_order{{id(), c.order_id, c.store_id, c.placed_at}});
  ++orders_under_way;
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, answer](const runtime::receipt&) mutable {
        --orders_under_way;
        answer.deliver(true);
      },
      [this, answer](caf::error& why) mutable {
        --orders_under_way; // nothing of it is in memory
        answer.deliver(std::move(why));
      });
}

void user_state::stop() {
  if (queue.busy() || orders_under_way > 0)
    caf::anon_send(context.shard, runtime::busy_atom_v, context.who, context.activation);
  else
    self->quit();
}

namespace {

user_actor::behavior_type user(user_actor::stateful_pointer<user_state> self, runtime::entity_context context,
                               bool created, std::optional<storage::user_snapshot> rows) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  if (rows) {
    state.exists = true;
    state.rules = account{std::move(*rows)};
  } else if (!created) {
    runtime::retire(state.context);
  }
  // Takes a turn for a command; whether the user is there is asked when the turn has come.
  auto in_turn = [self](auto command, bool needs_user, auto does) {
    runtime::owed_answer answer{self->make_response_promise()};
    bool taken = self->state.queue.enter([self, command, needs_user, does, answer]() mutable {
      auto& me = self->state;
      if (needs_user && !me.exists) {
        answer.deliver(no_such_user());
        return me.queue.leave();
      }
      (me.*does)(command, answer);
    });
    if (!taken)
      answer.deliver(caf::make_error(runtime::errc::overloaded));
  };
  return {
    [self, in_turn](const sign_up& c) -> caf::result<user_view> {
      in_turn(c, false, &user_state::sign);
      return caf::delegated<user_view>{};
    },
    [self](const get_user& c) -> caf::result<user_view> {
      if (auto no = self->state.check(c.by))
        return no;
      return self->state.view();
    },
    [self](const get_credentials&) -> caf::result<std::string> {
      const auto& me = self->state;
      if (!me.exists || me.rules.user().kind == storage::user_kind::guest)
        return no_such_user();
      return me.rules.user().password_hash;
    },
    [self, in_turn](const open_session& c) -> caf::result<user_view> {
      in_turn(c, true, &user_state::open);
      return caf::delegated<user_view>{};
    },
    [self](const authenticate& c) -> caf::result<storage::session_row> {
      if (const auto* session = self->state.rules.session(c.hash, self->state.now()))
        return *session;
      return refuse(errc::bad_credentials, "the token is unknown or has expired");
    },
    [self, in_turn](const close_session& c) -> caf::result<bool> {
      if (auto no = self->state.check(c.by))
        return no;
      in_turn(c, true, &user_state::close);
      return caf::delegated<bool>{};
    },
    [self](const list_api_tokens& c) -> caf::result<std::vector<storage::session_row>> {
      if (auto no = self->state.check(c.by))
        return no;
      return self->state.rules.api_tokens(c.store_id, self->state.now());
    },
    [self, in_turn](const ask_password_reset& c) -> caf::result<bool> {
      in_turn(c, true, &user_state::ask_reset);
      return caf::delegated<bool>{};
    },
    [self, in_turn](const reset_password& c) -> caf::result<std::vector<storage::session_row>> {
      in_turn(c, true, &user_state::reset);
      return caf::delegated<std::vector<storage::session_row>>{};
    },
    [self, in_turn](const note_cart& c) -> caf::result<bool> {
      auto& me = self->state;
      if (!me.queue.busy() && me.rules.is_last_touched(c.store_id, c.cart_id))
        return true;
      in_turn(c, true,
              static_cast<void (user_state::*)(const note_cart&, runtime::owed_answer)>(&user_state::note));
      return caf::delegated<bool>{};
    },
    [self, in_turn](const forget_cart& c) -> caf::result<bool> {
      in_turn(c, true, &user_state::forget);
      return caf::delegated<bool>{};
    },
    [self](const note_order& c) -> caf::result<bool> {
      if (!self->state.exists)
        return no_such_user();
      self->state.note(c, runtime::owed_answer{self->make_response_promise()});
      return caf::delegated<bool>{};
    },
    [self](runtime::stop_atom) { self->state.stop(); },
  };
}

} // namespace

runtime::entity_kind user_kind(std::shared_ptr<const shop_services>) {
  runtime::entity_kind k;
  k.name = "user";
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return reader.load_user(who.id);
  };
  k.spawn = [](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    bool created = !rows.has_value();
    auto snapshot =
      created ? std::nullopt : std::any_cast<std::optional<storage::user_snapshot>>(std::move(rows));
    return caf::actor_cast<caf::actor>(system.spawn(user, std::move(context), created, std::move(snapshot)));
  };
  return k;
}

} // namespace souk::actors
