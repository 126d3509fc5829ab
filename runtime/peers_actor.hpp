#pragma once

#include "runtime/clock.hpp"
#include "runtime/cluster_map.hpp"
#include "runtime/frames.hpp"
#include "runtime/router.hpp"
#include "runtime/transport.hpp"
#include "runtime/wire.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <caf/actor.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>
#include <caf/stateful_actor.hpp>

namespace souk::runtime {

struct peers_options {
  std::size_t calls_max = 4096;              ///< under way to other nodes, and from them; beyond: errc::overloaded
  std::size_t bytes_max = std::size_t{256} << 20; ///< of commands under way; beyond: errc::overloaded
  std::size_t frame_max = std::size_t{64} << 20;  ///< of one command or answer; beyond: errc::too_large
  std::chrono::milliseconds timeout{4000};   ///< of a call
  std::chrono::milliseconds sweep_every{100};
  std::chrono::milliseconds redial_min{50};
  std::chrono::milliseconds redial_max{2000};
  std::chrono::milliseconds cut_off_after{1500}; ///< a peer without a link for so long is reported unreachable
  int attempts_max = 4;                      ///< how often a message is passed on before it is answered `moved`
  bool resend_in_doubt = false; ///< a mutant for the simulation's self-test; nothing else sets it
};

/// What the peers actor of a node works with. The functions are called on actor threads and return at once.
struct peers_services {
  peers_options options;
  storage::ulid self;
  const router* routes = nullptr; ///< to our own shards
  const clock* time = nullptr;
  cluster_map* map = nullptr;
  std::shared_ptr<const wire_book> book;
  std::shared_ptr<transport> wire;
  std::function<void(const std::vector<storage::fence>&)> granted; ///< another node gave us these shards
  std::function<void(const storage::ulid&)> suspect;               ///< nobody listens at that node's address any more
  std::function<void(const std::set<storage::ulid>&)> unreachable; ///< the living nodes that we cannot talk to
  std::function<void(const std::string& topic, const std::string& body)> notice;
};

/// Talks to the other nodes, for the whole node: passes messages on to the owners of their shards, hands what comes from others to
/// our own shards, tells the next owner of a shard that it has it.
///
/// A call whose owner answers `moved` goes back to its shard actor, which knows a newer owner or waits for one. So does a call whose
/// link broke, if it was not sent yet or may be done twice (see wire_book); else it is answered `in_doubt`. CAF never answers a
/// request to a node that is gone: the calls under way are kept here, and ended when the link breaks or their time is up.
struct peers_state {
  struct peer {
    storage::node_row row;
    bool linked = false;
    bool dialing = false;
    bool refused = false; ///< nobody listens at its address
    std::string why;
    storage::timestamp apart_since{}; ///< when the link was lost, or the peer first seen
    storage::timestamp dial_at{};
    std::chrono::milliseconds backoff{0};
    std::unordered_set<std::uint64_t> calls;  ///< ours to it
    std::vector<storage::fence> grants;       ///< that it is to be told as soon as it is reached
  };
  /// A node's last calls to us, known here or not yet: a frame that comes twice is done once.
  struct heard_calls {
    std::deque<std::uint64_t> latest;
    std::unordered_set<std::uint64_t> ids;
  };
  /// The latest attempts of a node's questions.
  struct heard_questions {
    std::deque<std::uint64_t> latest;
    std::unordered_map<std::uint64_t, std::int32_t> attempts;
  };
  struct call {
    caf::response_promise promise;
    entity_address whom;
    delivery how = delivery::activate;
    caf::message command;
    std::int32_t attempt = 0;
    question asked;
    storage::ulid peer;
    bool sent = false;
    bool repeatable = false;
    std::size_t bytes = 0;
    std::string frame; ///< until it is sent
    storage::timestamp since{};
  };
  struct served_call {
    storage::ulid peer;
    std::uint64_t id = 0;
    storage::shard_id shard = 0;
    storage::timestamp since{};
  };

  static inline const char* name = "peers";

  caf::event_based_actor* self = nullptr;
  peers_services services;
  caf::actor ear; ///< receives our entities' answers to other nodes' calls
  std::map<storage::ulid, peer> peers;
  std::map<storage::ulid, heard_calls> heard;
  std::map<storage::ulid, heard_questions> questions; ///< by asker
  std::unordered_map<std::uint64_t, call> calls;
  std::unordered_map<std::uint64_t, served_call> serving;
  std::uint64_t next_call = 0;
  std::uint64_t next_question = 0;
  std::uint64_t next_served = 0;
  std::size_t bytes = 0;
  std::set<storage::ulid> reported;
  bool sweeping = false; ///< the timer runs: it does while anything waits for it
  peers_stats stats;

  ~peers_state();

  void forward(const entity_address& whom, delivery how, caf::message& command, std::int32_t attempt, question asked);
  void seen(const seen_nodes& now);
  void linked(const storage::ulid& who);
  void unlinked(const storage::ulid& who, const std::string& why, bool refused);
  void frame(const storage::ulid& from, const std::string& bytes);
  void answered(std::uint64_t served, caf::message& what);
  void grant(const storage::ulid& next, const std::vector<storage::fence>& fences);
  void notice(const std::string& topic, const std::string& body);
  void sweep();
  void sweep_later();
  peers_stats count() const;

private:
  bool may_repeat(const call& c) const { return c.repeatable || services.options.resend_in_doubt; }
  void look(storage::shard_id shard) const;
  void dispatch(std::uint64_t id, call& c);
  void back_to_shard(call c, bool counts);
  void repeat(call c);
  void finish(std::uint64_t id);
  call take(std::uint64_t id);
  void drop_calls(peer& p);
  void serve(const storage::ulid& from, call_frame f);
  bool is_outdated(const question& asked);
  void answer(const storage::ulid& to, const answer_frame& f);
  void take_answer(const storage::ulid& from, const answer_frame& f);
  void dial(peer& p);
  void report();
};

/// Messages:
///   (forward, entity_address, delivery, message, attempt, question) → whatever the entity answers
///   seen_nodes · (linked, ulid) · (unlinked, ulid, why, refused) · (frame, ulid, bytes)
///   (answer, served call, message) · (grant, ulid, fences) · (notice, topic, body) · (sweep)
///   (stats) → peers_stats
caf::behavior peers(caf::stateful_actor<peers_state>* self, peers_services services);

} // namespace souk::runtime
