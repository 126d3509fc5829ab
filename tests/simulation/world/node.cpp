#include "simulation/world/node.hpp"

#include "simulation/world/world.hpp"
#include "storage/error.hpp"

#include <algorithm>

#include <caf/actor_cast.hpp>

namespace souk::simulation {

namespace {

/// Runs a node's blocking work on the timeline.
class worker final : public runtime::executor {
public:
  worker(simulated_node& node, std::function<microseconds()> latency) : node_(node), latency_(std::move(latency)) {}
  bool post(std::function<void()> job) override { return node_.post(latency_(), std::move(job)); }

private:
  simulated_node& node_;
  std::function<microseconds()> latency_;
};

/// A lane's worker: when the commit took its time, the lane hears of it that much later.
class lane_worker final : public runtime::executor {
public:
  lane_worker(simulated_node& node, world& w, std::shared_ptr<storage::simulated::journal_client> store, std::size_t lane)
    : node_(node), world_(w), store_(std::move(store)), lane_(lane) {}

  bool post(std::function<void()> job) override {
    // The job may arrive when its node and this worker with it are gone.
    return node_.post(world_.draw_latency(), [&node = node_, &w = world_, store = store_, lane = lane_, job = std::move(job)] {
      job();
      if (auto delay = store->take_delay(); delay.count() > 0 && node.alive())
        node.hold(node.host().lanes()[lane], w.time.now() + delay);
    });
  }

private:
  simulated_node& node_;
  world& world_;
  std::shared_ptr<storage::simulated::journal_client> store_;
  std::size_t lane_;
};

class readers final : public runtime::reader_pool {
public:
  readers(simulated_node& node, world& w) : node_(node), world_(w), reader_(w.db.open_reader()) {}

  bool post(storage::shard_id, std::function<void(storage::entity_reader&)> job) override {
    return node_.post(world_.draw_latency(), [&node = node_, reader = reader_, job = std::move(job)] {
      if (node.alive())
        job(*reader);
    });
  }

private:
  simulated_node& node_;
  world& world_;
  std::shared_ptr<storage::entity_reader> reader_;
};

} // namespace

struct simulated_node::config : caf::actor_system_config {
  config() {
    set("scheduler.policy", caf::atom("testing"));
    runtime::add_runtime_types(*this);
    actors::add_shop_types(*this);
  }
};

simulated_node::simulated_node(world& in, std::string name, int incarnation)
  : world_(in), config_(std::make_unique<config>()), system_(std::make_unique<caf::actor_system>(*config_)),
    scheduler_(&dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler())), clock_at_(in.time.now()),
    routes_(std::make_unique<runtime::router>()),
    ids_(std::make_unique<runtime::id_source>(in.time, in.options.seed * 1000 + static_cast<std::uint64_t>(incarnation))) {
  self_.incarnation = ids_->fresh();
  self_.name = std::move(name);
  self_.started_at = in.time.now();
  make_services();
}

simulated_node::~simulated_node() {
  if (alive_)
    crash();
  frozen_.clear();
}

void simulated_node::make_services() {
  auto quick = [this] { return world_.draw_latency(); };
  auto at_the_gateway = [this]() -> microseconds {
    if (world_.options.slow_gateway > 0 && world_.random.chance(world_.options.slow_gateway))
      return microseconds{world_.random.below(30'000'000)};
    return microseconds{5'000 + world_.random.below(50'000)};
  };
  auto shop = std::make_shared<actors::shop_services>();
  shop->options = world_.options.shop;
  shop->gateways["sandbox"] = world_.gateway;
  shop->gateway_workers = std::make_shared<worker>(*this, at_the_gateway);
  shop->event_workers = std::make_shared<worker>(*this, quick);
  shop->readers = std::make_shared<readers>(*this, world_);
  shop->outbox = world_.db.open_outbox();
  for (const auto& c : world_.consumers)
    shop->consumers.push_back(c);

  runtime::shard_services services;
  services.options = world_.options.shards;
  services.catalog = std::make_shared<const runtime::entity_catalog>(world_.options.catalog ? world_.options.catalog()
                                                                                               : actors::shop_catalog(shop));
  services.readers = shop->readers;
  services.time = &world_.time;
  services.ids = ids_.get();
  services.on_lost = [this](const storage::fence& believed) { lost_a_shard(believed.shard); };

  std::vector<runtime::lane_parts> lanes;
  for (std::size_t i = 0; i < world_.options.lanes; ++i) {
    std::shared_ptr<storage::simulated::journal_client> store = world_.db.open_journal();
    lanes.push_back({0, store, std::make_shared<lane_worker>(*this, world_, store, i)});
  }
  host_ = std::make_unique<runtime::shard_host>(*system_, *routes_, std::move(services), world_.options.lane, std::move(lanes));
}

bool simulated_node::acquire(const std::vector<storage::shard_id>& wanted) {
  try {
    auto rows = world_.db.open_ownership();
    rows->register_node(self_);
    auto taken = rows->acquire(self_, wanted, std::chrono::milliseconds{0});
    for (const auto& f : taken)
      owned_.push_back(f.shard);
    host_->take(taken);
    return true;
  } catch (const storage::unavailable&) {
    return false;
  }
}

bool simulated_node::owns(storage::shard_id shard) const {
  return std::find(owned_.begin(), owned_.end(), shard) != owned_.end();
}

void simulated_node::lost_a_shard(storage::shard_id shard) {
  std::erase(owned_, shard);
  doomed_ = true;
  if (alive_)
    world_.lost_shard(*this, shard);
}

void simulated_node::crash() {
  if (!alive_)
    return;
  alive_ = false;
  paused_ = false;
  owned_.clear();
  auto askers = std::move(asked_);
  asked_.clear();
  host_->kill();
  scheduler_->clock().cancel_all();
  while (scheduler_->try_run_once())
    ;
  held_.clear();
  for (auto& [id, unanswered] : askers)
    unanswered();
}

void simulated_node::drain(std::function<void()> done) {
  std::vector<caf::actor> shards, lanes;
  for (auto shard : owned_)
    shards.push_back(host_->shards()[shard]);
  lanes = host_->lanes();
  auto all = [this](std::vector<caf::actor> whom, std::function<void()> then) {
    auto left = std::make_shared<std::size_t>(whom.size());
    auto one = [left, then] {
      if (--*left == 0)
        then();
    };
    system_->spawn([whom, one](caf::event_based_actor* self) {
      for (const auto& a : whom)
        self->request(a, caf::infinite, runtime::drain_atom_v).then(one, [one](const caf::error&) { one(); });
    });
  };
  all(std::move(shards), [all, lanes, done] { all(lanes, done); });
}

bool simulated_node::release() {
  try {
    auto rows = world_.db.open_ownership();
    std::vector<storage::fence> held;
    for (const auto& row : rows->shards())
      if (row.owner == self_.incarnation)
        held.push_back({row.shard, row.epoch, row.seq});
    rows->release(held);
    return true;
  } catch (const storage::unavailable&) {
    return false;
  }
}

void simulated_node::pause() {
  paused_ = true;
}

void simulated_node::resume() {
  paused_ = false;
  catch_up(world_.time.now());
  for (auto& job : std::exchange(frozen_, {}))
    world_.time.in(world_.draw_latency(), std::move(job));
}

bool simulated_node::post(microseconds wait, std::function<void()> job) {
  if (!alive_)
    return true; // the last words of actors that are being killed
  // After a crash, half of what was on its way arrives all the same; the other half never does.
  bool arrives = world_.random.chance(0.5);
  auto run = std::make_shared<std::function<void()>>();
  *run = [this, arrives, job = std::move(job)] {
    if (alive_ || arrives)
      job();
  };
  world_.time.in(wait, [this, run] {
    if (paused_)
      frozen_.push_back(*run);
    else
      (*run)();
  });
  return true;
}

caf::resumable* simulated_node::job_of(const caf::actor& who) const {
  return dynamic_cast<caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(who));
}

void simulated_node::hold(const caf::actor& who, timestamp until) {
  held_[job_of(who)] = until;
  world_.time.at(until, [] {}); // so that time stops there
}

bool simulated_node::has_work() {
  if (!alive_ || paused_ || scheduler_->jobs.empty())
    return false;
  if (held_.empty())
    return true;
  std::erase_if(held_, [now = world_.time.now()](const auto& h) { return h.second <= now; });
  return std::any_of(scheduler_->jobs.begin(), scheduler_->jobs.end(), [this](auto* job) { return !held_.contains(job); });
}

bool simulated_node::run_one(storage::simulated::random_source& random) {
  if (!has_work())
    return false;
  auto& jobs = scheduler_->jobs;
  auto which = world_.options.random_schedule ? static_cast<std::size_t>(random.below(jobs.size())) : 0;
  while (held_.contains(jobs[which]))
    which = (which + 1) % jobs.size();
  std::swap(jobs[0], jobs[which]);
  return scheduler_->try_run_once();
}

std::optional<timestamp> simulated_node::next_timer() const {
  if (!alive_ || paused_ || !scheduler_->has_pending_timeout())
    return std::nullopt;
  const auto& clock = scheduler_->clock();
  auto wait = std::chrono::ceil<microseconds>(clock.schedule().begin()->first - clock.current_time);
  return clock_at_ + std::max(wait, microseconds{0});
}

void simulated_node::catch_up(timestamp now) {
  if (!alive_ || paused_ || now <= clock_at_)
    return;
  auto span = now - clock_at_;
  clock_at_ = now;
  scheduler_->advance_time(span);
}

} // namespace souk::simulation
