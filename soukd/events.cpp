#include "actors/webhooks/webhook_rules.hpp"
#include "soukd/commands.hpp"
#include "storage/postgres/parked_events.hpp"

#include <ctime>
#include <iomanip>
#include <iostream>
#include <stdexcept>

namespace souk::server {

namespace {

using namespace storage::postgres;

constexpr int shown_max = 1000;

std::string spell(const storage::outbox_event& e) {
  return std::to_string(e.shard) + "-" + std::to_string(e.seq) + "-" + std::to_string(e.n);
}

int show(const databases& all) {
  std::size_t found = 0;
  for (const auto& db : all.all())
    for (const auto& row : parked_events(db, false, shown_max)) {
      const auto at = std::chrono::system_clock::to_time_t(row.parked_at);
      std::tm parts{};
      gmtime_r(&at, &parts);
      std::cout << row.consumer << "  " << spell(row.event) << "  " << row.event.event.topic << "  "
                << row.event.event.subject.str() << "  " << std::put_time(&parts, "%Y-%m-%dT%H:%M:%SZ") << "  " << row.error
                << (row.asked_again ? "  (to be delivered again)" : "") << "\n";
      ++found;
    }
  if (found == 0)
    std::cout << "no event is parked\n";
  return 0;
}

} // namespace

int events(const config::parsed& p) {
  const databases all{p.settings.database_url};
  const auto& what = p.arguments.at(0);
  if (what == "parked")
    return show(all);
  if (what != "retry" && what != "drop")
    throw std::runtime_error("it is parked, retry or drop; '" + what + "' is not");
  if (p.arguments.size() < 3)
    throw std::runtime_error("name the consumer and the event: " + what + " CONSUMER SHARD-SEQ-N, or all for either");
  parked_filter which;
  if (p.arguments[1] != "all")
    which.consumer = p.arguments[1];
  if (p.arguments[2] != "all") {
    const auto at = actors::event_position::parse(p.arguments[2]);
    if (!at)
      throw std::runtime_error("an event is named SHARD-SEQ-N, as `events parked` shows it");
    which.shard = at->shard;
    which.seq = at->seq;
    which.n = at->n;
  }
  std::int64_t done = 0;
  for (const auto& db : all.all())
    done += what == "retry" ? ask_parked_again(db, which) : drop_parked(db, which);
  if (done == 0) {
    std::cerr << "no such event is parked\n";
    return 1;
  }
  std::cout << done
            << (what == "retry" ? " to be delivered again within a minute; what is taken is no longer parked\n" : " dropped\n");
  return 0;
}

} // namespace souk::server
