#include "tests/bench/direct_shop.hpp"

#include "actors/kinds.hpp"
#include "actors/type_ids.hpp"

#include <atomic>
#include <iostream>
#include <random>
#include <thread>

#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

namespace souk::bench {

namespace {

template <class Answer, class Command>
Answer ask(server::shop_stack& stack, const runtime::entity_address& whom, runtime::delivery how, Command command) {
  Answer out{};
  std::string failed;
  caf::scoped_actor self{stack.system(), true};
  self
    ->request(stack.node().routes().shard_of(whom), std::chrono::seconds{30}, runtime::deliver_atom_v, whom, how,
              caf::make_message(std::move(command)))
    .receive([&](Answer& a) { out = std::move(a); }, [&](const caf::error& e) { failed = stack.system().render(e); });
  if (!failed.empty())
    throw std::runtime_error("setting up the shop: " + failed);
  return out;
}

struct tally {
  std::atomic<bool> measuring{false};
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> placed{0};
  std::atomic<std::uint64_t> refused{0};
  std::mutex guard;
  latencies took;
  std::function<void(const actors::order_view&, std::chrono::steady_clock::duration)> on_placed;
  actors::payment_method payment;
};

struct driver_state {
  std::mt19937 random;
  latencies took;
  int under_way = 0;
  std::function<void()> next;
};

// A shopper's node: keeps `window` placements under way, each a new order of one piece.
caf::behavior driver(caf::stateful_actor<driver_state>* self, server::shop_stack* stack, std::vector<direct_shop::sold> goods,
                     std::vector<storage::ulid> shoppers, int window, std::shared_ptr<tally> count, std::uint32_t seed) {
  self->state.random.seed(seed);
  self->state.next = [=] {
    auto& s = self->state;
    if (count->stopping) {
      if (s.under_way == 0) {
        std::lock_guard lock{count->guard};
        count->took.merge(s.took);
        self->quit();
      }
      return;
    }
    const auto& g = goods[s.random() % goods.size()];
    actors::place_order c;
    c.by.user = shoppers[s.random() % shoppers.size()];
    c.store_id = g.store;
    c.lines.push_back({g.product, g.variant, 1});
    c.address = {"Ada Lovelace", "12 St James's Square", "", "London", "", "SW1Y 4LB", "GB", ""};
    c.payment = count->payment;
    auto order = stack->ids().fresh_beside(g.store);
    auto began = std::chrono::steady_clock::now();
    ++s.under_way;
    runtime::ask(self, stack->node().routes(), actors::order_at(order), runtime::delivery::create, std::move(c))
      .then(
        [=](const actors::order_view& view) {
          const auto took = std::chrono::steady_clock::now() - began;
          --self->state.under_way;
          if (count->on_placed)
            count->on_placed(view, took);
          if (count->measuring) {
            ++count->placed;
            self->state.took.add(took);
          }
          self->state.next();
        },
        [=](const caf::error& e) {
          --self->state.under_way;
          if (count->refused++ == 0)
            std::cerr << "the first refusal: " << self->system().render(e) << "\n";
          self->state.next();
        });
  };
  for (int i = 0; i < window; ++i)
    self->state.next();
  return {[](int) {}};
}

} // namespace

config::settings lone_node(std::vector<std::string> database_urls) {
  config::settings s;
  s.database_url = std::move(database_urls);
  s.node_name = "bench";
  s.entity_max = 400'000;
  return s;
}

direct_shop::direct_shop(const config::settings& s, std::vector<std::shared_ptr<actors::event_consumer>> listeners) {
  spdlog::set_level(spdlog::level::warn);
  stack_ = std::make_unique<server::shop_stack>(s);
  for (auto& l : listeners)
    stack_->listen(std::move(l));
  stack_->start({}, {}, [](const std::string& why) {
    std::cerr << "the node must end: " << why << "\n";
    std::exit(1);
  });
}

direct_shop::~direct_shop() {
  stack_->stop(std::chrono::seconds{10});
}

std::vector<direct_shop::sold> direct_shop::open_stores(int stores, int variants_each) {
  std::vector<sold> out;
  if (owner_.is_nil())
    owner_ = sign_up_shoppers(1).front();
  const auto& owner = owner_;
  for (int i = 0; i < stores; ++i) {
    actors::open_store open;
    open.by.user = owner;
    open.draft.id = stack_->ids().fresh();
    open.draft.owner_id = owner;
    open.draft.name = "Bench " + std::to_string(i);
    open.draft.slug = "bench-" + std::to_string(i);
    open.draft.currency = "EUR";
    ask<storage::store_row>(*stack_, actors::store_at(open.draft.id), runtime::delivery::create, open);
    for (int p = 0; p * 100 < variants_each; ++p) {
      actors::create_product c;
      c.by.user = owner;
      c.store_id = open.draft.id;
      c.product.id = stack_->ids().fresh_beside(open.draft.id);
      c.product.store_id = c.store_id;
      c.product.title = "Thing " + std::to_string(p);
      c.product.options = {{"Size"}};
      for (int v = p * 100; v < std::min(variants_each, (p + 1) * 100); ++v) {
        actors::variant_draft d;
        d.row.option_values = {"size " + std::to_string(v)};
        d.row.price = 1999;
        d.stock = 1'000'000'000;
        c.variants.push_back(std::move(d));
      }
      auto made = ask<actors::product_written>(*stack_, actors::product_at(c.product.id), runtime::delivery::create, c);
      for (const auto& v : made.variants)
        out.push_back({c.store_id, c.product.id, v.id});
    }
  }
  return out;
}

void direct_shop::give_account(const storage::ulid& store, const std::string& provider, const std::string& secrets) {
  actors::change_settings c;
  c.by.user = owner_;
  c.store_id = store;
  c.put_payment.emplace();
  c.put_payment->provider = provider;
  c.put_payment->sealed = stack_->secrets()->seal(actors::secret_owner(store, provider), secrets);
  ask<storage::store_row>(*stack_, actors::store_at(store), runtime::delivery::activate, c);
}

std::vector<storage::ulid> direct_shop::sign_up_shoppers(int count) {
  std::vector<storage::ulid> out;
  for (int i = 0; i < count; ++i) {
    actors::sign_up c;
    c.user.id = stack_->ids().fresh();
    c.user.kind = storage::user_kind::guest;
    c.user.created_at = stack_->clock().now();
    c.session.user_id = c.user.id;
    c.session.kind = storage::session_kind::guest;
    std::copy(c.user.id.bytes.begin(), c.user.id.bytes.end(), c.session.hash.begin());
    c.session.created_at = c.user.created_at;
    c.session.expires_at = c.user.created_at + std::chrono::hours{24};
    ask<actors::user_view>(*stack_, actors::user_at(c.user.id), runtime::delivery::create, c);
    out.push_back(c.user.id);
  }
  return out;
}

placing_result place_orders(direct_shop& shop, const std::vector<direct_shop::sold>& goods,
                            const std::vector<storage::ulid>& shoppers, int drivers, int window,
                            std::chrono::milliseconds warm_up, std::chrono::milliseconds duration,
                            std::function<void(const actors::order_view&, std::chrono::steady_clock::duration)> placed,
                            const actors::payment_method& payment) {
  auto count = std::make_shared<tally>();
  count->on_placed = std::move(placed);
  count->payment = payment;
  auto& stack = shop.stack();
  std::vector<caf::actor> all;
  for (int i = 0; i < drivers; ++i)
    all.push_back(stack.system().spawn(driver, &stack, goods, shoppers, window, count, static_cast<std::uint32_t>(i + 1)));
  std::this_thread::sleep_for(warm_up);
  count->measuring = true;
  const auto began = std::chrono::steady_clock::now();
  const auto cpu_before = process_cpu();
  std::this_thread::sleep_for(duration);
  count->measuring = false;
  const auto cpu = process_cpu() - cpu_before;
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  count->stopping = true;
  caf::scoped_actor self{stack.system(), true};
  self->wait_for(all);
  placing_result r;
  r.placed = count->placed;
  r.refused = count->refused;
  r.per_second = static_cast<double>(r.placed) / took;
  if (r.placed > 0)
    r.cpu_us = std::chrono::duration<double, std::micro>(cpu).count() / static_cast<double>(r.placed);
  r.took = std::move(count->took);
  return r;
}

} // namespace souk::bench
