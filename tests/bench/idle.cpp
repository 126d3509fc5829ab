// What an activated actor costs in memory while nobody speaks to it: with its state, its mailbox, and its place in its shard.

#include "actors/kinds.hpp"
#include "actors/type_ids.hpp"
#include "tests/bench/direct_shop.hpp"
#include "tests/bench/stored_shop.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <thread>

#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

namespace souk::bench {

namespace {

constexpr std::size_t actors_max = 100'000;
/// So that a short run is short.
constexpr std::size_t actors_per_second_asked_for = 10'000;

double resident_now() {
  std::ifstream statm{"/proc/self/statm"};
  std::size_t pages = 0;
  statm >> pages >> pages; // the second figure
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// Resident bytes once what was freed has gone back to the kernel and the figure stays.
double resident() {
  double before = -1, now = 0;
  for (int i = 0; i < 20; ++i) {
    malloc_trim(0);
    now = resident_now();
    if (std::abs(now - before) < 256 * 1024)
      break;
    before = now;
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
  }
  return now;
}

/// Runs the work in a process of its own, so that the memory it leaves behind is not ours. @pre no other threads
double in_own_process(const std::function<double()>& work) {
  int ends[2];
  if (pipe(ends) != 0)
    throw std::runtime_error("no pipe for a child process");
  const auto child = fork();
  if (child == 0) {
    close(ends[0]);
    try {
      const double figure = work();
      _exit(write(ends[1], &figure, sizeof figure) == sizeof figure ? 0 : 1);
    } catch (const std::exception& e) {
      std::cerr << e.what() << "\n";
      _exit(1);
    }
  }
  close(ends[1]);
  double figure = 0;
  const auto told = child > 0 ? read(ends[0], &figure, sizeof figure) : -1;
  close(ends[0]);
  int status = 0;
  if (child > 0)
    waitpid(child, &status, 0);
  if (told != sizeof figure || status != 0)
    throw std::runtime_error("a child process failed");
  return figure;
}

struct nothing {
  static inline const char* name = "nothing";
};

/// Bytes of an actor with a state that is empty and one message handler.
double empty_actor_bytes(std::size_t count) {
  server::actor_config config{{}, 2};
  caf::actor_system system{config};
  std::vector<caf::actor> all(count);
  const auto before = resident();
  for (auto& a : all)
    a = system.spawn([](caf::stateful_actor<nothing>*) -> caf::behavior { return {[](int) {}}; });
  const auto bytes = (resident() - before) / static_cast<double>(count);
  for (auto& a : all)
    caf::anon_send_exit(a, caf::exit_reason::kill);
  return bytes;
}

struct waker_state {
  static inline const char* name = "waker";
  std::size_t sent = 0;
  std::size_t answered = 0;
  std::function<void()> next;
};

/// Sends each entity one message, some hundreds at a time, and ends when all have answered.
template <class Answer, class Command>
caf::behavior waker(caf::stateful_actor<waker_state>* self, const runtime::router* routes, std::size_t count,
                    std::function<std::pair<runtime::entity_address, Command>(std::size_t)> message_of) {
  self->state.next = [=] {
    auto& s = self->state;
    if (s.answered == count)
      return self->quit();
    if (s.sent == count)
      return;
    auto [whom, command] = message_of(s.sent++);
    runtime::ask(self, *routes, whom, runtime::delivery::activate, std::move(command))
      .then(
        [self](const Answer&) {
          ++self->state.answered;
          self->state.next();
        },
        [self](const caf::error& e) { self->quit(e); });
  };
  for (std::size_t i = 0; i < std::min<std::size_t>(count, 512); ++i)
    self->state.next();
  return {[](int) {}};
}

template <class Answer, class Command>
void wake(server::shop_stack& stack, std::size_t count,
          std::function<std::pair<runtime::entity_address, Command>(std::size_t)> message_of) {
  auto it = stack.system().spawn(waker<Answer, Command>, &stack.node().routes(), count, std::move(message_of));
  caf::scoped_actor self{stack.system(), true};
  caf::error why;
  self->monitor(it);
  self->receive([&](const caf::down_msg& gone) { why = gone.reason; });
  if (why)
    throw std::runtime_error("an actor was not activated: " + stack.system().render(why));
}

std::uint64_t active(server::shop_stack& stack) {
  std::uint64_t out = 0;
  for (const auto& s : stack.node().shards())
    out += s.active;
  return out;
}

} // namespace

int idle(const options& o) {
  const auto count = std::min(actors_max, actors_per_second_asked_for * static_cast<std::size_t>(o.duration.count()));
  const auto empty = in_own_process([&] { return empty_actor_bytes(count); });
  const stored_shop stored{count};
  in_own_process([&] {
    stored.write(o.database_url);
    return 0.0;
  });

  direct_shop shop{o};
  auto& stack = shop.stack();
  const auto wake_variants = [&](std::size_t first, std::size_t n) {
    wake<actors::stock_view, actors::get_stock>(stack, n, [&stored, first](std::size_t i) {
      const auto& v = stored.variants[first + i];
      return std::pair{actors::inventory_at(v.id), actors::get_stock{v.store}};
    });
  };
  const auto wake_carts = [&](std::size_t first, std::size_t n) {
    wake<actors::cart_view, actors::get_cart>(stack, n, [&stored, first](std::size_t i) {
      const auto& c = stored.carts[first + i];
      actors::get_cart command;
      command.by.user = c.user;
      command.by.session = storage::session_kind::guest;
      return std::pair{actors::cart_at(c.store, c.user), command};
    });
  };
  // Carts ask their stores. And the first of each wake what all share: readers, connections, the scheduler's own memory.
  std::vector<storage::ulid> stores;
  for (const auto& v : stored.variants)
    if (stores.empty() || stores.back() != v.store)
      stores.push_back(v.store);
  wake<actors::store_terms, actors::get_terms>(stack, stores.size(), [&stores](std::size_t i) {
    return std::pair{actors::store_at(stores[i]), actors::get_terms{stores[i]}};
  });
  const auto first = count / 100 + 1;
  wake_variants(0, first);
  wake_carts(0, first);
  const auto rest = static_cast<double>(count - first);
  const auto before = resident();
  const auto active_before = active(stack);
  const auto began = std::chrono::steady_clock::now();
  wake_variants(first, count - first);
  const auto with_variants = resident();
  wake_carts(first, count - first);
  const auto with_carts = resident();
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const auto grew = static_cast<double>(active(stack) - active_before);
  if (std::abs(grew - 2 * rest) > rest / 100)
    throw std::runtime_error("others than the measured actors are active: " + std::to_string(grew));

  const double inventory_bytes = (with_variants - before) / rest, cart_bytes = (with_carts - with_variants) / rest;
  constexpr double mib = 1024 * 1024;
  std::cerr << "the baseline is the bytes of an empty stateful CAF actor; the ratio is that of the mean of the two to it\n"
            << "resident_mib: with " << count << " inventories; resident_both_mib: and as many carts of two lines\n";
  report(o.name,
         {{"inventory_bytes", inventory_bytes},
          {"cart_bytes", cart_bytes},
          {"actors_of_each", static_cast<double>(count)},
          {"resident_before_mib", before / mib},
          {"resident_mib", with_variants / mib},
          {"resident_both_mib", with_carts / mib},
          {"activations_per_s", 2 * rest / took}},
         empty, (inventory_bytes + cart_bytes) / 2 / empty);
  return 0;
}

} // namespace souk::bench
