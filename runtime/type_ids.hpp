#pragma once

#include "runtime/error.hpp"
#include "runtime/messages.hpp"

#include <caf/atom.hpp>
#include <caf/type_id.hpp>

// clang-format off
CAF_BEGIN_TYPE_ID_BLOCK(souk_runtime, caf::first_custom_type_id)
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::errc))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::delivery))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::entity_address))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::journal_entry))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::receipt))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::settled_batch))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::loaded_entity))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::lane_result))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::shard_stats))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::lane_stats))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::storage::fence))
  CAF_ADD_TYPE_ID(souk_runtime, (std::vector<souk::storage::fence>))
  CAF_ADD_TYPE_ID(souk_runtime, (std::vector<souk::storage::outbox_event>))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::storage::ulid))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::hello))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::seen_nodes))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::peers_stats))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::peer_link))
  CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::question))
  CAF_ADD_ATOM(souk_runtime, souk::runtime, deliver_atom, "deliver")   // shard: pass a message on to an entity
  CAF_ADD_ATOM(souk_runtime, souk::runtime, write_atom, "write")       // shard, lane: make rows durable
  CAF_ADD_ATOM(souk_runtime, souk::runtime, stop_atom, "stop")         // entity: quit if nothing is under way
  CAF_ADD_ATOM(souk_runtime, souk::runtime, busy_atom, "busy")         // shard: the entity stays
  CAF_ADD_ATOM(souk_runtime, souk::runtime, retire_atom, "retire")     // shard: the entity has nothing left to do
  CAF_ADD_ATOM(souk_runtime, souk::runtime, sweep_atom, "sweep")       // shard: look for idle entities
  CAF_ADD_ATOM(souk_runtime, souk::runtime, own_atom, "own")           // shard, lane: these fences are ours now
  CAF_ADD_ATOM(souk_runtime, souk::runtime, lost_atom, "lost")         // shard: somebody else owns it
  CAF_ADD_ATOM(souk_runtime, souk::runtime, drain_atom, "drain")       // shard, lane: finish what is under way, answer when done
  CAF_ADD_ATOM(souk_runtime, souk::runtime, retry_atom, "retry")       // lane: ask the database again
  CAF_ADD_ATOM(souk_runtime, souk::runtime, stats_atom, "stats")
  CAF_ADD_ATOM(souk_runtime, souk::runtime, events_atom, "events")     // event sink: committed events, in order
  CAF_ADD_ATOM(souk_runtime, souk::runtime, begin_atom, "begin")       // shard entity: the shard is ours, resume
  CAF_ADD_ATOM(souk_runtime, souk::runtime, here_atom, "here")         // shard: deliver, but only if the shard is ours
  CAF_ADD_ATOM(souk_runtime, souk::runtime, give_atom, "give")         // shard: drain for another owner, answer the fence when done
  CAF_ADD_ATOM(souk_runtime, souk::runtime, given_atom, "given")       // shard: it is somebody else's now
  CAF_ADD_ATOM(souk_runtime, souk::runtime, keep_atom, "keep")         // shard: it is not given away after all
  CAF_ADD_ATOM(souk_runtime, souk::runtime, look_atom, "look")         // shard: the owner changed, look again where parked messages go
  CAF_ADD_ATOM(souk_runtime, souk::runtime, leave_atom, "leave")       // lane: this shard is no longer yours, answer its fence
  CAF_ADD_ATOM(souk_runtime, souk::runtime, forward_atom, "forward")   // peers: pass on to the shard's owner
  CAF_ADD_ATOM(souk_runtime, souk::runtime, answer_atom, "answer")     // peers: what an entity answered to another node's call
  CAF_ADD_ATOM(souk_runtime, souk::runtime, frame_atom, "frame")       // peers: bytes from another node
  CAF_ADD_ATOM(souk_runtime, souk::runtime, linked_atom, "linked")     // peers: a node is reached
  CAF_ADD_ATOM(souk_runtime, souk::runtime, unlinked_atom, "unlinked") // peers: or it is not
  CAF_ADD_ATOM(souk_runtime, souk::runtime, grant_atom, "grant")       // peers: tell the next owner which shards it has
  CAF_ADD_ATOM(souk_runtime, souk::runtime, notice_atom, "notice")     // peers: tell every node, if it listens
  CAF_ADD_ATOM(souk_runtime, souk::runtime, hello_atom, "hello")       // node: who calls
CAF_END_TYPE_ID_BLOCK(souk_runtime)
// clang-format on
