#include "simulation/world/shop_rows.hpp"

#include "storage/error.hpp"

#include <stdexcept>

namespace souk::simulation {

using namespace storage;

namespace {

/// Writes rows as somebody who owns the shard for that one write. A run's faults concern its nodes: this is tried until it is done.
void found(world& w, const write_set& rows) {
  node_row founder;
  founder.incarnation = w.random.id(0, w.time.now());
  founder.name = "founder";
  auto journal = w.db.open_journal();
  for (int tries = 0; tries < 1000; ++tries) {
    w.time.move_to(w.time.now() + std::chrono::seconds{1});
    try {
      auto taken = w.db.open_ownership()->acquire(founder, {rows.shard}, std::chrono::milliseconds{0});
      if (taken.empty())
        continue;
      batch b{taken, {&rows}};
      auto done = journal->commit(b);
      if (done.what == commit_outcome::kind::unknown) {
        auto settled = journal->settle(b);
        for (; !settled.reachable; settled = journal->settle(b))
          w.time.move_to(w.time.now() + std::chrono::seconds{1});
        if (!settled.landed)
          continue;
      } else if (done.what == commit_outcome::kind::failed) {
        throw std::runtime_error("the first rows of a run are not good: " + done.error);
      } else if (done.what != commit_outcome::kind::committed) {
        continue;
      }
      return;
    } catch (const unavailable&) {
      // again
    }
  }
  throw std::runtime_error("the first rows of a run could not be written");
}

} // namespace

shop open_shop(world& w, shard_id shard, const shop_plan& plan) {
  auto now = w.time.now();
  shop out;
  store_row s;
  s.id = w.random.id(shard, now);
  s.owner_id = w.fresh_id();
  s.name = "Tea & Co";
  s.slug = "tea-" + s.id.str();
  s.currency = "EUR";
  s.tax_rate_ppm = plan.tax_rate_ppm;
  s.shipping_zones = {{"Home", {"DE", "AT"}, {{"Parcel", 490, 5000}, {"Express", 1290, -1}}}, {"World", {"*"}, {{"Air", 2500, -1}}}};
  s.created_at = s.updated_at = now;
  out.id = s.id;
  out.owner = signed_in(s.owner_id);
  write_set rows;
  rows.shard = shard;
  rows.mutations.push_back(insert_store{s});
  for (int i = 0; i < plan.variants; ++i) {
    product_row p;
    p.id = w.fresh_id_beside(s.id);
    p.store_id = s.id;
    p.handle = "oolong-" + std::to_string(i + 1);
    p.title = "Oolong no. " + std::to_string(i + 1);
    p.created_at = p.updated_at = now;
    variant_row v;
    v.id = w.fresh_id_beside(s.id);
    v.store_id = s.id;
    v.product_id = p.id;
    v.sku = "OOL-" + std::to_string(i + 1);
    v.price = plan.price + 100 * i;
    out.variants.push_back({p.id, v.id, p.handle, v.sku, v.price});
    rows.mutations.push_back(insert_product{p});
    rows.mutations.push_back(put_variant{v});
    rows.mutations.push_back(insert_level{{v.id, s.id, 0, 0, plan.backorder, plan.low_stock_threshold}});
    if (plan.stock > 0)
      rows.mutations.push_back(move_stock{v.id, s.id, plan.stock, 0, "initial", {}, s.owner_id, "", now});
  }
  found(w, rows);
  return out;
}

actors::caller sign_up(world& w) {
  user_row u;
  u.id = w.fresh_id();
  u.email = "ada-" + u.id.str() + "@example.com";
  u.name = "Ada";
  u.password_hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
  u.created_at = w.time.now();
  write_set rows;
  rows.shard = u.id.shard();
  rows.mutations.push_back(insert_user{u});
  found(w, rows);
  return signed_in(u.id);
}

actors::caller signed_in(const ulid& user) {
  actors::caller c;
  c.user = user;
  return c;
}

actors::place_order order_of(const actors::caller& by, const shop& from, std::vector<std::pair<std::size_t, std::int64_t>> lines,
                             const std::string& token) {
  actors::place_order c;
  c.by = by;
  c.store_id = from.id;
  for (auto [which, quantity] : lines)
    c.lines.push_back({from.variants.at(which).product, from.variants.at(which).id, quantity});
  c.address = {"Ada Lovelace", "12 St James's Square", "", "Berlin", "", "10115", "DE", ""};
  c.payment = token == "manual" ? actors::payment_method{"manual", ""} : actors::payment_method{"sandbox", token};
  c.email = "ada@example.com";
  return c;
}

std::optional<order_snapshot> order_in(world& w, const ulid& id) {
  auto rows = w.db.dump();
  auto at = rows.orders.find(id);
  if (at == rows.orders.end())
    return std::nullopt;
  order_snapshot out;
  out.order = at->second;
  for (const auto& [key, item] : rows.order_items)
    if (key.first == id)
      out.items.push_back(item);
  for (const auto& [key, r] : rows.reservations)
    if (key.first == id)
      out.reservations.push_back(r);
  for (const auto& [key, p] : rows.payments)
    if (p.order_id == id)
      out.payments.push_back(p);
  return out;
}

level_row level_in(world& w, const ulid& variant) {
  return w.db.dump().levels.at(variant);
}

} // namespace souk::simulation
