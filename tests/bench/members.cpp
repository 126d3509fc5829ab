// What membership costs and how well it spreads shards: 3, 10 and 30 nodes on one simulated database, in virtual time. Only the
// deciding is here; shards are names that drain when they are asked to.

#include "config/settings.hpp"
#include "runtime/caf_transport.hpp"
#include "runtime/membership.hpp"
#include "runtime/placement.hpp"
#include "storage/simulated/database.hpp"
#include "tests/bench/bench.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <iostream>
#include <queue>
#include <stdexcept>

#include <caf/actor_system_config.hpp>
#include <spdlog/spdlog.h>

namespace souk::bench {

namespace {

using namespace std::chrono_literals;
using storage::shard_id;
using storage::timestamp;
using storage::ulid;

constexpr auto drain = 10ms; ///< assumed: of a shard with little under way
constexpr auto hop = 1ms;    ///< assumed: a message to another node, or the way from a wake-up to the look that follows
constexpr auto idle_for = 60s;

/// What happens later, in virtual time.
class timeline final : public runtime::clock {
public:
  timestamp now() const noexcept override { return now_; }
  void in(std::chrono::microseconds wait, std::function<void()> what) { due_.push({now_ + wait, ++last_, std::move(what)}); }
  void run_for(std::chrono::microseconds span) {
    const auto end = now_ + span;
    while (!due_.empty() && due_.top().at <= end) {
      auto next = due_.top();
      due_.pop();
      now_ = next.at;
      next.what();
    }
    now_ = end;
  }

private:
  struct event {
    timestamp at;
    std::uint64_t number;
    std::function<void()> what;
    bool operator<(const event& other) const { return std::tie(other.at, other.number) < std::tie(at, number); }
  };
  timestamp now_{24h};
  std::uint64_t last_ = 0;
  std::priority_queue<event> due_;
};

struct traffic {
  std::uint64_t statements = 0; ///< without BEGIN and COMMIT
  std::uint64_t round_trips = 0;
  std::uint64_t looks = 0;
  std::uint64_t messages = 0; ///< from node to node, about shards
};

/// Counts what the PostgreSQL store would have sent for the same calls.
class counted_store final : public storage::ownership_store {
public:
  counted_store(std::unique_ptr<storage::ownership_store> real, traffic& count) : real_(std::move(real)), count_(count) {}

  void register_node(const storage::node_row& self) override { return sent(2), real_->register_node(self); }
  storage::observation observe(const storage::node_row& self, std::chrono::milliseconds stale_after) override {
    ++count_.looks;
    return sent(4), real_->observe(self, stale_after);
  }
  void deregister(const ulid& incarnation) override { return sent(1), real_->deregister(incarnation); }
  bool propose_view(std::int64_t expected, const std::vector<ulid>& members) override {
    return sent(1), real_->propose_view(expected, members);
  }
  std::vector<storage::fence> acquire(const storage::node_row& self, const std::vector<shard_id>& wanted,
                                      std::chrono::milliseconds stale_after) override {
    return sent(1), real_->acquire(self, wanted, stale_after);
  }
  std::vector<storage::fence> hand_over(const ulid& self, const std::vector<storage::fence>& held,
                                        const storage::node_row& next) override {
    return sent(1), real_->hand_over(self, held, next);
  }
  void release(const std::vector<storage::fence>& held) override { return sent(1), real_->release(held); }
  void bury(const ulid& incarnation) override { return sent(1), real_->bury(incarnation); }
  bool ask_to_drain(const std::string& name, bool yes) override { return sent(1), real_->ask_to_drain(name, yes); }
  void quarantine(const std::vector<storage::fence>& known) override { return sent(1), real_->quarantine(known); }
  std::vector<storage::node_row> nodes(std::chrono::milliseconds stale_after) override {
    return sent(1), real_->nodes(stale_after);
  }
  std::vector<storage::shard_row> shards() override { return sent(1), real_->shards(); }
  timestamp now() override { return sent(1), real_->now(); }

private:
  void sent(std::uint64_t statements) {
    count_.statements += statements;
    ++count_.round_trips;
  }

  std::unique_ptr<storage::ownership_store> real_;
  traffic& count_;
};

class cluster;

/// One node, as far as membership knows it.
class member final : public runtime::membership_actions {
public:
  member(cluster& in, int number, const config::settings& s);

  void start();
  const std::string& name() const noexcept { return self_.name; }
  const std::map<shard_id, storage::fence>& held() const noexcept { return held_; }

  void take(const std::vector<storage::fence>& fences) override {
    for (const auto& f : fences)
      held_[f.shard] = f;
  }
  void begin_hand_over(shard_id shard, std::uint64_t round) override;
  void cancel_hand_over(shard_id shard) override { giving_.erase(shard); }
  void given(const storage::node_row& next, const std::vector<storage::fence>& fences) override;
  void lost(shard_id shard, std::int64_t) override {
    giving_.erase(shard);
    held_.erase(shard);
  }
  void owner_changed(shard_id) override {}
  void seen(const std::vector<storage::node_row>&) override {}
  void alarm(const std::vector<shard_id>&) override { throw std::logic_error("commits are missing and there were none"); }
  void condemned() override { throw std::logic_error(self_.name + " was declared dead"); }

private:
  void look_in(std::chrono::microseconds wait);
  void wake();

  cluster& in_;
  storage::node_row self_;
  std::chrono::milliseconds heartbeat_;
  std::unique_ptr<runtime::cluster_map> map_;
  std::unique_ptr<runtime::membership> membership_;
  std::map<shard_id, storage::fence> held_;
  std::set<shard_id> giving_;
  std::uint64_t looks_ = 0; ///< the look that is due; a wake-up makes another one due instead
  bool woken_ = false;
};

class cluster {
public:
  timeline time;
  storage::simulated::database database{{.now = [this] { return time.now(); }}};
  traffic count;

  void add(const config::settings& s) {
    members_.push_back(std::make_unique<member>(*this, static_cast<int>(members_.size()) + 1, s));
    members_.back()->start();
  }
  void granted(const ulid& incarnation, const std::vector<storage::fence>& fences) {
    by_incarnation.at(incarnation)->granted(fences);
  }
  std::map<ulid, runtime::membership*> by_incarnation;

  /// Until every shard is held by the node that should have it, and by no other. @returns how long it took
  /// @throws std::runtime_error when it takes longer than a minute
  std::chrono::microseconds run_until_even() {
    std::vector<shard_id> all;
    std::vector<std::string> names;
    for (int i = 0; i < storage::shard_count; ++i)
      all.push_back(static_cast<shard_id>(i));
    for (const auto& m : members_)
      names.push_back(m->name());
    const auto plan = runtime::plan_shards(all, names);
    const auto began = time.now();
    while (!lie_as(plan)) {
      if (time.now() - began > 60s)
        throw std::runtime_error("shards were not evened out within a minute of virtual time");
      time.run_for(1ms);
    }
    return time.now() - began;
  }
  std::vector<std::string> owners() const {
    std::vector<std::string> out(storage::shard_count);
    for (const auto& m : members_)
      for (const auto& [shard, fence] : m->held())
        out[shard] = m->name();
    return out;
  }
  std::size_t most_shards() const {
    std::size_t most = 0;
    for (const auto& m : members_)
      most = std::max(most, m->held().size());
    return most;
  }

private:
  bool lie_as(const std::map<shard_id, std::size_t>& plan) const {
    std::size_t held = 0;
    for (const auto& m : members_)
      held += m->held().size();
    return held == plan.size() && std::all_of(plan.begin(), plan.end(), [&](const auto& due) {
             return members_[due.second]->held().contains(due.first);
           });
  }

  std::vector<std::unique_ptr<member>> members_;
};

member::member(cluster& in, int number, const config::settings& s) : in_(in), heartbeat_(s.heartbeat_ms) {
  self_.incarnation.bytes.back() = static_cast<std::uint8_t>(number);
  self_.name = "node-" + std::to_string(number);
  self_.address = self_.name + ":7000";
  self_.cluster = s.cluster_name;
  self_.started_at = in.time.now();
  map_ = std::make_unique<runtime::cluster_map>(self_.incarnation);
  membership_ = std::make_unique<runtime::membership>(
    self_, std::uint8_t{0}, runtime::membership_options{.stale_after = s.node_stale_ms, .heartbeat = s.heartbeat_ms, .moves_at_once = s.moves_at_once},
    in.time, std::make_shared<counted_store>(in.database.open_ownership(), in.count), *map_, *this);
  in.by_incarnation[self_.incarnation] = membership_.get();
}

void member::start() {
  membership_->join();
  look_in(0ms);
}

void member::look_in(std::chrono::microseconds wait) {
  in_.time.in(wait, [this, due = ++looks_] {
    if (due != looks_)
      return;
    woken_ = false;
    membership_->tick();
    if (due == looks_) // nothing woke us meanwhile
      look_in(heartbeat_);
  });
}

void member::wake() {
  if (!std::exchange(woken_, true))
    look_in(hop);
}

void member::begin_hand_over(shard_id shard, std::uint64_t) {
  giving_.insert(shard);
  in_.time.in(drain, [this, shard] {
    if (giving_.erase(shard) == 0)
      return;
    membership_->drained(held_.at(shard));
    wake();
  });
}

void member::given(const storage::node_row& next, const std::vector<storage::fence>& fences) {
  for (const auto& f : fences)
    held_.erase(f.shard);
  ++in_.count.messages;
  in_.time.in(hop, [&in = in_, to = next.incarnation, fences] { in.granted(to, fences); });
}

/// How often CAF makes itself heard on each end of a link between nodes.
double heartbeats_per_link_and_second() {
  caf::actor_system_config config;
  runtime::add_transport_settings(config);
  const auto every = caf::get_or(config, "middleman.heartbeat-interval", caf::timespan{0});
  return every.count() == 0 ? 0 : 2 * 1e9 / static_cast<double>(every.count());
}

double seconds_of(std::chrono::microseconds span) {
  return std::chrono::duration<double>(span).count();
}

/// @returns how much of a join's move is more than it had to be: 1 is the least
double measure(int size, std::map<std::string, double>& figures) {
  const config::settings s;
  cluster c;
  for (int i = 0; i < size; ++i) {
    c.add(s);
    c.time.run_for(std::chrono::microseconds{137'000}); // they were not started at the same moment
  }
  c.run_until_even();
  c.time.run_for(10s);
  const auto most = c.most_shards();

  c.count = {};
  const auto cpu_before = process_cpu();
  c.time.run_for(idle_for);
  const auto cpu = process_cpu() - cpu_before;
  const auto idle = c.count;
  const auto per_second = [](std::uint64_t n) { return static_cast<double>(n) / seconds_of(idle_for); };

  const auto before = c.owners();
  c.count = {};
  c.add(s);
  const auto took = c.run_until_even();
  const auto after = c.owners();
  int moved = 0, modulo_moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    moved += before[i] != after[i];
    modulo_moved += i % static_cast<std::size_t>(size) != i % static_cast<std::size_t>(size + 1);
  }
  const auto shards = static_cast<double>(storage::shard_count);
  const auto share = moved / shards, least = 1.0 / (size + 1);
  const auto suffix = "_" + std::to_string(size);
  const auto links = size * (size - 1) / 2;
  figures["statements_per_s" + suffix] = per_second(idle.statements);
  figures["statements_per_s_per_node" + suffix] = per_second(idle.statements) / size;
  figures["round_trips_per_s_per_node" + suffix] = per_second(idle.round_trips) / size;
  figures["shard_messages_per_s" + suffix] = per_second(idle.messages);
  figures["link_heartbeats_per_s" + suffix] = links * heartbeats_per_link_and_second();
  figures["cpu_us_per_look" + suffix]
    = static_cast<double>(cpu.count()) / static_cast<double>(std::max<std::uint64_t>(1, idle.looks));
  figures["moved" + suffix] = moved;
  figures["moved_share" + suffix] = share;
  figures["least_share" + suffix] = least;
  figures["modulo_share" + suffix] = modulo_moved / shards;
  figures["join_s" + suffix] = seconds_of(took);
  figures["join_statements" + suffix] = static_cast<double>(c.count.statements);
  figures["join_messages" + suffix] = static_cast<double>(c.count.messages);
  figures["largest_to_mean" + suffix] = static_cast<double>(most) / (shards / size);
  return share / least;
}

} // namespace

int members(const options& o) {
  spdlog::set_level(spdlog::level::warn);
  std::map<std::string, double> figures;
  double worst = 0, least = 0;
  for (int size : {3, 10, 30})
    if (const auto more = measure(size, figures); more > worst) {
      worst = more;
      least = 1.0 / (size + 1);
    }
  std::cerr << "of one database, in virtual time: a shard drains in " << drain.count() << " ms, a message takes " << hop.count()
            << " ms; link_heartbeats_per_s is computed, not counted; cpu_us_per_look holds the simulated database\n"
            << "the baseline is the least share of the shards that a join can move, the ratio the worst of the three sizes to it\n";
  report(o.name, figures, least, worst);
  return 0;
}

} // namespace souk::bench
