#pragma once

#include "runtime/tcp_dial.hpp"
#include "runtime/thread_pool.hpp"
#include "runtime/type_ids.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include <caf/actor.hpp>
#include <caf/io/middleman_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::runtime {

/// What a node offers to the others: the only actor that is published. Both messages are the same for ever
/// (CAF cannot read a struct that has grown); what may change is inside the bytes.
using node_actor = caf::typed_actor<
  // A frame from the node of that incarnation; an empty one ends the link.
  caf::reacts_to<frame_atom, storage::ulid, std::string>,
  // Who calls → who answers, or why not: then nothing else that the caller sends is heard.
  caf::replies_to<hello_atom, hello>::with<hello>>;

struct link_state;

/// Work for the node's link actor, from this process only.
struct link_task {
  std::function<void(link_state&)> run;
};

/// What the link actor shares with the threads that send.
struct link_board {
  std::shared_mutex guard;
  caf::actor receiver; ///< the peers actor
  std::unordered_map<storage::ulid, caf::strong_actor_ptr> links;
};

struct link_services {
  hello self;
  caf::io::middleman_actor network;      ///< see link_middleman.hpp
  std::shared_ptr<socket_shelf> sockets; ///< where it takes them from
  std::shared_ptr<link_board> board;
  std::shared_ptr<thread_pool> dialers;
  std::shared_ptr<std::atomic<bool>> stopping;
};

using link_actor = node_actor::extend<caf::reacts_to<link_task>>;

/// Reaches other nodes and is reached by them. A link is made by a hello, whoever says it, and serves both
/// directions: a node that cannot be dialled can still be answered. Everything that happens is told to the
/// receiver, see transport.hpp.
struct link_state {
  static inline const char* name = "links";

  struct peer {
    storage::node_row row;  ///< as it was dialled last
    std::uint64_t dial = 0; ///< the attempt under way, 0: none
    std::chrono::steady_clock::time_point until;
    int tries = 0;
    caf::strong_actor_ptr greeting; ///< whom this attempt has said hello to
    caf::strong_actor_ptr remote;   ///< set: linked
    bool quiet = false;             ///< linked, but nobody here wants to hear of it
  };

  link_actor::pointer self = nullptr;
  link_services services;
  std::unordered_map<storage::ulid, peer> peers;
  std::set<caf::actor_addr> watched;
  std::map<storage::ulid, std::string> complaints; ///< what was logged of whom, so that it is logged once
  std::uint64_t dials = 0;

  void dial(const storage::node_row& row);
  void hang_up(const storage::ulid& who);
  void down(const caf::down_msg& gone);
  caf::result<hello> greeted(const hello& caller);
  void frame(const storage::ulid& from, std::string& bytes);

private:
  peer* attempt(const storage::ulid& who, std::uint64_t dial);
  void reach_out(const storage::ulid& who, std::uint64_t dial, bool only_look);
  void reached(const storage::ulid& who, std::uint64_t dial, bool only_look, dialled r);
  void connect(const storage::ulid& who, std::uint64_t dial, tcp_socket socket);
  void connect_later(const storage::ulid& who, std::uint64_t dial);
  void stumbled(const storage::ulid& who, std::uint64_t dial, const std::string& why, bool at_once);
  void say_hello(const storage::ulid& who, std::uint64_t dial, const caf::strong_actor_ptr& remote);
  void answered(const storage::ulid& who, std::uint64_t dial, const caf::strong_actor_ptr& remote,
                const hello& h);
  void failed(const storage::ulid& who, std::uint64_t dial, const std::string& why, bool refused = false);
  void link(const storage::ulid& who, const caf::strong_actor_ptr& remote);
  void lose(const storage::ulid& who, const std::string& why);
  void watch(const caf::strong_actor_ptr& remote);
  void complain(const storage::ulid& who, const std::string& what);
  template <class... Ts>
  void tell(Ts&&... xs);
};

link_actor::behavior_type links(link_actor::stateful_pointer<link_state> self, link_services services);

/// Why two nodes cannot talk; empty when they can.
std::string objection(const hello& self, const hello& other);

} // namespace souk::runtime

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::link_task)
