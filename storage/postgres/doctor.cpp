#include "storage/postgres/doctor.hpp"

#include "storage/postgres/doctor_session.hpp"

#include <algorithm>

namespace souk::storage::postgres {

namespace {

/// A query that finds violations: rows of one text column. Empty is well.
struct check {
  const char* sentence;
  statement query;
};

// States: reservation 1 held, 2 pinned, 3 claimed, 4 released; order 1 pending, 2 paid, 3 shipped, 4 delivered, 5 cancelled,
// 6 refunded; payment attempt 1 started, 2 pending, 3 requires_action, 4 succeeded, 5 declined, 6 cancelling, 7 cancelled,
// 8 refunding, 9 refunded; residence of a shard 1 here, 2 elsewhere, 3 moving, 4 quarantined. Every query ends with the limit of
// rows to show.
const check checks[] = {
  {"reserved is the sum of a variant's open reservations",
   {"doctor_reserved", R"(
  SELECT format('variant=%s store=%s reserved=%s open=%s', ulid(l.variant_id), ulid(l.store_id), l.reserved, coalesce(r.open, 0))
  FROM inventory_levels l
  LEFT JOIN (SELECT variant_id, sum(quantity) AS open FROM reservations WHERE state < 3 GROUP BY variant_id) r USING (variant_id)
  WHERE l.reserved <> coalesce(r.open, 0) LIMIT 20)"}},

  {"no reservation is open for a variant without a level",
   {"doctor_levels", R"(
  SELECT format('order=%s variant=%s', ulid(r.order_id), ulid(r.variant_id)) FROM reservations r
  WHERE r.state < 3 AND NOT EXISTS (SELECT FROM inventory_levels l WHERE l.variant_id = r.variant_id) LIMIT 20)"}},

  {"on hand and reserved are the sums of the ledger",
   {"doctor_ledger", R"(
  SELECT format('variant=%s store=%s on_hand=%s ledger=%s reserved=%s ledger=%s', ulid(l.variant_id), ulid(l.store_id), l.on_hand,
                coalesce(h.on_hand, 0), l.reserved, coalesce(h.reserved, 0))
  FROM inventory_levels l
  LEFT JOIN (SELECT variant_id, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved FROM inventory_history
             GROUP BY variant_id) h USING (variant_id)
  WHERE l.on_hand <> coalesce(h.on_hand, 0) OR l.reserved <> coalesce(h.reserved, 0) LIMIT 20)"}},

  {"nothing is oversold: 0 <= reserved <= on hand, unless the variant allows back-orders",
   {"doctor_bounds", R"(
  SELECT format('variant=%s on_hand=%s reserved=%s', ulid(variant_id), on_hand, reserved) FROM inventory_levels
  WHERE reserved < 0 OR (NOT backorder AND (reserved > on_hand OR on_hand < 0)) LIMIT 20)"}},

  {"an order is paid at most once",
   {"doctor_paid_once", R"(
  SELECT format('order=%s payments=%s', ulid(order_id), count(*)) FROM payments WHERE state = 4
  GROUP BY order_id HAVING count(*) > 1 LIMIT 20)"}},

  {"money that was taken belongs to an order that is paid, shipped, delivered or refunded",
   {"doctor_money_without_order", R"(
  SELECT format('payment=%s order=%s status=%s', ulid(p.id), ulid(p.order_id), o.status)
  FROM payments p LEFT JOIN orders o ON o.id = p.order_id
  WHERE p.state = 4 AND (o.status IS NULL OR o.status NOT IN (2, 3, 4, 6)) LIMIT 20)"}},

  {"an order that is paid, shipped or delivered has its money, and it is the order's total",
   {"doctor_order_without_money", R"(
  SELECT format('order=%s status=%s total=%s payment=%s amount=%s', ulid(o.id), o.status, o.total, ulid(p.id), p.amount)
  FROM orders o LEFT JOIN payments p ON p.order_id = o.id AND p.state = 4
  WHERE o.status IN (2, 3, 4) AND o.total > 0 AND (p.id IS NULL OR p.amount <> o.total OR p.currency <> o.currency OR o.payment <> 2)
  LIMIT 20)"}},

  {"an order's reservations are claimed if and only if it was paid",
   {"doctor_claimed", R"(
  SELECT format('order=%s status=%s variant=%s reservation=%s', ulid(o.id), o.status, ulid(r.variant_id), r.state)
  FROM orders o JOIN reservations r ON r.order_id = o.id
  WHERE (o.status IN (2, 3, 4) AND r.state <> 3) OR (o.status IN (1, 5) AND r.state = 3) LIMIT 20)"}},

  {"a cancelled or refunded order holds no stock",
   {"doctor_held_for_nobody", R"(
  SELECT format('order=%s status=%s variant=%s', ulid(o.id), o.status, ulid(r.variant_id))
  FROM reservations r JOIN orders o ON o.id = r.order_id
  WHERE r.state < 3 AND o.status IN (5, 6)
    AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND p.state IN (6, 8)) LIMIT 20)"}},

  {"every reservation belongs to an order",
   {"doctor_orphans", R"(
  SELECT format('order=%s variant=%s', ulid(r.order_id), ulid(r.variant_id)) FROM reservations r
  WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = r.order_id) LIMIT 20)"}},

  {"no reservation is held past its deadline by more than 10 seconds",
   {"doctor_overdue", R"(
  SELECT format('order=%s variant=%s deadline=%s', ulid(order_id), ulid(variant_id), deadline) FROM reservations
  WHERE state = 1 AND deadline < clock_timestamp() - interval '10 seconds' LIMIT 20)"}},

  {"no payment attempt has been under way for more than 30 minutes",
   {"doctor_stuck", R"(
  SELECT format('payment=%s order=%s state=%s since=%s', ulid(id), ulid(order_id), state, updated_at) FROM payments
  WHERE state IN (1, 2, 6, 8) AND updated_at < clock_timestamp() - interval '30 minutes' LIMIT 20)"}},

  {"a store's order numbers start at 1001 and have no gaps",
   {"doctor_numbers", R"(
  SELECT format('store=%s orders=%s first=%s last=%s next=%s', ulid(c.store_id), coalesce(o.n, 0), o.low, o.high,
                c.next_order_number)
  FROM store_counters c
  LEFT JOIN (SELECT store_id, count(*) AS n, min(number) AS low, max(number) AS high FROM orders GROUP BY store_id) o
    USING (store_id)
  WHERE c.next_order_number <> 1001 + coalesce(o.n, 0) OR coalesce(o.low, 1001) <> 1001
     OR coalesce(o.high, 1000) <> c.next_order_number - 1 LIMIT 20)"}},

  {"an order's total is its lines, shipping and tax",
   {"doctor_totals", R"(
  SELECT format('order=%s lines=%s subtotal=%s shipping=%s taxes=%s tax=%s total=%s', ulid(o.id), coalesce(i.lines, 0), o.subtotal,
                o.shipping, coalesce(i.taxes, 0), o.tax, o.total)
  FROM orders o
  LEFT JOIN (SELECT order_id, sum(total) AS lines, sum(tax) AS taxes, bool_and(total = quantity * unit_price) AS multiplied
             FROM order_items GROUP BY order_id) i ON i.order_id = o.id
  WHERE o.subtotal <> coalesce(i.lines, 0) OR o.tax <> coalesce(i.taxes, 0) OR NOT coalesce(i.multiplied, true)
     OR o.total NOT IN (o.subtotal + o.shipping, o.subtotal + o.shipping + o.tax) LIMIT 20)"}},

  {"every row of a store lies in the store's shard",
   {"doctor_shards", R"(
  SELECT format('%s=%s store=%s', kind, ulid(id), ulid(store_id)) FROM (
    SELECT 'product' AS kind, id, store_id FROM products UNION ALL SELECT 'variant', id, store_id FROM product_variants
    UNION ALL SELECT 'order', id, store_id FROM orders UNION ALL SELECT 'cart', id, store_id FROM carts
    UNION ALL SELECT 'payment', id, store_id FROM payments UNION ALL SELECT 'review', id, store_id FROM reviews
    UNION ALL SELECT 'import', id, store_id FROM imports
    UNION ALL SELECT 'reservation of', order_id, store_id FROM reservations
    UNION ALL SELECT 'line of', order_id, store_id FROM order_items
    UNION ALL SELECT 'key of', order_id, store_id FROM idempotency_keys
    UNION ALL SELECT 'ledger line of', variant_id, store_id FROM inventory_history) x
  WHERE shard_of(id) <> shard_of(store_id) LIMIT 20)"}},

  {"every row belongs to the same store as what it refers to",
   {"doctor_tenants", R"(
  SELECT format('%s=%s store=%s but %s', kind, ulid(x.id), ulid(x.store_id), coalesce(ulid(parent), 'none')) FROM (
    SELECT 'variant' AS kind, c.id, c.store_id, p.store_id AS parent FROM product_variants c LEFT JOIN products p ON p.id = c.product_id
    UNION ALL SELECT 'level of', c.variant_id, c.store_id, p.store_id FROM inventory_levels c LEFT JOIN product_variants p ON p.id = c.variant_id
    UNION ALL SELECT 'ledger line of', c.variant_id, c.store_id, p.store_id FROM inventory_history c LEFT JOIN product_variants p ON p.id = c.variant_id
    UNION ALL SELECT 'order', c.id, c.store_id, p.id FROM orders c LEFT JOIN stores p ON p.id = c.store_id
    UNION ALL SELECT 'line of', c.order_id, c.store_id, p.store_id FROM order_items c LEFT JOIN orders p ON p.id = c.order_id
    UNION ALL SELECT 'line of', c.order_id, c.store_id, p.store_id FROM order_items c LEFT JOIN product_variants p ON p.id = c.variant_id
    UNION ALL SELECT 'reservation of', c.order_id, c.store_id, p.store_id FROM reservations c LEFT JOIN orders p ON p.id = c.order_id
    UNION ALL SELECT 'reservation of', c.order_id, c.store_id, p.store_id FROM reservations c LEFT JOIN inventory_levels p ON p.variant_id = c.variant_id
    UNION ALL SELECT 'payment', c.id, c.store_id, p.store_id FROM payments c LEFT JOIN orders p ON p.id = c.order_id
    UNION ALL SELECT 'review', c.id, c.store_id, p.store_id FROM reviews c LEFT JOIN products p ON p.id = c.product_id
    UNION ALL SELECT 'cart', c.id, c.store_id, p.id FROM carts c LEFT JOIN stores p ON p.id = c.store_id) x
  WHERE x.store_id IS DISTINCT FROM parent LIMIT 20)"}},

  {"ratings and helpful votes are what the reviews and votes say",
   {"doctor_ratings", R"(
  SELECT format('product=%s count=%s reviews=%s sum=%s ratings=%s', ulid(product_id), g.count, r.n, g.sum, r.ratings)
  FROM product_ratings g
  FULL JOIN (SELECT product_id, count(*) AS n, sum(rating) AS ratings FROM reviews GROUP BY product_id) r USING (product_id)
  WHERE g.count IS DISTINCT FROM r.n OR g.sum IS DISTINCT FROM r.ratings
  UNION ALL
  SELECT format('review=%s helpful=%s votes=%s', ulid(r.id), r.helpful, coalesce(v.n, 0)) FROM reviews r
  LEFT JOIN (SELECT review_id, count(*) AS n FROM review_votes GROUP BY review_id) v ON v.review_id = r.id
  WHERE r.helpful < coalesce(v.n, 0) LIMIT 20)"}},

  {"a cart lists each variant once",
   {"doctor_carts", R"(
  SELECT format('cart=%s variant=%s', ulid(c.id), l->>'variant_id') FROM carts c, jsonb_array_elements(c.lines) l
  GROUP BY c.id, l->>'variant_id' HAVING count(*) > 1 LIMIT 20)"}},

  {"an idempotency key names an order of its store",
   {"doctor_keys", R"(
  SELECT format('store=%s key=%s order=%s', ulid(k.store_id), k.key, ulid(k.order_id)) FROM idempotency_keys k
  WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = k.order_id AND o.store_id = k.store_id) LIMIT 20)"}},

  {"events and ledger lines are no further than their shard",
   {"doctor_seq", R"(
  SELECT format('outbox shard=%s seq=%s shard_seq=%s', s.shard, e.seq, s.seq) FROM shards s
  JOIN (SELECT shard, max(seq) AS seq FROM outbox GROUP BY shard) e USING (shard) WHERE e.seq > s.seq
  UNION ALL
  SELECT format('ledger shard=%s seq=%s shard_seq=%s', s.shard, h.seq, s.seq) FROM shards s
  JOIN (SELECT shard_of(variant_id) AS shard, max(seq) AS seq FROM inventory_history GROUP BY 1) h ON h.shard = s.shard
  WHERE h.seq > s.seq LIMIT 20)"}},

  {"no shard is quarantined", // what was committed is missing: nobody serves it until an operator has decided
   {"doctor_quarantined", R"(
  SELECT format('shard=%s epoch=%s seq=%s', shard, epoch, seq) FROM shards WHERE residence = 4 ORDER BY shard LIMIT 20)"}},

  {"a shard that is elsewhere or quarantined has no owner",
   {"doctor_owned_elsewhere", R"(
  SELECT format('shard=%s residence=%s owner=%s (%s)', shard, residence, ulid(owner), owner_name) FROM shards
  WHERE residence IN (2, 4) AND owner IS NOT NULL ORDER BY shard LIMIT 20)"}},

  {"an event lies in the shard of what it is about",
   {"doctor_events", R"(
  SELECT format('shard=%s seq=%s n=%s subject=%s', shard, seq, n, ulid(subject)) FROM outbox WHERE shard_of(subject) <> shard
  LIMIT 20)"}},

  {"the events of a commit are numbered without gaps", // those that every consumer has passed may be pruned already
   {"doctor_outbox", R"(
  SELECT format('shard=%s seq=%s events=%s last=%s', shard, seq, count(*), max(n)) FROM outbox e
  WHERE NOT EXISTS (SELECT FROM outbox_cursors c WHERE c.shard = e.shard AND c.seq >= e.seq)
  GROUP BY shard, seq HAVING max(n) <> count(*) - 1 OR min(n) <> 0 LIMIT 20)"}},

  {"no consumer is ahead of the events",
   {"doctor_cursors", R"(
  SELECT format('consumer=%s shard=%s seq=%s shard_seq=%s', c.consumer, c.shard, c.seq, s.seq)
  FROM outbox_cursors c JOIN shards s USING (shard) WHERE c.seq > s.seq LIMIT 20)"}},
};

} // namespace

namespace {

std::vector<finding> examine_shards(const database& db, const std::vector<shard_id>& shards, std::chrono::milliseconds limit) {
  using clock = std::chrono::steady_clock;
  const auto reader = doctor_session(db, shards, limit);
  std::vector<finding> out;
  for (const auto& c : checks) {
    const auto begin = clock::now();
    const auto r = reader->read(c.query, {});
    finding f;
    f.check = c.sentence;
    f.ok = r.rows() == 0;
    for (int i = 0; i < r.rows(); ++i)
      f.rows.push_back(r.text(i, 0));
    f.took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begin);
    out.push_back(std::move(f));
  }
  return out;
}

} // namespace

std::vector<finding> examine(const database& db, std::chrono::milliseconds limit) {
  for (int attempt = 1;; ++attempt) {
    const auto shards = residents(db);
    auto out = examine_shards(db, shards, limit);
    const bool well = std::all_of(out.begin(), out.end(), [](const finding& f) { return f.ok; });
    // A shard that left meanwhile leaves pieces behind, which prove nothing.
    if (well || attempt == 3 || residents(db) == shards)
      return out;
  }
}

} // namespace souk::storage::postgres
