#include "storage/postgres/write_statements.hpp"

namespace souk::storage::postgres::writes {

// -- an order's later life ---------------------------------------------------------------------------------------------------

// The look-up stands for a foreign key to the payment of the same order and store.
const statement insert_refunds{"insert_refunds", R"(
  WITH done AS (
    INSERT INTO refunds (id, order_id, store_id, payment_id, amount, currency, state, lines, reason, note, provider_reference,
                         error_code, by_user, created_at, updated_at)
    SELECT x.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int8[], $6::text[], $7::int2[], $8::jsonb[],
                           $9::text[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::timestamptz[], $15::timestamptz[])
      x(id, order_id, store_id, payment_id, amount, currency, state, lines, reason, note, provider_reference, error_code, by_user,
        created_at, updated_at)
    WHERE EXISTS (SELECT FROM payments p WHERE p.id = x.payment_id AND p.order_id = x.order_id AND p.store_id = x.store_id)
    RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'payments of refunds'))"};

const statement update_refunds{"update_refunds", R"(
  WITH done AS (
    UPDATE refunds t SET state = x.state, provider_reference = x.provider_reference, error_code = x.error_code,
      updated_at = x.updated_at
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int2[], $5::text[], $6::text[], $7::timestamptz[])
      x(id, store_id, order_id, state, provider_reference, error_code, updated_at)
    WHERE t.id = x.id AND t.store_id = x.store_id AND t.order_id = x.order_id RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'refunds'))"};

const statement insert_lives{"insert_lives", R"(
  WITH done AS (
    INSERT INTO order_lives (order_id, store_id, fulfilments, returns, timeline, heard, returns_open, version)
    SELECT x.* FROM unnest($1::uuid[], $2::uuid[], $3::jsonb[], $4::jsonb[], $5::jsonb[], $6::jsonb[], $7::bool[], $8::int8[])
      x(order_id, store_id, fulfilments, returns, timeline, heard, returns_open, version)
    WHERE (SELECT o.store_id FROM orders o WHERE o.id = x.order_id) = x.store_id
    RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'orders of later lives'))"};

const statement update_lives{"update_lives", R"(
  WITH done AS (
    UPDATE order_lives t SET fulfilments = x.fulfilments, returns = x.returns, timeline = x.timeline, heard = x.heard,
      returns_open = x.returns_open, version = x.version
    FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::jsonb[], $5::jsonb[], $6::jsonb[], $7::jsonb[], $8::bool[], $9::int8[])
      x(order_id, store_id, expected, fulfilments, returns, timeline, heard, returns_open, version)
    WHERE t.order_id = x.order_id AND t.store_id = x.store_id AND t.version = x.expected RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'order_lives'))"};

// -- discounts and gift cards ------------------------------------------------------------------------------------------------

const statement insert_discounts{"insert_discounts", R"(
  INSERT INTO discounts (id, store_id, code, active, once_per_customer, usage_limit, rule, version, created_at, updated_at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bool[], $5::bool[], $6::int8[], $7::jsonb[], $8::int8[],
                       $9::timestamptz[], $10::timestamptz[]))"};

const statement update_discounts{"update_discounts", R"(
  WITH done AS (
    UPDATE discounts t SET active = x.active, once_per_customer = x.once_per_customer, usage_limit = x.usage_limit, rule = x.rule,
      version = x.version, updated_at = x.updated_at
    FROM unnest($1::uuid[], $2::text[], $3::int8[], $4::int8[], $5::bool[], $6::bool[], $7::int8[], $8::jsonb[],
                $9::timestamptz[])
      x(store_id, code, expected, version, active, once_per_customer, usage_limit, rule, updated_at)
    WHERE t.store_id = x.store_id AND t.code = x.code AND t.version = x.expected RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'discounts'))"};

// `used` changes exactly with the rows that do: the same order again is nothing.
const statement insert_uses{"insert_uses", R"(
  WITH fresh AS (
    INSERT INTO discount_uses (store_id, code, order_id, customer, once, given_back, at)
    SELECT x.store_id, x.code, x.order_id, x.customer, x.once, x.given_back, x.at
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bool[], $6::bool[], $7::timestamptz[])
      x(store_id, code, order_id, customer, once, given_back, at)
    ON CONFLICT (order_id, code) DO NOTHING
    RETURNING store_id, code, given_back)
  UPDATE discounts t SET used = t.used + x.n
  FROM (SELECT store_id, code, count(*) AS n FROM fresh WHERE NOT given_back GROUP BY store_id, code) x
  WHERE t.store_id = x.store_id AND t.code = x.code)"};

const statement give_uses_back{"give_uses_back", R"(
  WITH back AS (
    UPDATE discount_uses t SET given_back = true
    FROM unnest($1::uuid[], $2::text[], $3::uuid[]) x(store_id, code, order_id)
    WHERE t.order_id = x.order_id AND t.code = x.code AND t.store_id = x.store_id AND NOT t.given_back
    RETURNING t.store_id, t.code)
  UPDATE discounts t SET used = t.used - x.n
  FROM (SELECT store_id, code, count(*) AS n FROM back GROUP BY store_id, code) x
  WHERE t.store_id = x.store_id AND t.code = x.code)"};

const statement insert_gift_cards{"insert_gift_cards", R"(
  INSERT INTO gift_cards (id, store_id, code_hash, last_characters, currency, initial, balance, active, expires_at, note, version,
                          created_at, updated_at)
  SELECT x.id, x.store_id, x.code_hash, x.last_characters, x.currency, x.initial, x.initial, x.active, x.expires_at, x.note,
         x.version, x.created_at, x.updated_at
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::bool[], $8::timestamptz[], $9::text[],
              $10::int8[], $11::timestamptz[], $12::timestamptz[])
    x(id, store_id, code_hash, last_characters, currency, initial, active, expires_at, note, version, created_at, updated_at))"};

const statement update_gift_cards{"update_gift_cards", R"(
  WITH done AS (
    UPDATE gift_cards t SET active = x.active, expires_at = x.expires_at, note = x.note, version = x.version,
      updated_at = x.updated_at
    FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::bool[], $6::timestamptz[], $7::text[], $8::timestamptz[])
      x(id, store_id, expected, version, active, expires_at, note, updated_at)
    WHERE t.id = x.id AND t.store_id = x.store_id AND t.version = x.expected RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'gift_cards'))"};

// One sum per card. The CHECK refuses an overdrawn one whatever anybody believed.
const statement move_gift_cards{"move_gift_cards", R"(
  WITH done AS (
    UPDATE gift_cards t SET balance = t.balance + x.delta FROM unnest($1::uuid[], $2::uuid[], $3::int8[]) x(id, store_id, delta)
    WHERE t.id = x.id AND t.store_id = x.store_id RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'gift_cards'))"};

const statement insert_gift_card_history{"insert_gift_card_history", R"(
  INSERT INTO gift_card_history (card_id, seq, n, store_id, order_id, delta, reason, at)
  SELECT * FROM unnest($1::uuid[], $2::int8[], $3::int4[], $4::uuid[], $5::uuid[], $6::int8[], $7::text[], $8::timestamptz[]))"};

// -- what goes out -----------------------------------------------------------------------------------------------------------

const statement insert_webhooks{"insert_webhooks", R"(
  INSERT INTO webhooks (id, store_id, address, topics, sealed_secret, state, failing_since, version, created_at, updated_at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[], $5::text[], $6::int2[], $7::timestamptz[], $8::int8[],
                       $9::timestamptz[], $10::timestamptz[]))"};

const statement update_webhooks{"update_webhooks", R"(
  WITH done AS (
    UPDATE webhooks t SET address = x.address, topics = x.topics, sealed_secret = x.sealed_secret, state = x.state,
      failing_since = x.failing_since, version = x.version, updated_at = x.updated_at
    FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::text[], $6::jsonb[], $7::text[], $8::int2[],
                $9::timestamptz[], $10::timestamptz[])
      x(id, store_id, expected, version, address, topics, sealed_secret, state, failing_since, updated_at)
    WHERE t.id = x.id AND t.store_id = x.store_id AND t.version = x.expected RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'webhooks'))"};

const statement delete_webhooks{"delete_webhooks", R"(
  DELETE FROM webhooks t USING unnest($1::uuid[], $2::uuid[]) x(id, store_id) WHERE t.id = x.id AND t.store_id = x.store_id)"};

// A webhook may have gone meanwhile: then nobody waits for the event.
const statement insert_deliveries{"insert_deliveries", R"(
  INSERT INTO webhook_deliveries (id, webhook_id, store_id, event_id, topic, payload, state, attempts, next_at, status, error,
                                  took_ms, created_at, updated_at)
  SELECT x.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::int2[], $8::int4[],
                         $9::timestamptz[], $10::int4[], $11::text[], $12::int8[], $13::timestamptz[], $14::timestamptz[])
    x(id, webhook_id, store_id, event_id, topic, payload, state, attempts, next_at, status, error, took_ms, created_at, updated_at)
  WHERE EXISTS (SELECT FROM webhooks w WHERE w.id = x.webhook_id AND w.store_id = x.store_id)
  ON CONFLICT (id) DO NOTHING)"};

const statement update_deliveries{"update_deliveries", R"(
  UPDATE webhook_deliveries t SET state = x.state, attempts = x.attempts, next_at = x.next_at, status = x.status,
    error = x.error, took_ms = x.took_ms, updated_at = x.updated_at
  FROM unnest($1::uuid[], $2::uuid[], $3::int2[], $4::int4[], $5::timestamptz[], $6::int4[], $7::text[], $8::int8[],
              $9::timestamptz[])
    x(id, store_id, state, attempts, next_at, status, error, took_ms, updated_at)
  WHERE t.id = x.id AND t.store_id = x.store_id)"};

const statement put_templates{"put_templates", R"(
  INSERT INTO mail_templates (store_id, name, language, subject, html, text, updated_at)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
  ON CONFLICT (store_id, name, language) DO UPDATE SET subject = EXCLUDED.subject, html = EXCLUDED.html, text = EXCLUDED.text,
    updated_at = EXCLUDED.updated_at)"};

const statement delete_templates{"delete_templates", R"(
  DELETE FROM mail_templates t USING unnest($1::uuid[], $2::text[], $3::text[]) x(store_id, name, language)
  WHERE t.store_id = x.store_id AND t.name = x.name AND t.language = x.language)"};

const statement put_suppressions{"put_suppressions", R"(
  INSERT INTO mail_suppressions (store_id, email, reason, at)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::int2[], $4::timestamptz[])
  ON CONFLICT (store_id, email) DO UPDATE SET reason = EXCLUDED.reason, at = EXCLUDED.at)"};

const statement delete_suppressions{"delete_suppressions", R"(
  DELETE FROM mail_suppressions t USING unnest($1::uuid[], $2::text[]) x(store_id, email)
  WHERE t.store_id = x.store_id AND t.email = x.email)"};

const statement put_mails{"put_mails", R"(
  INSERT INTO mails (id, store_id, event_id, name, email, subject_id, state, provider_reference, error, at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::int2[], $8::text[], $9::text[],
                       $10::timestamptz[])
  ON CONFLICT (id) DO UPDATE SET state = EXCLUDED.state, provider_reference = EXCLUDED.provider_reference, error = EXCLUDED.error,
    at = EXCLUDED.at)"};

} // namespace souk::storage::postgres::writes
