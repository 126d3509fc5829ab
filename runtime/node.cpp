#include "runtime/node.hpp"

#include "storage/error.hpp"

#include <algorithm>

#include <caf/scoped_actor.hpp>
#include <spdlog/spdlog.h>

namespace souk::runtime {

/// A pool of readers for each database: one that hangs must not hold up the loads from the others.
class node::readers_by_shard final : public reader_pool {
public:
  readers_by_shard(const cluster_map& map, const node_options& options, const std::vector<database_parts>& parts) : map_(map) {
    for (const auto& p : parts)
      pools_.push_back(std::make_unique<threaded_readers>(options.readers, options.reader_queue_max, p.reader));
  }
  bool post(storage::shard_id shard, std::function<void(storage::entity_reader&)> job) override {
    const auto database = map_.database(shard);
    return database < pools_.size() && pools_[database]->post(shard, std::move(job));
  }
  void stop() {
    for (auto& p : pools_)
      p->stop();
  }

private:
  const cluster_map& map_;
  std::vector<std::unique_ptr<threaded_readers>> pools_;
};

node::node(caf::actor_system& system, node_options options, std::vector<database_parts> parts, const clock& time, id_source& ids,
           std::function<void(storage::shard_id, std::uint8_t)> on_resides)
  : system_(system), options_(std::move(options)), parts_(std::move(parts)), time_(time), ids_(ids) {
  self_.incarnation = ids_.fresh();
  self_.name = options_.name;
  self_.address = options_.address;
  self_.cluster = options_.cluster;
  self_.wire = wire_version;
  self_.started_at = time_.now();
  map_ = std::make_unique<cluster_map>(self_.incarnation);
  map_->on_resides = std::move(on_resides);
  reader_pools_ = std::make_shared<readers_by_shard>(*map_, options_, parts_);
  readers_ = reader_pools_;
}

node::~node() {
  stop(std::chrono::milliseconds{0});
}

void node::start(entity_catalog catalog, node_network network, std::function<void(const std::string&)> fatal,
                 std::function<void(const std::string&, const std::string&)> on_notice) {
  fatal_ = std::move(fatal);
  network_ = std::move(network);
  shard_services services;
  services.options = options_.shards;
  services.catalog = std::make_shared<const entity_catalog>(std::move(catalog));
  services.readers = readers_;
  services.time = &time_;
  services.ids = &ids_;

  member_parts parts;
  parts.self = self_;
  parts.time = &time_;
  parts.routes = &routes_;
  parts.map = map_.get();
  parts.wire = network_.wire;
  parts.book = network_.book;
  parts.wake = [this](std::uint8_t database) {
    {
      std::lock_guard lock{guard_};
      beats_[database]->due = true;
    }
    beats_[database]->wake.notify_all();
  };
  parts.condemned = fatal_;
  parts.alarm = [](const std::vector<storage::shard_id>& shards) {
    spdlog::critical("{} shards are closed: their database has lost commits; see docs/operating.md", shards.size());
  };
  parts.notice = std::move(on_notice);
  for (std::size_t d = 0; d < parts_.size(); ++d) {
    parts.ownership.push_back(parts_[d].membership);
    for (std::size_t i = 0; i < options_.lanes; ++i) {
      workers_.push_back(std::make_shared<thread_pool>("souk-lane-" + std::to_string(d) + "-" + std::to_string(i), 1, 2));
      parts.lanes.push_back({static_cast<std::uint8_t>(d), parts_[d].journal(i), workers_.back()});
    }
    beats_.push_back(std::make_unique<beat>());
  }
  member_ = std::make_unique<cluster_member>(system_, options_.member, std::move(parts), std::move(services));
  if (network_.open)
    network_.open(member_->peers());

  // The first look in the caller's thread, so that a shop that is alone is ready when this returns.
  std::exception_ptr first_problem;
  std::size_t answering = 0;
  for (std::size_t d = 0; d < parts_.size(); ++d) {
    try {
      look(d);
      ++answering;
    } catch (const storage::unavailable& e) {
      spdlog::warn("database {} does not answer yet: {}", d + 1, e.what());
      beats_[d]->answers = false;
      first_problem = std::current_exception();
    }
  }
  if (answering == 0)
    std::rethrow_exception(first_problem);
  ids_.prefer([this](storage::shard_id shard) { return serves(shard); });
  if (!all_served())
    spdlog::info("not every shard has an owner yet; a silent one's are taken after {} ms",
                 options_.member.membership.stale_after.count());
  for (std::size_t d = 0; d < parts_.size(); ++d)
    beats_[d]->thread = std::thread{[this, d] { keep_membership(d); }};
}

void node::look(std::size_t database) {
  auto& b = *beats_[database];
  if (!b.joined) {
    if (parts_[database].before_joining)
      parts_[database].before_joining();
    member_->join(database);
    b.joined = true;
  }
  member_->tick(database);
  b.answers = true;
}

void node::keep_membership(std::size_t database) {
  auto& b = *beats_[database];
  std::unique_lock lock{guard_};
  for (;;) {
    // Whoever suspects a node to be dead does not wait a whole heartbeat to see whether it still writes its own.
    const auto pause = member_->at(database).impatient() ? options_.heartbeat / 5 : options_.heartbeat;
    b.wake.wait_for(lock, pause, [&] { return stopping_ || b.due; });
    if (stopping_)
      return;
    b.due = false;
    lock.unlock();
    try {
      look(database);
    } catch (const std::exception& e) { // a node that cannot reach its database cannot sell from it, but it may come back
      if (b.answers.exchange(false))
        spdlog::warn("the heartbeat in database {} was not written: {}", database + 1, e.what());
    }
    member_->let_go_when_blind();
    lock.lock();
  }
}

bool node::all_served() const {
  bool any = false;
  for (std::size_t d = 0; d < beats_.size(); ++d) {
    if (!beats_[d]->answers)
      continue;
    if (!member_->at(d).all_served())
      return false;
    any = true;
  }
  return any;
}

bool node::serves(storage::shard_id shard) const {
  const auto database = map_->database(shard);
  return database < beats_.size() && beats_[database]->answers && !map_->at(shard).owner.is_nil();
}

// Once it was ready it stays so while other nodes fail: their shards are a matter of moments, and this one can serve its own.
bool node::ready() const {
  if (!member_ || leaving())
    return false;
  if (!was_served_ && all_served())
    was_served_ = true;
  return was_served_;
}

bool node::database_answers() const {
  return std::any_of(beats_.begin(), beats_.end(), [](const auto& b) { return b->answers.load(); });
}

template <class T>
static std::vector<T> collect(caf::actor_system& system, const std::vector<caf::actor>& from) {
  std::vector<T> all;
  caf::scoped_actor self{system, true};
  for (const auto& a : from)
    self->request(a, std::chrono::seconds{1}, stats_atom_v).receive([&](const T& s) { all.push_back(s); },
                                                                   [](const caf::error&) {});
  return all;
}

std::vector<shard_stats> node::shards() {
  return member_ ? collect<shard_stats>(system_, member_->host().shards()) : std::vector<shard_stats>{};
}

std::vector<lane_stats> node::lanes() {
  auto all = member_ ? collect<lane_stats>(system_, member_->host().lanes()) : std::vector<lane_stats>{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].database = i / options_.lanes;
    all[i].lane = i % options_.lanes;
  }
  return all;
}

std::size_t node::quarantined() const {
  std::size_t all = 0;
  for (std::size_t d = 0; member_ && d < member_->databases(); ++d)
    all += member_->at(d).quarantined().size();
  return all;
}

node_status node::status() {
  node_status s;
  s.self = self_;
  s.ready = ready();
  if (!member_)
    return s;
  s.draining = member_->draining();
  for (std::size_t d = 0; d < member_->databases(); ++d) {
    const auto& m = member_->at(d);
    const auto view = m.view();
    s.databases.push_back({beats_[d]->answers, m.owned(), m.covered(), view.version, view.members.size(), m.quarantined()});
  }
  s.shards = shards();
  std::erase_if(s.shards, [](const auto& x) { return !x.owned && x.parked == 0; });
  s.lanes = lanes();
  if (member_->peers())
    if (auto found = collect<peers_stats>(system_, {member_->peers()}); !found.empty())
      s.peers = std::move(found.front());
  return s;
}

void node::notice(const std::string& topic, const std::string& body) {
  if (member_)
    member_->notice(topic, body);
}

bool node::give_all_away(std::chrono::milliseconds limit) {
  leaving_ = true;
  if (!member_ || !member_->has_others() || !member_->peers())
    return false;
  member_->drain(true);
  const auto until = std::chrono::steady_clock::now() + limit;
  while (member_->owned() > 0 && member_->has_others() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  spdlog::info("gave shards away, {} are left", member_->owned());
  return member_->owned() == 0;
}

void node::stop(std::chrono::milliseconds grace) {
  {
    std::lock_guard lock{guard_};
    if (stopping_)
      return;
    stopping_ = true;
  }
  for (auto& b : beats_) {
    b->wake.notify_all();
    if (b->thread.joinable())
      b->thread.join();
  }
  if (member_) {
    auto until = std::chrono::steady_clock::now() + grace;
    caf::scoped_actor self{system_, true};
    auto wait_for = [&](const std::vector<caf::actor>& all, const char* what) {
      std::size_t late = 0;
      for (const auto& a : all) {
        auto left = std::max(until - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration{0});
        self->request(a, left, drain_atom_v).receive([] {}, [&](const caf::error&) { ++late; });
      }
      if (late > 0)
        spdlog::warn("{} {} did not drain within the grace period; their rows have it all", late, what);
    };
    if (grace.count() > 0) {
      wait_for(member_->host().shards(), "shards");
      wait_for(member_->host().lanes(), "lanes");
    }
    member_->kill();
    if (network_.close)
      network_.close();
    for (auto& w : workers_)
      w->stop();
  }
  reader_pools_->stop();
  for (std::size_t d = 0; member_ && d < parts_.size(); ++d) {
    if (!beats_[d]->joined)
      continue;
    try {
      member_->leave(d);
    } catch (const std::exception& e) {
      spdlog::warn("the shards were not given back, they will be taken when the heartbeat is old: {}", e.what());
    }
  }
  routes_.clear();
}

} // namespace souk::runtime
