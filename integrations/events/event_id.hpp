#pragma once

#include "storage/entity_reader.hpp"

#include <string>

namespace souk::integrations {

/// "SHARD-SEQ-N": the same for everybody who hears of the event, however often.
inline std::string event_id_of(const storage::outbox_event& e) {
  return std::to_string(e.shard) + "-" + std::to_string(e.seq) + "-" + std::to_string(e.n);
}

} // namespace souk::integrations
