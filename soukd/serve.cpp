#include "config/log.hpp"
#include "http/server.hpp"
#include "integrations/events/event_log.hpp"
#include "soukd/cache_news.hpp"
#include "soukd/cluster_metrics.hpp"
#include "soukd/commands.hpp"
#include "soukd/housekeeper.hpp"
#include "soukd/shop_stack.hpp"
#include "soukd/status_json.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <thread>

#include <prometheus/registry.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

namespace souk::server {

namespace {

constexpr std::chrono::seconds drain_grace{10};
constexpr std::chrono::seconds give_away_limit{10};
/// The edge asks every node several times a second whether it is ready, and stops sending after a few noes.
constexpr std::chrono::milliseconds edge_notices_after{1500};
/// If an ordered end takes longer than this, something hangs: the rows are durable, so the process may simply go.
constexpr std::chrono::seconds end_at_last{25};

constexpr std::size_t page_bytes_max = std::size_t{128} << 20;
constexpr std::chrono::seconds page_ttl{5};

/// Blocks the signals that end a server, in this thread and all it starts; they are waited for in one place.
sigset_t block_end_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

} // namespace

int serve(const config::parsed& p) {
  auto end_signals = block_end_signals(); // before any thread is started, the log's included
  config::start_log(p.settings);
  for (const auto& w : p.warnings)
    spdlog::warn("{}", w);
  auto began = std::chrono::steady_clock::now();
  auto pages = std::make_shared<http::page_cache>(page_bytes_max, page_ttl);
  shop_stack stack{p.settings};
  const auto& databases = stack.databases();
  std::atomic<int> exit_code{0};
  std::atomic<bool> ending{false};
  std::atomic<bool> condemned{false};
  auto news = std::make_shared<cache_news>(
    pages, [&stack](const std::string& topic, const std::string& body) { stack.node().notice(topic, body); });
  http::server edge{http::foundation{
    .settings = stack.settings(),
    .system = stack.system(),
    .routes = stack.node().routes(),
    .time = stack.clock(),
    .ids = stack.ids(),
    .services = stack.services(),
    .pages = pages,
    .make_catalog_reader =
      [&databases, limit = p.settings.reader_timeout_ms] {
        storage::postgres::reader_limits limits;
        limits.query = limit;
        return storage::postgres::make_sharded_catalog_reader(databases, limits);
      },
    .make_directory = [&databases] { return storage::postgres::make_directory(databases.directory()); },
    .ready =
      [&stack] {
        return http::readiness{static_cast<int>(stack.node().owned()), stack.node().ready(), stack.node().database_answers(),
                               stack.node().leaving()};
      },
    .cluster_status = [&stack] { return status_json(stack.node().status()); },
    .session_forgotten = [news](const storage::token_hash& token) { news->session_forgotten(token); },
    .metrics = std::make_shared<prometheus::Registry>(),
    .more_metrics =
      [&stack] {
        auto all = cluster_metrics(stack.node().status());
        for (auto& family : stack.event_figures().collect())
          all.push_back(std::move(family));
        return all;
      },
    .secrets = stack.secrets(),
    .mail_templates = stack.mail().templates,
    .mail_desk = stack.mail().desk,
    .vet_webhook = [&stack](const std::string& address) { return stack.vet_webhook(address); },
  }};
  news->sessions_are([&edge](const storage::token_hash& token) { edge.forget_session(token); });
  stack.start([news](const storage::ulid& store, const storage::ulid& product) { news->product_changed(store, product); },
              [news](const storage::ulid& variant, std::int64_t available) { news->stock_changed(variant, available); },
              [&](const std::string& why) {
                if (ending.exchange(true))
                  return;
                spdlog::critical("this node ends: {}", why);
                exit_code = 3;
                condemned = true;
                kill(getpid(), SIGTERM);
              },
              [news](const std::string& topic, const std::string& body) { news->heard(topic, body); });
  auto port = edge.bind();
  auto again = [&stack](const std::string& consumer, const storage::outbox_event& event) {
    return stack.deliver_again(consumer, event);
  };
  std::optional<housekeeper> keeper{std::in_place, databases, stack.consumer_names(), again};
  std::thread waits_for_end{[&] {
    int signal = 0;
    sigwait(&end_signals, &signal);
    ending = true;
    spdlog::info("ending on signal {}: finishing what is under way", signal);
    const auto ended_at = std::chrono::steady_clock::now();
    std::thread{[] {
      std::this_thread::sleep_for(end_at_last);
      spdlog::critical("the ordered end hangs; going anyway");
      std::_Exit(4);
    }}.detach();
    // Others take the shards while this node still answers: what the edge sends until it has noticed is passed on.
    if (!condemned && stack.node().give_all_away(give_away_limit))
      std::this_thread::sleep_until(ended_at + edge_notices_after);
    edge.stop();
  }};
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  spdlog::info("serving on {}:{}, {} shards, after {} ms", p.settings.listen_host, port, stack.node().owned(), took.count());
  edge.run();
  waits_for_end.join();
  keeper.reset(); // consumers that stop would look like ones that refuse
  stack.stop(drain_grace);
  spdlog::info("ended");
  return exit_code;
}

} // namespace souk::server
