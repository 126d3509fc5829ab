#include "unit/small_shop.hpp"

#include <algorithm>

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

namespace souk::tests {

small_shop::config::config() {
  runtime::add_runtime_types(*this);
  actors::add_shop_types(*this);
  set("scheduler.policy", caf::atom("testing"));
}

// Actors die here on purpose; what the runtime says of it would bury a failing test.
small_shop::small_shop() : db_({[this] { return time_.now(); }}) {
  spdlog::set_level(spdlog::level::off);
  store_ = ids_.fresh();
  store_.bytes[6] = 17;
  storage::store_row store;
  store.id = store_;
  store.owner_id = ids_.fresh();
  store.name = "Small shop";
  store.slug = "small-shop";
  store.currency = "EUR";
  db_.enter()->stores.emplace(store_, store);

  system_ = std::make_unique<caf::actor_system>(config_);
  auto services = std::make_shared<actors::shop_services>();
  runtime::entity_catalog catalog;
  catalog.kinds[actors::kind::store] = actors::store_kind(services);
  catalog.kinds[actors::kind::product] = actors::product_kind(services);
  catalog.kinds[actors::kind::reviews] = actors::reviews_kind(services);
  catalog.kinds[actors::kind::import] = actors::import_kind(services);
  catalog.kinds[actors::kind::inventory] = actors::inventory_kind(services);
  catalog.kinds[actors::kind::cart] = actors::cart_kind(services);
  catalog.kinds[actors::kind::user] = actors::user_kind(services);
  for (auto& [id, kind] : catalog.kinds)
    kind.spawn = [this, spawn = kind.spawn](caf::actor_system& system, runtime::entity_context context,
                                            std::any rows) {
      auto who = context.who;
      auto out = spawn(system, std::move(context), std::move(rows));
      entities_[who] = out.address();
      return out;
    };
  runtime::shard_services shards;
  shards.catalog = std::make_shared<const runtime::entity_catalog>(std::move(catalog));
  readers_ = std::make_shared<inline_readers>(db_.open_reader());
  shards.readers = readers_;
  services->readers = shards.readers;
  shards.time = &time_;
  shards.ids = &ids_;
  std::vector<runtime::lane_parts> lanes(1);
  lanes[0].store = db_.open_journal();
  lanes[0].worker = std::make_shared<held_executor>(*this);
  host_ = std::make_unique<runtime::shard_host>(*system_, routes_, shards, runtime::lane_options{},
                                                std::move(lanes));

  storage::node_row node;
  node.incarnation = ids_.fresh();
  node.name = "node";
  std::vector<storage::shard_id> all;
  for (int i = 0; i < storage::shard_count; ++i)
    all.push_back(static_cast<storage::shard_id>(i));
  auto ownership = db_.open_ownership();
  ownership->register_node(node);
  host_->take(ownership->acquire(node, all, std::chrono::seconds{5}));
  run();
}

small_shop::~small_shop() {
  for (const auto& a : askers_)
    if (auto actor = caf::actor_cast<caf::actor>(a))
      caf::anon_send_exit(actor, caf::exit_reason::kill);
  for (const auto& [who, a] : entities_)
    if (auto actor = caf::actor_cast<caf::actor>(a))
      caf::anon_send_exit(actor, caf::exit_reason::kill);
  host_->kill();
  run();
  host_.reset();
  routes_.clear();
  scheduler().trigger_timeouts(); // what was sent for later holds its receiver
  run();
}

caf::scheduler::test_coordinator& small_shop::scheduler() {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

bool small_shop::held_executor::post(std::function<void()> job) {
  shop_.writes_.push_back(std::move(job));
  return true;
}

bool small_shop::step() {
  auto& jobs = scheduler().jobs;
  bool may_write = !held_ && !writes_.empty();
  if (order_ && !jobs.empty()) {
    auto next = order_->below(jobs.size() + (may_write ? 1 : 0));
    if (next < jobs.size()) {
      std::rotate(jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(next), jobs.end());
      return scheduler().try_run_once();
    }
  } else if (scheduler().try_run_once()) {
    return true;
  }
  if (!may_write)
    return false;
  auto job = std::move(writes_.front());
  writes_.pop_front();
  job();
  return true;
}

void small_shop::run() {
  while (step()) {}
}

void small_shop::release_writes() {
  held_ = false;
  run();
}

void small_shop::pass(std::chrono::microseconds time) {
  time_.now_ += time;
  scheduler().advance_time(time);
  run();
}

void small_shop::kill(const runtime::entity_address& whom) {
  if (auto actor = caf::actor_cast<caf::actor>(entities_.at(whom)))
    caf::anon_send_exit(actor, caf::exit_reason::kill);
}

bool small_shop::is_active(const runtime::entity_address& whom) const {
  auto at = entities_.find(whom);
  return at != entities_.end() && caf::actor_cast<caf::actor>(at->second) != nullptr;
}

storage::ulid small_shop::add_user(storage::user_kind kind) {
  storage::user_row user;
  user.id = ids_.fresh();
  if (user.id.shard() == store_.shard())
    ++user.id.bytes[6];
  user.kind = kind;
  if (kind == storage::user_kind::registered) {
    user.email = user.id.str() + "@example.org";
    user.name = "Anna";
    user.password_hash = "$argon2id$";
  }
  user.created_at = now();
  db_.enter()->users.emplace(user.id, user);
  return user.id;
}

storage::ulid small_shop::add_variant(std::int64_t on_hand, std::int64_t price) {
  storage::product_row product;
  product.id = ids_.fresh_beside(store_);
  product.store_id = store_;
  product.handle = product.id.str();
  product.title = "Shirt";
  storage::variant_row variant;
  variant.id = ids_.fresh_beside(store_);
  variant.store_id = store_;
  variant.product_id = product.id;
  variant.price = price;
  storage::level_row level;
  level.variant_id = variant.id;
  level.store_id = store_;
  level.on_hand = on_hand;
  auto db = db_.enter();
  db->products.emplace(product.id, product);
  db->handles.emplace(std::pair{store_, product.handle}, product.id);
  db->variants.emplace(variant.id, variant);
  db->variants_of.emplace(product.id, variant.id);
  db->levels.emplace(variant.id, level);
  return variant.id;
}

} // namespace souk::tests
