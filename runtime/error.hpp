#pragma once

#include <cstdint>
#include <string>

#include <caf/error.hpp>
#include <caf/make_message.hpp>

namespace souk::runtime {

/// Why a message could not be served. All of them are worth trying again except write_failed and too_large. Nothing was done, but for in_doubt, and
/// for what may be repeated, which is not said to be in doubt: it is asked again, and may end with any of these.
enum class errc : std::uint8_t {
  moved = 1,        ///< this node does not own the shard (any more)
  overloaded = 2,   ///< a bounded queue is full
  unavailable = 3,  ///< the database cannot be asked, or the entity keeps crashing
  write_failed = 4, ///< the database refused the rows: a bug or an operator's hand; nothing was written
  restarted = 5,    ///< the entity was restarted under the command; nothing was written
  shutting_down = 6,
  too_large = 8, ///< more than one node passes on to another
  in_doubt = 7   ///< whoever had it, an entity or another node, is gone or silent: it may or may not have been done
};

std::string to_string(errc code);

} // namespace souk::runtime

CAF_ERROR_CODE_ENUM(souk::runtime::errc, "soukrt")
