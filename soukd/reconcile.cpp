#include "actors/payment/reconcile.hpp"
#include "soukd/commands.hpp"
#include "soukd/providers.hpp"
#include "soukd/secret_keys.hpp"
#include "storage/postgres/postgres.hpp"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <set>
#include <sstream>
#include <stdexcept>

namespace souk::server {

namespace {

using storage::timestamp;

/// Promised money is captured within so long, so a payment of the day may be taken that much later.
constexpr std::chrono::days taken_within{7};
constexpr std::chrono::hours around{1};
constexpr std::int64_t page_max = 250;

timestamp day_of(const std::string& text) {
  std::istringstream in{text};
  std::tm parts{};
  in >> std::get_time(&parts, "%Y-%m-%d");
  const std::chrono::year_month_day day{std::chrono::year{parts.tm_year + 1900},
                                        std::chrono::month{static_cast<unsigned>(parts.tm_mon + 1)},
                                        std::chrono::day{static_cast<unsigned>(parts.tm_mday)}};
  if (in.fail() || text.size() != 10 || !day.ok())
    throw std::runtime_error("DAY is a date like 2026-11-26, not '" + text + "'");
  return timestamp{std::chrono::sys_days{day}};
}

/// The orders that were placed in [from, to), newest first as the reader gives them.
std::vector<storage::order_snapshot> orders_of(storage::catalog_reader& reader, const storage::ulid& store, timestamp from,
                                               timestamp to) {
  std::vector<storage::order_snapshot> out;
  storage::page_request page;
  page.limit = page_max;
  for (;;) {
    auto found = reader.orders(store, std::nullopt, page);
    for (auto& o : found.rows)
      if (o.order.created_at >= from && o.order.created_at < to)
        out.push_back(std::move(o));
    if (found.rows.empty() || !found.more || found.rows.back().order.created_at < from)
      return out;
    page.after = found.rows.back().order.id;
  }
}

void add_named(std::vector<storage::order_snapshot>& ours, storage::catalog_reader& reader, const storage::ulid& store,
               const actors::provider_entries& theirs) {
  std::set<storage::ulid> there;
  for (const auto& o : ours)
    there.insert(o.order.id);
  std::vector<storage::ulid> wanted;
  for (const auto& e : theirs.entries)
    if (!e.order_id.is_nil() && e.order_id.shard() == store.shard() && there.insert(e.order_id).second)
      wanted.push_back(e.order_id);
  for (std::size_t i = 0; i < wanted.size(); i += static_cast<std::size_t>(page_max)) {
    const auto end = std::min(wanted.size(), i + static_cast<std::size_t>(page_max));
    auto found = reader.orders_by_id(store, {wanted.begin() + static_cast<std::ptrdiff_t>(i),
                                             wanted.begin() + static_cast<std::ptrdiff_t>(end)});
    std::move(found.begin(), found.end(), std::back_inserter(ours));
  }
}

void tell(const std::string& provider, const actors::reconciliation& r) {
  std::cout << provider << ": " << r.payments << " payments and " << r.refunds << " refunds, " << r.differences.size()
            << " differences\n";
  for (const auto& d : r.differences)
    std::cout << "  " << actors::to_string(d.what) << "  order " << (d.order_id.is_nil() ? "-" : d.order_id.str()) << "  "
              << (d.reference.empty() ? "-" : d.reference) << "  ours " << d.ours << "  theirs " << d.theirs << " " << d.currency
              << "\n";
}

} // namespace

int reconcile(const config::parsed& p) {
  const auto id = storage::ulid::parse(p.arguments.at(0));
  if (!id)
    throw std::runtime_error("STORE is a store's id");
  const auto from = day_of(p.arguments.at(1));
  const auto to = from + std::chrono::days{1};
  storage::postgres::databases all{p.settings.database_url};
  storage::postgres::load_places(all);
  const auto store = storage::postgres::make_entity_reader(all.database_of(id->shard()))->load_store(*id);
  if (!store)
    throw std::runtime_error("there is no such store");
  const auto providers = make_gateways(p.settings, std::make_shared<actors::secret_box>(secret_keys(p.settings)));
  const auto reader = storage::postgres::make_sharded_catalog_reader(all);
  std::size_t differences = 0;
  bool complete = true;
  for (const auto& account : store->settings.payments) {
    const auto gateway = providers.find(account.provider);
    if (gateway == providers.end()) {
      std::cout << account.provider << ": is not set up here; nothing was compared\n";
      complete = false;
      continue;
    }
    const auto theirs = gateway->second->entries(*id, account, from - around, to + taken_within);
    if (!theirs.complete) {
      std::cout << account.provider << ": did not tell all of its money; try again later\n";
      complete = false;
      continue;
    }
    auto ours = orders_of(*reader, *id, from, to);
    add_named(ours, *reader, *id, theirs);
    const auto result = actors::reconcile(account.provider, ours, theirs, from, to);
    tell(account.provider, result);
    differences += result.differences.size();
  }
  if (!complete)
    return 2;
  return differences == 0 ? 0 : 1;
}

} // namespace souk::server
