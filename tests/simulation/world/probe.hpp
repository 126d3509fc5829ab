#pragma once

#include "runtime/entity.hpp"

#include <memory>
#include <string>
#include <vector>

namespace souk::simulation {

inline constexpr runtime::kind_id probe_kind_id = 200;
inline constexpr runtime::kind_id serving_probe_id = 201;

/// What probes report, whichever life they are in.
struct probe_diary {
  int loads = 0;
  int lives = 0;
  int ended = 0;
  int fail_loads = 0; ///< so many loads will find no database
  std::vector<std::string> heard;
};

/// An entity that does what it is told, for tests of the runtime alone. Commands are texts, answers too:
///   "hello"           answers "life N", N counting the lives of all probes
///   "write TOPIC"     commits an event of that topic, answers "written" after the commit
///   "poison TOPIC"    the same with a row that no database takes
///   "outdated TOPIC"  writes in the name of a life that never was
///   "stay", "go"      is busy from now on, or no longer
///   "retire"          asks to be stopped
///   "crash"           dies of an error; the answer is "in_doubt"
/// An error of the journal is passed on.
runtime::entity_kind probe_kind(std::shared_ptr<probe_diary> diary, bool serves_its_shard = false);

/// A catalog of nothing but probes.
runtime::entity_catalog probe_catalog(std::shared_ptr<probe_diary> diary);

inline runtime::entity_address probe_at(const storage::ulid& id) { return {probe_kind_id, id, {}, {}}; }

} // namespace souk::simulation
