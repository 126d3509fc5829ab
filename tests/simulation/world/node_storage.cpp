#include "simulation/world/node_storage.hpp"

#include "storage/error.hpp"

#include <fmt/format.h>

namespace souk::simulation {

using namespace storage;

namespace {

class journal_road final : public journal_store {
public:
  journal_road(std::shared_ptr<const database_road> road, std::shared_ptr<simulated::journal_client> store)
    : road_(std::move(road)), store_(std::move(store)) {}

  commit_outcome commit(const batch& b) override {
    if (!road_->cut)
      return store_->commit(b);
    // Whether the request was on its way when the connection broke, its sender does not know.
    commit_outcome out;
    out.what = road_->random->chance(0.3) ? commit_outcome::kind::unknown : commit_outcome::kind::unavailable;
    out.error = "no way to the database";
    return out;
  }
  settlement settle(const batch& b) override { return road_->cut ? settlement{} : store_->settle(b); }

private:
  std::shared_ptr<const database_road> road_;
  std::shared_ptr<simulated::journal_client> store_;
};

class outbox_road final : public outbox_store {
public:
  outbox_road(std::shared_ptr<const database_road> road, std::shared_ptr<outbox_store> store)
    : road_(std::move(road)), store_(std::move(store)) {}

  std::vector<outbox_event> read(shard_id shard, std::int64_t seq, std::int32_t n, int limit) override {
    return there().read(shard, seq, n, limit);
  }
  std::vector<outbox_cursor> cursors(shard_id shard) override { return there().cursors(shard); }
  void save(const std::vector<outbox_cursor>& cursors) override { there().save(cursors); }
  void park(const std::string& consumer, const outbox_event& event, const std::string& error) override {
    there().park(consumer, event, error);
  }
  std::int64_t prune(const std::vector<std::string>& consumers, timestamp before) override {
    return there().prune(consumers, before);
  }

private:
  outbox_store& there() const {
    road_->pass();
    return *store_;
  }

  std::shared_ptr<const database_road> road_;
  std::shared_ptr<outbox_store> store_;
};

} // namespace

void database_road::pass() const {
  if (cut)
    throw unavailable("no way to the database");
}

std::shared_ptr<journal_store> journal_over(std::shared_ptr<const database_road> road,
                                            std::shared_ptr<simulated::journal_client> store) {
  return std::make_shared<journal_road>(std::move(road), std::move(store));
}

std::shared_ptr<outbox_store> outbox_over(std::shared_ptr<const database_road> road, std::shared_ptr<outbox_store> store) {
  return std::make_shared<outbox_road>(std::move(road), std::move(store));
}

ownership_store& ownership_over::there() const {
  road_->pass();
  return *store_;
}

void ownership_over::look_ahead() {
  if (self_)
    ahead_ = there().observe(*self_, stale_after_);
}

void ownership_over::register_node(const node_row& self) {
  there().register_node(self);
}

observation ownership_over::observe(const node_row& self, std::chrono::milliseconds stale_after) {
  self_ = self;
  stale_after_ = stale_after;
  auto& rows = there();
  return ahead_ ? *std::exchange(ahead_, std::nullopt) : rows.observe(self, stale_after);
}

void ownership_over::deregister(const ulid& incarnation) {
  there().deregister(incarnation);
}

bool ownership_over::propose_view(std::int64_t expected, const std::vector<ulid>& members) {
  const bool done = there().propose_view(expected, members);
  if (done && on_change)
    on_change(fmt::format("makes view {} of {} nodes", expected + 1, members.size()));
  return done;
}

void ownership_over::tell(const char* does, const std::vector<fence>& fences, const std::string& rest) const {
  if (fences.empty() || !on_change)
    return;
  std::string text = does;
  for (const auto& f : fences)
    text += fmt::format(" {} ({})", f.shard, f.epoch);
  on_change(text + rest);
}

std::vector<fence> ownership_over::acquire(const node_row& self, const std::vector<shard_id>& wanted,
                                           std::chrono::milliseconds stale_after) {
  auto taken = there().acquire(self, wanted, stale_after);
  tell("takes", taken, "");
  return taken;
}

std::vector<fence> ownership_over::hand_over(const ulid& self, const std::vector<fence>& held, const node_row& next) {
  auto given = there().hand_over(self, held, next);
  gave += given.size();
  tell("gives", given, " to " + next.name);
  return given;
}

void ownership_over::release(const std::vector<fence>& held) {
  there().release(held);
}

// What follows must see it.
void ownership_over::bury(const ulid& incarnation) {
  there().bury(incarnation);
  if (on_change)
    on_change("declares " + incarnation.str() + " dead");
  ahead_.reset();
}

bool ownership_over::ask_to_drain(const std::string& name, bool drain) {
  return there().ask_to_drain(name, drain);
}

void ownership_over::quarantine(const std::vector<storage::fence>& known) {
  there().quarantine(known);
}

std::vector<node_row> ownership_over::nodes(std::chrono::milliseconds stale_after) {
  return there().nodes(stale_after);
}

std::vector<shard_row> ownership_over::shards() {
  return there().shards();
}

timestamp ownership_over::now() {
  return there().now();
}

} // namespace souk::simulation
