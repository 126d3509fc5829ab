#pragma once

#include "runtime/frames.hpp"
#include "runtime/transport.hpp"
#include "simulation/world/timeline.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace souk::simulation {

class simulated_node;
class world;

/// How often a frame meets what a network should not do to it, as probabilities.
struct network_rates {
  double lost = 0;
  double doubled = 0;
  double overtaken = 0; ///< comes up to a second late, and others overtake it
  microseconds latency{1'000}; ///< of a frame, at most
};

/// The network between the nodes of a run. A link is made by a dial and serves both directions, frames arrive in order, and a link
/// that nothing comes through for two seconds is given up: as runtime/caf_transport does it. What goes wrong is drawn from the seed or
/// done by name: directions are cut (short cuts only delay, long ones end the links), links break, frames are lost, come twice or late.
class network {
public:
  explicit network(world& in) : world_(in) {}

  // -- for nodes ---
  std::shared_ptr<runtime::transport> attach(simulated_node& node);
  /// The process is gone: its links break, and its address refuses.
  void died(simulated_node& node);
  /// The process is stopped: after a while the others give its links up.
  void paused(simulated_node& node);

  // -- faults ---
  network_rates rates;
  /// From now on nothing that `from` sends reaches `to`.
  void cut(const std::string& from, const std::string& to);
  void cut_both(const std::string& a, const std::string& b) {
    cut(a, b);
    cut(b, a);
  }
  /// A firewall: what `from` sends to `to` is refused, so that links break at once and dials hear that nobody listens.
  void refuse(const std::string& from, const std::string& to);
  void mend(const std::string& from, const std::string& to);
  void mend_all();
  bool is_cut(const std::string& from, const std::string& to) const { return cuts_.contains({from, to}); }
  /// The links of the node break and can be made again at once; what was under way on them is gone.
  void break_links(const std::string& name);

  enum class fate { lost, doubled };
  /// The next frame of that kind meets this.
  void script(runtime::frame_kind kind, fate what) { scripted_.emplace_back(kind, what); }

  bool linked(const simulated_node& a, const simulated_node& b) const;
  /// How many frames of that kind were sent.
  std::size_t sent(runtime::frame_kind kind) const;

private:
  using id = storage::ulid;
  using pair = std::pair<id, id>;
  struct endpoint {
    simulated_node* node = nullptr;
    bool alive = true;
    std::uint64_t pauses = 0;
  };
  struct direction {
    timestamp last_due{};
    bool quiet = false; ///< the receiving side has hung up
    std::deque<std::string> held; ///< frames that a cut holds up
  };
  struct link {
    std::uint64_t number = 0;
    std::map<id, direction> to; ///< by receiver
  };
  class road;

  static pair between(const id& a, const id& b) { return a < b ? pair{a, b} : pair{b, a}; }
  const std::string& name_of(const id& node) const;
  bool blocked(const id& from, const id& to) const;
  microseconds up_to(microseconds most);
  void dial(const id& from, const storage::node_row& peer);
  void arrive(const id& from, const storage::node_row& peer, std::uint64_t attempt);
  void fail(const id& from, const id& to, std::uint64_t attempt, microseconds wait, const std::string& why, bool refused);
  void hang_up(const id& from, const id& to);
  bool send(const id& from, const id& to, std::string frame);
  void deliver(const id& from, const id& to, std::uint64_t number, std::string frame);
  void make_link(const id& a, const id& b);
  /// Ends the links on which `from` speaks to `to`.
  void end_links(const std::string& from, const std::string& to, const std::string& why);
  void end_link(const id& a, const id& b, std::uint64_t number, const std::string& why, const id& quiet_side = {});
  void tell_linked(const id& to, const id& who);
  void tell_unlinked(const id& to, const id& who, const std::string& why, bool refused);
  void watch_silence(const id& from, const id& to);

  world& world_;
  std::map<id, endpoint> endpoints_;
  std::map<pair, link> links_;
  std::map<pair, std::uint64_t> dialing_; ///< from, to
  std::map<std::pair<std::string, std::string>, std::uint64_t> cuts_;
  std::set<std::pair<std::string, std::string>> refusals_; ///< of the cuts
  std::vector<std::pair<runtime::frame_kind, fate>> scripted_;
  std::map<runtime::frame_kind, std::size_t> sent_;
  std::uint64_t numbers_ = 0;
};

} // namespace souk::simulation
