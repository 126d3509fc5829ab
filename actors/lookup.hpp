#pragma once

#include "runtime/executor.hpp"

#include <any>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include <caf/actor.hpp>
#include <caf/send.hpp>

namespace souk::actors {

/// Rows that an actor asked a reader thread for. Stays within its process.
struct looked_up {
  std::uint64_t ticket = 0; ///< as the actor gave it
  std::any rows;            ///< what the question returned
  std::string error;        ///< not empty: the database could not be asked
};

template <class I>
typename I::result_type inspect(I& f, looked_up&) {
  return f();
}

/// Asks `find(storage::entity_reader&)` on a reader thread; what it returns is sent to `me` as a looked_up
/// with this ticket.
/// @returns false when the readers' queue is full: nothing will be sent.
template <class Find>
bool look_up(runtime::reader_pool& readers, caf::actor me, storage::shard_id shard, std::uint64_t ticket,
             Find find) {
  return readers.post(shard,
                      [me = std::move(me), ticket, find = std::move(find)](storage::entity_reader& reader) {
                        looked_up out;
                        out.ticket = ticket;
                        try {
                          out.rows = find(reader);
                        } catch (const std::exception& error) {
                          out.error = error.what();
                          if (out.error.empty())
                            out.error = "the rows could not be read";
                        }
                        caf::anon_send(me, std::move(out));
                      });
}

} // namespace souk::actors
