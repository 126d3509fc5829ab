#pragma once

#include "actors/edit_line.hpp"
#include "actors/importing/import_rules.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/owed_answer.hpp"

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <optional>
#include <unordered_map>

namespace souk::actors {

/// One import of a product file. It stays in memory while it runs, and does not survive its node: what is
/// imported stays, and importing the same file again does the rest.
using import_actor = caf::typed_actor<
  // Starts the import at this address; answered when its row is committed.
  caf::replies_to<start_import>::with<storage::import_row>,
  // How far it is.
  caf::replies_to<get_import>::with<storage::import_row>,
  // Which product has a handle.
  caf::reacts_to<looked_up>,
  // Tries a product, or the import's own row, again.
  caf::reacts_to<runtime::retry_atom, std::uint64_t>,
  // Quits unless something is under way.
  caf::reacts_to<runtime::stop_atom>>;

struct import_state {
  static inline const char* name = "import";

  import_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::shared_ptr<const shop_services> services;
  caller by;
  std::optional<storage::import_row> row;        ///< as committed last
  std::optional<import_book> book;               ///< while it runs
  std::unordered_map<std::size_t, int> attempts; ///< by product, of those that did not go at once
  bool saving = false;
  bool outlived = false; ///< the row is ahead of this life: the next one answers
  edit_line edits; ///< starting, and settling an import that a node left running; questions wait for both

  caf::result<storage::import_row> in_turn(const caller& who, const storage::ulid& store,
                                           std::function<void(runtime::owed_answer)> edit);
  void start(std::shared_ptr<start_import> c, runtime::owed_answer answer);
  void next_life_answers(runtime::owed_answer answer);
  void tell(const storage::ulid& store, runtime::owed_answer answer);
  void settle_interrupted();
  void work();
  void find(std::size_t i);
  void found(const looked_up& l);
  void write(std::size_t i, const std::optional<storage::ulid>& there);
  void refused(std::size_t i, const caf::error& why);
  void later(std::size_t i, const std::string& why);
  void advanced();
  void save(bool final);
  void try_again(std::uint64_t what);
  void stop();
};

} // namespace souk::actors
