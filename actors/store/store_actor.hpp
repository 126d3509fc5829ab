#pragma once

#include "actors/edit_line.hpp"
#include "actors/outcome.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/owed_answer.hpp"

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// One store's settings. Orders, products and carts of its shard read them as one shared row that is
/// replaced, never changed.
using store_actor = caf::typed_actor<
  // Opens the store at this address.
  caf::replies_to<open_store>::with<storage::store_row>,
  // Its settings.
  caf::replies_to<get_store>::with<storage::store_row>,
  // Changes what is set, durably.
  caf::replies_to<change_store>::with<storage::store_row>,
  // The same of the settings behind the store's own columns: taxes, discounts, accounts at providers, mail.
  caf::replies_to<change_settings>::with<storage::store_row>,
  // Rows of its mails, durably.
  caf::replies_to<note_mail>::with<bool>, caf::replies_to<lift_suppression>::with<bool>,
  caf::replies_to<change_mail_template>::with<bool>,
  // Its settings for others of the process, shared.
  caf::replies_to<get_terms>::with<store_terms>,
  // Quits unless something is under way.
  caf::reacts_to<runtime::stop_atom>>;

struct store_state {
  static inline const char* name = "store";

  store_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::shared_ptr<const storage::store_row> row; ///< as committed; null while there is no such store
  edit_line edits;
  int beside = 0;        ///< such rows under way
  bool outlived = false; ///< the rows are ahead of this life: the next one answers

  caf::result<storage::store_row> in_turn(std::function<void(runtime::owed_answer)> edit);
  void open(const open_store& c, runtime::owed_answer answer);
  void change(const change_store& c, runtime::owed_answer answer);
  void change(const change_settings& c, runtime::owed_answer answer);
  void write(outcome<storage::store_row> next, runtime::owed_answer answer);
  void opened(const open_store& c, const runtime::receipt& r, storage::store_row next,
              runtime::owed_answer answer);
  void committed(storage::store_row next, runtime::owed_answer answer);
  void failed(caf::error why, runtime::owed_answer answer);
  /// Rows beside the store's own, which no change of it waits for.
  caf::result<bool> write_beside(storage::write_set rows);
  caf::error check(const storage::ulid& store) const;
  caf::error check_merchant(const caller& by, const storage::ulid& store) const;
  void leave();
  void stop();
};

} // namespace souk::actors
