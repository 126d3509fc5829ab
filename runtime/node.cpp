#include "runtime/node.hpp"

#include "storage/error.hpp"

#include <caf/scoped_actor.hpp>
#include <spdlog/spdlog.h>

namespace souk::runtime {

node::node(caf::actor_system& system, node_options options, node_storage storage, const clock& time, id_source& ids)
  : system_(system), options_(std::move(options)), storage_(std::move(storage)), time_(time), ids_(ids) {
  self_.incarnation = ids_.fresh();
  self_.name = options_.name;
  self_.address = options_.address;
  self_.started_at = time_.now();
  readers_ = std::make_shared<threaded_readers>(options_.readers, options_.reader_queue_max, storage_.reader);
}

node::~node() {
  stop(std::chrono::milliseconds{0});
}

void node::start(entity_catalog catalog, std::function<void(const std::string&)> fatal) {
  fatal_ = std::move(fatal);
  shard_services services;
  services.options = options_.shards;
  services.catalog = std::make_shared<const entity_catalog>(std::move(catalog));
  services.readers = readers_;
  services.time = &time_;
  services.ids = &ids_;
  services.on_lost = [this](storage::shard_id shard) {
    --owned_;
    fatal_("shard " + std::to_string(shard) + " was taken by another node");
  };
  std::vector<lane_parts> lanes;
  for (std::size_t i = 0; i < options_.lanes; ++i) {
    workers_.push_back(std::make_shared<thread_pool>("souk-lane-" + std::to_string(i), 1, 2));
    lanes.push_back({storage_.journal(i), workers_.back()});
  }
  storage_.membership->register_node(self_);
  host_ = std::make_unique<shard_host>(system_, routes_, std::move(services), options_.lane, std::move(lanes));
  for (int i = 0; i < storage::shard_count; ++i)
    wanted_.insert(static_cast<storage::shard_id>(i));
  acquire();
  if (!wanted_.empty())
    spdlog::info("{} shards are still another node's; waiting for it to leave or to be silent for {} ms", wanted_.size(),
                 options_.stale_after.count());
  membership_ = std::thread{[this] { keep_membership(); }};
}

void node::acquire() {
  if (wanted_.empty())
    return;
  auto taken = storage_.membership->acquire(self_, {wanted_.begin(), wanted_.end()}, options_.stale_after);
  for (const auto& f : taken)
    wanted_.erase(f.shard);
  host_->take(taken);
  owned_ += static_cast<int>(taken.size());
  if (!taken.empty())
    spdlog::info("took {} shards, {} to go", taken.size(), wanted_.size());
}

void node::keep_membership() {
  std::unique_lock lock{guard_};
  while (!wake_.wait_for(lock, options_.heartbeat, [this] { return stopping_; })) {
    lock.unlock();
    try {
      if (!storage_.membership->heartbeat(self_.incarnation))
        fatal_("this node was declared dead by another one");
      database_answers_ = true;
      acquire();
    } catch (const std::exception& e) {
      database_answers_ = false; // a node that cannot reach its database cannot sell, but it may come back
      spdlog::warn("the heartbeat was not written: {}", e.what());
    }
    lock.lock();
  }
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
  return host_ ? collect<shard_stats>(system_, host_->shards()) : std::vector<shard_stats>{};
}

std::vector<lane_stats> node::lanes() {
  return host_ ? collect<lane_stats>(system_, host_->lanes()) : std::vector<lane_stats>{};
}

void node::stop(std::chrono::milliseconds grace) {
  {
    std::lock_guard lock{guard_};
    if (stopping_)
      return;
    stopping_ = true;
  }
  wake_.notify_all();
  if (membership_.joinable())
    membership_.join();
  if (host_) {
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
      wait_for(host_->shards(), "shards");
      wait_for(host_->lanes(), "lanes");
    }
    host_->kill();
    for (auto& w : workers_)
      w->stop();
  }
  readers_->stop();
  try {
    std::vector<storage::fence> held;
    for (const auto& s : storage_.membership->shards())
      if (s.owner == self_.incarnation)
        held.push_back({s.shard, s.epoch, s.seq});
    storage_.membership->release(held);
    storage_.membership->deregister(self_.incarnation);
  } catch (const std::exception& e) {
    spdlog::warn("the shards were not given back, they will be taken when the heartbeat is old: {}", e.what());
  }
  routes_.clear();
}

} // namespace souk::runtime
