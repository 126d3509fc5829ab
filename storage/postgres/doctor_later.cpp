#include "storage/postgres/doctor_checks.hpp"

namespace souk::storage::postgres {

namespace {

// States: order 5 cancelled; payment attempt 5 declined, 7 cancelled, 9 refunded; refund 1 started, 2 pending, 3 succeeded,
// 4 failed; parcel 1 open, 2 shipped, 3 delivered, 4 cancelled; return 1 requested, 2 approved, 3 declined, 4 received, 5 closed,
// 6 cancelled; webhook 1 active; delivery 1 waiting.
const check checks[] = {
  {"no more money goes back than was taken, and it is counted where it was taken",
   {"doctor_refunds", R"(
  SELECT format('payment=%s captured=%s refunded=%s asked=%s done=%s', ulid(p.id), p.captured, p.refunded, coalesce(r.asked, 0),
                coalesce(r.done, 0))
  FROM payments p
  LEFT JOIN (SELECT payment_id, sum(amount) FILTER (WHERE state <> 4) AS asked, sum(amount) FILTER (WHERE state = 3) AS done
             FROM refunds GROUP BY payment_id) r ON r.payment_id = p.id
  WHERE r.asked > p.captured OR (coalesce(r.done, 0) <> p.refunded AND p.state <> 9)
  LIMIT 20)"}},

  {"what went back of an order is the sum of its refunds",
   {"doctor_refunds_of_order", R"(
  SELECT format('order=%s refunded=%s refunds=%s', ulid(o.id), o.refunded, coalesce(r.done, 0))
  FROM orders o LEFT JOIN (SELECT order_id, sum(amount) AS done FROM refunds WHERE state = 3 GROUP BY order_id) r ON r.order_id = o.id
  WHERE o.refunded <> coalesce(r.done, 0) LIMIT 20)"}},

  {"no refund has been under way for more than a day", // providers may take days for a bank transfer, but then they say "pending"
   {"doctor_refunds_stuck", R"(
  SELECT format('refund=%s order=%s since=%s', ulid(id), ulid(order_id), updated_at) FROM refunds
  WHERE state = 1 AND updated_at < clock_timestamp() - interval '1 day' LIMIT 20)"}},

  {"a gift card holds what it was sold for and its history left of it",
   {"doctor_gift_cards", R"(
  SELECT format('gift_card=%s initial=%s balance=%s history=%s', ulid(g.id), g.initial, g.balance, coalesce(h.delta, 0))
  FROM gift_cards g LEFT JOIN (SELECT card_id, sum(delta) AS delta FROM gift_card_history GROUP BY card_id) h ON h.card_id = g.id
  WHERE g.balance <> g.initial + coalesce(h.delta, 0) LIMIT 20)"}},

  {"what gift cards lost for an order is what it was paid with them, without what went back",
   {"doctor_cards_of_orders", R"(
  SELECT format('order=%s gift_card=%s paid=%s history=%s', ulid(order_id), card, coalesce(p.delta, 0), coalesce(h.delta, 0))
  FROM (SELECT order_id, card, sum(delta) AS delta FROM (
          SELECT order_id, method_token AS card, -amount AS delta FROM payments
          WHERE provider = 'gift_card' AND state NOT IN (5, 7)
          UNION ALL
          SELECT r.order_id, p.method_token, r.amount FROM refunds r JOIN payments p ON p.id = r.payment_id
          WHERE p.provider = 'gift_card' AND r.state = 3) x GROUP BY 1, 2) p
  FULL JOIN (SELECT order_id, ulid(card_id) AS card, sum(delta) AS delta FROM gift_card_history WHERE order_id IS NOT NULL
             GROUP BY 1, 2) h USING (order_id, card)
  WHERE coalesce(p.delta, 0) <> coalesce(h.delta, 0) LIMIT 20)"}},

  {"a discount's code is used by as many orders as it says",
   {"doctor_discounts", R"(
  SELECT format('store=%s code=%s used=%s orders=%s', ulid(d.store_id), d.code, d.used, coalesce(u.n, 0))
  FROM discounts d
  LEFT JOIN (SELECT store_id, code, count(*) AS n FROM discount_uses WHERE NOT given_back GROUP BY store_id, code) u
    USING (store_id, code)
  WHERE d.used <> coalesce(u.n, 0) LIMIT 20)"}},

  {"a cancelled order keeps no code", // others may have it
   {"doctor_kept_codes", R"(
  SELECT format('order=%s code=%s', ulid(o.id), u.code) FROM discount_uses u JOIN orders o ON o.id = u.order_id
  WHERE NOT u.given_back AND o.status = 5 LIMIT 20)"}},

  {"no more pieces left or came back than were sold", // back on the shelf by a refund, or with a return
   {"doctor_parcels", R"(
  WITH parcels AS (
    SELECT l.order_id, (x->>'line')::int AS line,
           coalesce(sum((x->>'quantity')::int8) FILTER (WHERE (p->>'state')::int IN (2, 3)), 0) AS pieces
    FROM order_lives l, jsonb_array_elements(l.fulfilments) p, jsonb_array_elements(p->'lines') x GROUP BY 1, 2),
  back AS (
    SELECT order_id, line, sum(pieces) AS pieces FROM (
      SELECT l.order_id, (x->>'line')::int AS line, (x->>'received')::int8 AS pieces
      FROM order_lives l, jsonb_array_elements(l.returns) p, jsonb_array_elements(p->'lines') x
      UNION ALL
      SELECT r.order_id, (x->>'line')::int, CASE WHEN (x->>'restock')::bool THEN (x->>'quantity')::int8 ELSE 0 END
      FROM refunds r, jsonb_array_elements(r.lines) x) y GROUP BY 1, 2)
  SELECT format('order=%s line=%s sold=%s left=%s back=%s', ulid(order_id), line, coalesce(i.quantity::text, 'no such line'),
                coalesce(p.pieces, 0), coalesce(b.pieces, 0))
  FROM parcels p FULL JOIN back b USING (order_id, line) LEFT JOIN order_items i USING (order_id, line)
  WHERE i.quantity IS NULL OR p.pieces > i.quantity OR b.pieces > i.quantity LIMIT 20)"}},

  {"of a return no more came than was announced, and no more is sold again than came",
   {"doctor_returns", R"(
  SELECT format('order=%s return=%s line=%s announced=%s came=%s restocked=%s', ulid(l.order_id), r->>'id', x->>'line',
                x->>'quantity', x->>'received', x->>'restocked')
  FROM order_lives l, jsonb_array_elements(l.returns) r, jsonb_array_elements(r->'lines') x
  WHERE (x->>'received')::int8 NOT BETWEEN 0 AND (x->>'quantity')::int8
     OR (x->>'restocked')::int8 NOT BETWEEN 0 AND (x->>'received')::int8 LIMIT 20)"}},

  {"the refund of a return is one of its order",
   {"doctor_return_refunds", R"(
  SELECT format('order=%s return=%s refund=%s', ulid(l.order_id), r->>'id', r->>'refund_id')
  FROM order_lives l, jsonb_array_elements(l.returns) r
  WHERE r->>'refund_id' <> ''
    AND NOT EXISTS (SELECT FROM refunds f WHERE f.order_id = l.order_id AND ulid(f.id) = r->>'refund_id') LIMIT 20)"}},

  {"an order is listed with open returns if and only if one waits for the merchant",
   {"doctor_returns_open", R"(
  SELECT format('order=%s listed=%s', ulid(l.order_id), l.returns_open) FROM order_lives l
  WHERE l.returns_open <> EXISTS (SELECT FROM jsonb_array_elements(l.returns) r WHERE (r->>'state')::int IN (1, 2, 4)) LIMIT 20)"}},

  {"an order has dealt with a provider's event once",
   {"doctor_heard", R"(
  SELECT format('order=%s provider=%s event=%s times=%s', ulid(l.order_id), h->>'provider', h->>'event_id', count(*))
  FROM order_lives l, jsonb_array_elements(l.heard) h
  GROUP BY l.order_id, h->>'provider', h->>'event_id' HAVING count(*) > 1 LIMIT 20)"}},

  {"a delivery belongs to a webhook of its store, and none waits long past its time",
   {"doctor_deliveries", R"(
  SELECT format('delivery=%s webhook=%s store=%s next=%s', ulid(d.id), ulid(d.webhook_id), ulid(d.store_id), d.next_at)
  FROM webhook_deliveries d LEFT JOIN webhooks w ON w.id = d.webhook_id
  WHERE w.store_id IS DISTINCT FROM d.store_id
     OR (d.state = 1 AND w.state = 1 AND d.next_at < clock_timestamp() - interval '10 minutes') LIMIT 20)"}},
};

} // namespace

std::span<const check> checks_of_later_lives() {
  return checks;
}

} // namespace souk::storage::postgres
