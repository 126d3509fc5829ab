#pragma once

#include "actors/edit_line.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "actors/user/account.hpp"
#include "runtime/owed_answer.hpp"

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// One user: profile, sessions, the index of carts and orders. Every request that the edge's cache does not
/// know asks it who the bearer is, so authenticate is answered from memory.
using user_actor = caf::typed_actor<
  // Makes the user and the first session, durably.
  caf::replies_to<sign_up>::with<user_view>,
  // The profile and the index of carts, to the user only.
  caf::replies_to<get_user>::with<user_view>,
  // The password's hash, for the edge to verify a password against.
  caf::replies_to<get_credentials>::with<std::string>,
  // Makes a session or an API token, durably.
  caf::replies_to<open_session>::with<user_view>,
  // Whose session a token's hash is.
  caf::replies_to<authenticate>::with<storage::session_row>,
  // Ends a session, durably; whether it was open.
  caf::replies_to<close_session>::with<bool>,
  // The user's API tokens for one store.
  caf::replies_to<list_api_tokens>::with<std::vector<storage::session_row>>,
  // Another password for one that was forgotten: a link is mailed, and it was followed.
  caf::replies_to<ask_password_reset>::with<bool>,
  caf::replies_to<reset_password>::with<std::vector<storage::session_row>>,
  // A cart was touched or is gone.
  caf::replies_to<note_cart>::with<bool>, caf::replies_to<forget_cart>::with<bool>,
  // An order was placed.
  caf::replies_to<note_order>::with<bool>,
  // Quits unless something is under way.
  caf::reacts_to<runtime::stop_atom>>;

struct user_state {
  static inline const char* name = "user";

  user_actor::pointer self = nullptr;
  runtime::entity_context context;
  bool exists = false;
  account rules;            ///< what is committed
  edit_line queue;          ///< commands that change rows, one at a time
  storage::timestamp link_mailed_at{}; ///< of a new password
  int orders_under_way = 0; ///< notes of orders commute: they take no turn

  const storage::ulid& id() const noexcept { return context.who.id; }
  storage::timestamp now() const { return context.time->now(); }
  /// Nothing, or why the caller hears that there is no such user.
  caf::error check(const caller& by) const;
  user_view view() const;

  void sign(const sign_up& c, runtime::owed_answer answer);
  void open(const open_session& c, runtime::owed_answer answer);
  void close(const close_session& c, runtime::owed_answer answer);
  void ask_reset(const ask_password_reset& c, runtime::owed_answer answer);
  void reset(const reset_password& c, runtime::owed_answer answer);
  void note(const note_cart& c, runtime::owed_answer answer);
  void forget(const forget_cart& c, runtime::owed_answer answer);
  void note(const note_order& c, runtime::owed_answer answer);
  void stop();

private:
  void write(storage::write_set rows, runtime::owed_answer answer,
             std::function<void(runtime::owed_answer&)> landed);
  void turn_down(runtime::owed_answer& answer, caf::error why);
};

} // namespace souk::actors
