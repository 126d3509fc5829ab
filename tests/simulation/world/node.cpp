#include "simulation/world/node.hpp"

#include "actors/wire_types.hpp"
#include "simulation/world/world.hpp"
#include "storage/error.hpp"

#include <algorithm>

#include <caf/actor_cast.hpp>
#include <fmt/format.h>

namespace souk::simulation {

using namespace std::chrono_literals;

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
    return node_.post(node_.database_latency(), [&node = node_, &w = world_, store = store_, lane = lane_, job = std::move(job)] {
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
  readers(simulated_node& node, world& w, std::shared_ptr<const database_road> road)
    : node_(node), road_(std::move(road)), reader_(w.db.open_reader()) {}

  bool post(storage::shard_id, std::function<void(storage::entity_reader&)> job) override {
    if (road_->cut)
      return false;
    return node_.post(node_.database_latency(), [&node = node_, reader = reader_, job = std::move(job)] {
      if (node.alive())
        job(*reader);
    });
  }

private:
  simulated_node& node_;
  std::shared_ptr<const database_road> road_;
  std::shared_ptr<storage::entity_reader> reader_;
};

std::shared_ptr<const runtime::wire_book> shop_book() {
  static const auto book = [] {
    auto b = std::make_shared<runtime::wire_book>();
    actors::add_shop_wire(*b);
    return b;
  }();
  return book;
}

} // namespace

struct simulated_node::config : caf::actor_system_config {
  config() {
    set("scheduler.policy", caf::atom("testing"));
    runtime::add_runtime_types(*this);
    actors::add_shop_types(*this);
  }
};

simulated_node::simulated_node(world& in, std::string name, int number)
  : world_(in), number_(number), config_(std::make_unique<config>()), system_(std::make_unique<caf::actor_system>(*config_)),
    scheduler_(&dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler())), clock_at_(in.time.now()),
    routes_(std::make_unique<runtime::router>()),
    ids_(std::make_unique<runtime::id_source>(in.time, in.options.seed * 1000 + static_cast<std::uint64_t>(number))) {
  road_->random = &in.random;
  self_.incarnation = ids_->fresh();
  self_.name = std::move(name);
  self_.address = self_.name + ":7101";
  self_.cluster = "simulation";
  self_.wire = runtime::wire_version;
  self_.started_at = in.time.now();
  map_ = std::make_unique<runtime::cluster_map>(self_.incarnation);
  make_member();
}

simulated_node::~simulated_node() {
  if (alive_)
    crash();
  frozen_.clear();
  arrived_.clear();
}

std::string simulated_node::label() const {
  return fmt::format("{}/{}", self_.name, number_);
}

std::shared_ptr<actors::shop_services> simulated_node::make_shop() {
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
  shop->events_done = world_.events_done;
  shop->webhooks = world_.webhooks;
  shop->webhook_workers = std::make_shared<worker>(*this, at_the_gateway);
  shop->readers = std::make_shared<readers>(*this, world_, road_);
  shop->outbox = outbox_over(road_, world_.db.open_outbox());
  for (const auto& c : world_.consumers)
    shop->consumers.push_back(c);
  return shop;
}

void simulated_node::make_member() {
  auto shop = make_shop();
  runtime::shard_services services;
  services.options = world_.options.shards;
  services.catalog = std::make_shared<const runtime::entity_catalog>(world_.options.catalog ? world_.options.catalog()
                                                                                               : actors::shop_catalog(shop));
  services.readers = shop->readers;
  services.time = &world_.time;
  services.ids = ids_.get();
  services.on_lost = [this](const storage::fence& believed) {
    world_.log.add(fmt::format("node {} has lost shard {} of epoch {}", label(), believed.shard, believed.epoch));
  };

  runtime::member_parts parts;
  parts.self = self_;
  parts.time = &world_.time;
  parts.routes = routes_.get();
  parts.map = map_.get();
  parts.wire = world_.net.attach(*this);
  parts.book = shop_book();
  parts.wake = [this](std::uint8_t) { // for news: a look that takes them into account reads the rows after it has them
    rows_->look_afresh();
    look_in(world_.draw_latency());
  };
  parts.condemned = [this](const std::string&) {
    condemned_ = true;
    world_.condemned(*this);
  };
  parts.alarm = [this](const std::vector<storage::shard_id>& shards) {
    world_.log.add(fmt::format("node {}: {} shards have lost commits", label(), shards.size()));
  };
  rows_ = std::make_shared<ownership_over>(road_, world_.db.open_ownership());
  rows_->on_change = [this](const std::string& what) { world_.log.add("node " + label() + " " + what); };
  parts.ownership.push_back(rows_);
  for (std::size_t i = 0; i < world_.options.lanes; ++i) {
    std::shared_ptr<storage::simulated::journal_client> store = world_.db.open_journal();
    parts.lanes.push_back({0, journal_over(road_, store), std::make_shared<lane_worker>(*this, world_, store, i)});
  }
  runtime::member_options options;
  options.membership = world_.options.membership;
  options.membership.heartbeat = std::chrono::duration_cast<std::chrono::milliseconds>(world_.options.heartbeat);
  options.peers = world_.options.peers;
  options.lane = world_.options.lane;
  member_ = std::make_unique<runtime::cluster_member>(*system_, options, std::move(parts), std::move(services));
}

// -- looks --------------------------------------------------------------------------------------------------------------------

void simulated_node::start() {
  look();
  look_in(world_.heartbeat());
}

bool simulated_node::look() {
  try {
    if (!joined_)
      member_->join(0);
    joined_ = true;
    member_->tick(0);
    return true;
  } catch (const storage::unavailable&) {
    return false;
  }
}

void simulated_node::look_in(microseconds wait) {
  if (!alive_ || blind_)
    return;
  if (looking_) {
    look_again_ = true;
    return;
  }
  world_.time.in(wait, [this, number = ++looks_] {
    when_running([this, number] { begin_look(number); });
  });
}

// What it reads may have changed before it acts on it: half of the looks are as old as a round trip takes, or as long as the process
// was stopped in the middle of it.
void simulated_node::begin_look(std::uint64_t number) {
  if (!alive_ || condemned_ || blind_ || number != looks_)
    return;
  looking_ = true;
  if (world_.options.old_looks && world_.random.chance(0.5)) {
    try {
      rows_->look_ahead();
    } catch (const storage::unavailable&) {
      // so will the look be
    }
  }
  world_.time.in(database_latency(), [this] { when_running([this] { finish_look(); }); });
}

void simulated_node::finish_look() {
  if (!alive_)
    return;
  if (!look())
    member_->let_go_when_blind();
  looking_ = false;
  if (!condemned_)
    look_in(std::exchange(look_again_, false)  ? world_.draw_latency()
            : member_->at(0).impatient() ? world_.options.heartbeat / 5
                                         : world_.heartbeat());
}

// -- the process --------------------------------------------------------------------------------------------------------------

void simulated_node::crash() {
  if (!alive_)
    return;
  alive_ = false;
  paused_ = false;
  world_.net.died(*this);
  auto askers = std::move(asked_);
  asked_.clear();
  member_->kill();
  scheduler_->clock().cancel_all();
  while (scheduler_->try_run_once())
    ;
  held_.clear();
  for (auto& [id, unanswered] : askers)
    unanswered();
}

void simulated_node::stop(microseconds grace, std::function<void()> done) {
  leaving_ = true;
  auto ended = std::make_shared<bool>(false);
  auto end = [this, ended, done](const char* how) {
    if (std::exchange(*ended, true) || !alive_)
      return;
    world_.log.add(fmt::format("node {}{}", label(), how));
    try {
      if (joined_)
        member_->leave(0);
    } catch (const storage::unavailable&) {
      // its shards are taken when its heartbeat is old
    }
    crash();
    done();
  };
  const auto until = world_.time.now() + grace;
  auto finish = [this, end] {
    ++looks_; // no more of them
    blind_ = true;
    drain([this, end] { world_.time.in(1us, [end] { end(" has drained"); }); });
  };
  if (member_->has_others()) {
    member_->drain(true);
    give_away(until, finish);
  } else {
    finish();
  }
  world_.time.at(until, [end] { end(" has not drained in time"); });
}

void simulated_node::give_away(timestamp until, std::function<void()> then) {
  if (!alive_)
    return;
  if (member_->owned() == 0)
    return then();
  if (world_.time.now() < until)
    world_.time.in(10ms, [=, this] { when_running([=, this] { give_away(until, then); }); });
}

void simulated_node::drain(std::function<void()> then) {
  auto all = [this](const std::vector<caf::actor>& whom, std::function<void()> next) {
    auto left = std::make_shared<std::size_t>(whom.size());
    auto one = [left, next] {
      if (--*left == 0)
        next();
    };
    system_->spawn([whom, one](caf::event_based_actor* self) {
      for (const auto& a : whom)
        self->request(a, caf::infinite, runtime::drain_atom_v).then(one, [one](const caf::error&) { one(); });
    });
  };
  all(host().shards(), [this, all, then] { all(host().lanes(), then); });
}

void simulated_node::pause() {
  paused_ = true;
  world_.net.paused(*this);
}

void simulated_node::resume() {
  paused_ = false;
  catch_up(world_.time.now());
  for (auto& what : std::exchange(arrived_, {}))
    what();
  for (auto& job : std::exchange(frozen_, {}))
    world_.time.in(world_.draw_latency(), std::move(job));
}

void simulated_node::when_running(std::function<void()> what) {
  if (!alive_)
    return;
  if (paused_)
    arrived_.push_back(std::move(what));
  else
    what();
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

microseconds simulated_node::database_latency() {
  auto slow = road_->slow + world_.database_is_slow;
  return world_.draw_latency() + microseconds{slow.count() > 0 ? world_.random.below(static_cast<std::uint64_t>(slow.count())) : 0};
}

// -- messages -----------------------------------------------------------------------------------------------------------------

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
