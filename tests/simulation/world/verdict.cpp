#include "simulation/world/verdict.hpp"

#include "actors/kinds.hpp"
#include "actors/type_ids.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace souk::simulation {

using storage::attempt_state;
using storage::order_status;
using gateway_state = simulated_gateway::state;

storage::checker::observations verdict::seen(bool at_rest) const {
  storage::checker::observations out;
  out.operations = people_.operations();
  for (const auto& c : world_.consumers) {
    out.deliveries.insert(out.deliveries.end(), c->got.begin(), c->got.end());
    out.consumers.push_back(c->name());
  }
  out.at_rest = at_rest;
  out.now = world_.time.now();
  return out;
}

std::vector<storage::checker::violation> verdict::at_any_time() {
  return storage::checker::check(world_.db.dump(), seen(false));
}

std::vector<storage::checker::violation> verdict::settles() {
  found_.clear();
  auto owned = [this] {
    auto rows = world_.db.dump();
    return std::all_of(world_.options.used.begin(), world_.options.used.end(), [&](auto shard) {
      auto all = world_.running();
      return std::any_of(all.begin(), all.end(), [&](auto* n) { return n->incarnation() == rows.shards[shard].owner; });
    });
  };
  auto when = [this](microseconds span, const auto& what) {
    for (auto until = world_.time.now() + span; world_.time.now() < until; world_.run_for(std::chrono::milliseconds{250}))
      if (what())
        return true;
    return what();
  };
  when(stop_grace_max, [this] {
    auto all = world_.running();
    return std::none_of(all.begin(), all.end(), [](auto* n) { return n->leaving(); });
  });
  if (!when(world_.options.membership.stale_after + std::chrono::seconds{5}, owned))
    add("shards_are_owned", world_.owners());
  // Then they move to where they belong, once everybody has looked.
  world_.run_for(3 * world_.options.heartbeat);
  if (!when(std::chrono::minutes{1}, [this] { return world_.unsettled().empty(); }))
    add("cluster_settles", world_.unsettled());
  world_.log.add("all is settled: " + world_.owners());
  world_.expect_answers();
  return found_;
}

std::vector<storage::checker::violation> verdict::at_rest() {
  auto rows = world_.db.dump();
  found_ = storage::checker::check(rows, seen(true));
  check_money(rows);
  check_prices(rows);
  check_told(rows);
  check_stock_acts(rows);
  check_memory(rows);
  check_carts(rows);
  check_index(rows);
  if (auto why = world_.unsettled(); !why.empty())
    add("cluster_settles", why);
  for (const auto& who : world_.unanswered())
    add("everybody_is_answered", who);
  return found_;
}

void verdict::check_money(const storage::simulated::tables& rows) {
  const char* invariant = "money_moved_as_recorded";
  for (const auto& [id, a] : world_.gateway->accounts()) {
    if (a.captures > 1 || a.refunds > 1)
      add(invariant, fmt::format("attempt {} was captured {} and refunded {} times", id.str(), a.captures, a.refunds));
    auto at = rows.payments.find(id);
    if (at == rows.payments.end()) {
      if (a.captures > a.refunds)
        add(invariant, fmt::format("attempt {} took money and has no payment row", id.str()));
      continue;
    }
    const auto& p = at->second;
    if (a.captures > 0 && p.captured != a.taken)
      add(invariant, fmt::format("attempt {}: {} was taken, its row says {}", id.str(), a.taken, p.captured));
    if (a.now == gateway_state::promised && p.state != attempt_state::authorized)
      add(invariant, fmt::format("attempt {} is promised, its row is in state {}", id.str(), static_cast<int>(p.state)));
    for (const auto& [refund, back] : a.given_back) {
      auto r = rows.refunds.find(refund);
      if (r == rows.refunds.end())
        add(invariant, fmt::format("refund {} went back and has no row", refund.str()));
      else if (r->second.amount != back.amount
               || (r->second.state == storage::refund_state::succeeded) != !back.failed)
        add(invariant, fmt::format("refund {}: {} {}, its row says {} in state {}", refund.str(), back.amount,
                                   back.failed ? "failed" : "went back", r->second.amount, static_cast<int>(r->second.state)));
    }
    if (a.captures > 0 && (p.amount != a.amount || p.currency != a.currency))
      add(invariant, fmt::format("attempt {} took {} {}, its row says {} {}", id.str(), a.amount, a.currency, p.amount, p.currency));
    if (a.now == gateway_state::taken && p.state != attempt_state::succeeded)
      add(invariant, fmt::format("attempt {} took money, its row is in state {}", id.str(), static_cast<int>(p.state)));
    if (a.now == gateway_state::refunded && p.state != attempt_state::refunded)
      add(invariant, fmt::format("attempt {} was refunded, its row is in state {}", id.str(), static_cast<int>(p.state)));
  }
  for (const auto& [id, r] : rows.refunds) {
    auto at = world_.gateway->accounts().find(r.payment_id);
    if (r.state == storage::refund_state::succeeded && at != world_.gateway->accounts().end()
        && !at->second.given_back.contains(id))
      add(invariant, fmt::format("refund {} succeeded, and the provider gave nothing back", id.str()));
  }
  for (const auto& [id, life] : rows.lives) {
    auto heard = life.heard;
    std::sort(heard.begin(), heard.end(), [](const auto& x, const auto& y) { return x.event_id < y.event_id; });
    if (std::adjacent_find(heard.begin(), heard.end(), [](const auto& x, const auto& y) { return x.event_id == y.event_id; })
        != heard.end())
      add("event_is_heard_once", fmt::format("order {}", id.str()));
  }
  for (const auto& [id, p] : rows.payments) {
    if (p.provider != "sandbox" || p.amount == 0)
      continue;
    auto at = world_.gateway->accounts().find(id);
    auto now = at == world_.gateway->accounts().end() ? gateway_state::cancelled : at->second.now;
    if (p.state == attempt_state::succeeded && now != gateway_state::taken)
      add(invariant, fmt::format("payment {} succeeded, and the provider has no money of it", id.str()));
    if (p.state == attempt_state::refunded && now != gateway_state::refunded)
      add(invariant, fmt::format("payment {} is refunded, and the provider did not give it back", id.str()));
  }
}

void verdict::check_prices(const storage::simulated::tables& rows) {
  for (const auto& [key, item] : rows.order_items)
    if (!people_.ever_priced(item.variant_id, item.unit_price))
      add("price_was_asked_for", fmt::format("order {} line {}: {} was never the price of {}", item.order_id.str(), item.line,
                                             item.unit_price, item.variant_id.str()));
}

void verdict::check_told(const storage::simulated::tables& rows) {
  for (const auto& [id, told] : people_.told_of_orders()) {
    auto at = rows.orders.find(id);
    if (at == rows.orders.end())
      continue; // acknowledged_order_exists says so
    auto is = at->second.status;
    bool over = is == order_status::cancelled || is == order_status::refunded;
    // Pending, paid, shipped, delivered, then cancelled or refunded: nothing ever goes back. Paid goods are not just cancelled.
    if (is < told.status || (told.status == order_status::cancelled && is != told.status)
        || (told.status == order_status::paid && is == order_status::cancelled)
        || ((told.status == order_status::shipped || told.status == order_status::delivered) && over
            && !(told.money_back && is == order_status::refunded)))
      add("told_is_true", fmt::format("order {}: its shopper was told {}, and it is {}", id.str(), name_of(told.status), name_of(is)));
    // Money that cannot go back (a closed account) leaves the order paid, and its merchant to find another way.
    const bool money_stays = std::any_of(rows.refunds.begin(), rows.refunds.end(), [&](const auto& r) {
      return r.second.order_id == id && r.second.state == storage::refund_state::failed;
    });
    if (told.cancelled && !over && !money_stays)
      add("told_is_true", fmt::format("order {}: a cancellation was accepted, and it is {}", id.str(), name_of(is)));
  }
}

void verdict::check_stock_acts(const storage::simulated::tables& rows) {
  std::map<std::string, int> lines;
  for (const auto& shard : rows.ledger)
    for (const auto& line : shard)
      ++lines[line.entry.note];
  for (const auto& act : people_.stock_acts()) {
    auto count = lines.contains(act.note) ? lines.at(act.note) : 0;
    // Setting stock to what it is writes nothing.
    bool missing = act.acknowledged && count == 0 && !act.is_set;
    if (count > 1 || missing || (act.refused && count > 0))
      add("stock_act_counted_once", fmt::format("{} ({}) is in the ledger {} times", act.note,
                                                act.acknowledged ? "confirmed" : act.refused ? "refused" : "unknown", count));
  }
}

void verdict::check_memory(const storage::simulated::tables& rows) {
  for (const auto& s : people_.shops())
    for (const auto& v : s.variants) {
      auto a = world_.ask_now<actors::stock_view>(actors::inventory_at(v.id), runtime::delivery::activate, actors::get_stock{s.id});
      if (!a.ok()) {
        add("shard_is_served", fmt::format("variant {}: {}", v.id.str(), name_of(a.why)));
        continue;
      }
      const auto& level = rows.levels.at(v.id);
      const auto& row = rows.variants.at(v.id);
      if (a.value.variant.price != row.price || a.value.variant.sku != row.sku || a.value.variant.removed != row.removed)
        add("memory_is_rows", fmt::format("variant {}: memory has a price of {}, the rows {}", v.id.str(), a.value.variant.price, row.price));
      bool sellable = rows.products.at(row.product_id).status == storage::product_status::active && !row.removed;
      if (a.value.sellable != sellable)
        add("memory_is_rows", fmt::format("variant {}: memory has it {}for sale", v.id.str(), a.value.sellable ? "" : "not "));
      const auto& m = a.value;
      if (m.on_hand != level.on_hand || m.reserved != level.reserved || m.backorder != level.backorder
          || m.low_stock_threshold != level.low_stock_threshold)
        add("memory_is_rows", fmt::format("variant {}: memory has {} on hand, {} reserved, back-orders {}; the rows {}, {}, {}",
                                          v.id.str(), m.on_hand, m.reserved, m.backorder, level.on_hand, level.reserved,
                                          level.backorder));
    }
}

void verdict::check_carts(const storage::simulated::tables& rows) {
  for (const auto& s : people_.shops())
    for (const auto& who : people_.shoppers()) {
      auto a = world_.ask_now<actors::cart_view>(actors::cart_at(s.id, who.user), runtime::delivery::activate, actors::get_cart{who});
      if (!a.ok()) {
        add("shard_is_served", fmt::format("cart of {}: {}", who.user.str(), name_of(a.why)));
        continue;
      }
      std::map<storage::ulid, std::int64_t> memory, written;
      for (const auto& line : a.value.lines)
        memory[line.variant_id] = line.quantity;
      // Reading a cart may write it (prices seen), not what is in it.
      if (auto at = rows.cart_of.find({s.id, who.user}); at != rows.cart_of.end())
        for (const auto& line : rows.carts.at(at->second).lines)
          written[line.variant_id] = line.quantity;
      for (const auto& [variant, quantity] : written)
        if (auto asked = people_.put_into_carts(s.id, who.user, variant); quantity > asked)
          add("cart_lines_were_asked_for", fmt::format("cart of {}: {} pieces of {}, {} were put into it", who.user.str(), quantity,
                                                       variant.str(), asked));
      if (memory != written)
        add("memory_is_rows", fmt::format("cart of {} in {}: memory has {} lines, the rows {}", who.user.str(), s.id.str(),
                                          memory.size(), written.size()));
    }
}

void verdict::check_index(const storage::simulated::tables& rows) {
  for (const auto& [id, order] : rows.orders)
    if (rows.users.contains(order.user_id) && !rows.user_orders.contains({order.user_id, id}))
      add("order_is_in_index", fmt::format("order {} is not in the index of {}", id.str(), order.user_id.str()));
}

} // namespace souk::simulation
