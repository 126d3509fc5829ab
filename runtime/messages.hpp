#pragma once

#include "runtime/address.hpp"
#include "storage/entity_reader.hpp"
#include "storage/journal_store.hpp"
#include "storage/ownership_store.hpp"

#include <any>
#include <memory>
#include <vector>

namespace souk::storage {

template <class I>
typename I::result_type inspect(I& f, fence& x) {
  return f(x.shard, x.epoch, x.seq);
}
template <class I>
typename I::result_type inspect(I& f, outbox_event&) { // stays in its process, like the types below
  return f();
}

} // namespace souk::storage

namespace souk::runtime {

// Types whose inspect() names no field travel between actors of one process only.

enum class delivery : std::uint8_t {
  activate = 1, ///< load the entity first when it is not there
  create = 2,   ///< there is nothing to load: the sender just drew the id
  if_active = 3 ///< drop it unless the entity is there or being loaded: what it would tell is in the rows already
};

/// An entity in one of its lives. A write set names those whose memory it reflects: if one of them was restarted in between,
/// the write set is refused instead of committing what the new life does not know.
struct touch {
  entity_address who;
  std::uint64_t activation = 0;
};

/// What an entity asks the journal to write. touches[0] is the writer itself.
struct journal_entry {
  std::shared_ptr<const storage::write_set> writes;
  std::vector<touch> touches;
};

/// The journal's yes: the rows are durable. `refused` other than none: a predictable conflict, nothing of the entry was written.
struct receipt {
  storage::refusal refused = storage::refusal::none;
  std::string detail;
  std::int64_t drawn_number = 0; ///< what the commit drew for the writer, see storage::write_result
  std::int64_t seq = 0;
};

/// From a lane to a shard, once per batch: these entries are no longer under way.
struct settled_batch {
  storage::shard_id shard = 0;
  std::vector<touch> touches;
  std::vector<touch> failed;               ///< entities that wrote what could not be committed
  std::vector<storage::outbox_event> events; ///< committed, in order
};

/// From a reader thread to the shard: the rows of an entity, or why there are none.
struct loaded_entity {
  entity_address who;
  std::uint64_t activation = 0;
  std::any rows;
  std::string error; ///< not empty: the database could not be asked
};

/// From a lane's worker thread to the lane.
struct lane_result {
  bool settled = false; ///< answer of settle(), else of commit()
  std::shared_ptr<storage::commit_outcome> outcome;
  std::shared_ptr<storage::settlement> settlement;
};

struct shard_stats {
  storage::shard_id shard = 0;
  std::int64_t epoch = 0;
  bool owned = false;
  bool giving = false; ///< it drains for another owner
  std::uint64_t active = 0;
  std::uint64_t parked = 0; ///< messages that wait for the shard to have an owner
  std::uint64_t activations = 0;
  std::uint64_t restarts = 0;
};

/// From membership to the peers actor: who is there.
struct seen_nodes {
  std::vector<storage::node_row> alive; ///< without ourselves
};

/// First words on a new link, in both directions.
struct hello {
  storage::ulid incarnation;
  std::string name;
  std::string cluster;
  std::int32_t wire = 0;        ///< newest version of the protocol that it speaks
  std::int32_t wire_oldest = 0; ///< oldest one
};

/// How one other node is reached.
struct peer_link {
  storage::ulid incarnation;
  std::string name;
  std::string address;
  bool linked = false;
  std::string why; ///< of the last failure
  std::uint64_t in_flight = 0;
};

struct peers_stats {
  std::vector<peer_link> links;
  std::uint64_t calls = 0;     ///< asked of other nodes
  std::uint64_t served = 0;    ///< asked by other nodes
  std::uint64_t repeated = 0;  ///< calls sent again: the owner had changed or was lost
  std::uint64_t given_up = 0;  ///< calls answered without the owner's answer
};

/// A question between nodes, the same however often and over whichever nodes it is sent. Whoever serves a later attempt serves no
/// earlier one that is still on its way: its asker may have been answered no, and would have what it was refused.
struct question {
  storage::ulid asker;         ///< node that sent it first; nil: it has not left its node yet
  std::uint64_t number = 0;    ///< among the asker's
  std::int32_t attempt = 0;
};

struct lane_stats {
  std::uint64_t lane = 0;
  std::uint64_t database = 0;
  std::uint64_t queued = 0;
  std::uint64_t batches = 0;
  std::uint64_t write_sets = 0;
  std::uint64_t halvings = 0;
  std::uint64_t settlements = 0;
};

template <class I>
typename I::result_type inspect(I& f, touch& x) {
  return f(x.who, x.activation);
}
template <class I>
typename I::result_type inspect(I& f, journal_entry&) {
  return f();
}
template <class I>
typename I::result_type inspect(I& f, receipt& x) {
  return f(x.refused, x.detail, x.drawn_number, x.seq);
}
template <class I>
typename I::result_type inspect(I& f, settled_batch&) {
  return f();
}
template <class I>
typename I::result_type inspect(I& f, loaded_entity&) {
  return f();
}
template <class I>
typename I::result_type inspect(I& f, lane_result&) {
  return f();
}
template <class I>
typename I::result_type inspect(I& f, shard_stats& x) {
  return f(x.shard, x.epoch, x.owned, x.giving, x.active, x.parked, x.activations, x.restarts);
}
template <class I>
typename I::result_type inspect(I& f, seen_nodes&) {
  return f();
}
template <class I>
typename I::result_type inspect(I& f, hello& x) {
  return f(x.incarnation, x.name, x.cluster, x.wire, x.wire_oldest);
}
template <class I>
typename I::result_type inspect(I& f, peer_link& x) {
  return f(x.incarnation, x.name, x.address, x.linked, x.why, x.in_flight);
}
template <class I>
typename I::result_type inspect(I& f, peers_stats& x) {
  return f(x.links, x.calls, x.served, x.repeated, x.given_up);
}
template <class I>
typename I::result_type inspect(I& f, question& x) {
  return f(x.asker, x.number, x.attempt);
}
template <class I>
typename I::result_type inspect(I& f, lane_stats& x) {
  return f(x.lane, x.database, x.queued, x.batches, x.write_sets, x.halvings, x.settlements);
}

} // namespace souk::runtime
