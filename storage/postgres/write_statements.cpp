#include "storage/postgres/write_statements.hpp"

namespace souk::storage::postgres::writes {

const statement fence{"fence", "SELECT souk_fence($1::int2[], $2::int8[], $3::int8[])"};

const statement retake{"retake", "SELECT shard, ours, epoch, seq FROM souk_retake($1::int2[], $2::int8[], $3::uuid)"};

// -- users -------------------------------------------------------------------------------------------------------------------

const statement insert_users{"insert_users", R"(
  INSERT INTO users (id, kind, email, name, password_hash, version, created_at)
  SELECT * FROM unnest($1::uuid[], $2::int2[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::timestamptz[]))"};

const statement update_users{"update_users", R"(
  WITH done AS (
    UPDATE users t SET kind = x.kind, email = x.email, name = x.name, password_hash = x.password_hash, version = x.version
    FROM unnest($1::uuid[], $2::int8[], $3::int8[], $4::int2[], $5::text[], $6::text[], $7::text[])
      x(id, expected, version, kind, email, name, password_hash)
    WHERE t.id = x.id AND t.version = x.expected RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'users'))"};

const statement insert_sessions{"insert_sessions", R"(
  INSERT INTO sessions (hash, user_id, kind, store_id, label, created_at, expires_at)
  SELECT * FROM unnest($1::bytea[], $2::uuid[], $3::int2[], $4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[]))"};

const statement delete_sessions{"delete_sessions", R"(
  DELETE FROM sessions t USING unnest($1::bytea[], $2::uuid[]) x(hash, user_id)
  WHERE t.hash = x.hash AND t.user_id = x.user_id)"};

const statement put_user_carts{"put_user_carts", R"(
  INSERT INTO user_carts (user_id, store_id, cart_id, touched_at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[])
  ON CONFLICT (user_id, store_id) DO UPDATE SET cart_id = EXCLUDED.cart_id, touched_at = EXCLUDED.touched_at
    WHERE user_carts.touched_at < EXCLUDED.touched_at)"};

const statement delete_user_carts{"delete_user_carts", R"(
  DELETE FROM user_carts t USING unnest($1::uuid[], $2::uuid[]) x(user_id, store_id)
  WHERE t.user_id = x.user_id AND t.store_id = x.store_id)"};

const statement put_user_orders{"put_user_orders", R"(
  INSERT INTO user_orders (user_id, order_id, store_id, placed_at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[]) ON CONFLICT DO NOTHING)"};

// -- stores and catalog --------------------------------------------------------------------------------------------------------

const statement insert_stores{"insert_stores", R"(
  INSERT INTO stores (id, owner_id, name, slug, currency, tax_rate_ppm, tax_inclusive, shipping_zones, logo_url, description,
                      status, version, created_at, updated_at, settings)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int4[], $7::bool[], $8::jsonb[],
                       $9::text[], $10::text[], $11::int2[], $12::int8[], $13::timestamptz[], $14::timestamptz[], $15::jsonb[]))"};

const statement insert_counters{"insert_counters", "INSERT INTO store_counters (store_id) SELECT unnest($1::uuid[])"};

const statement update_stores{"update_stores", R"(
  WITH done AS (
    UPDATE stores t SET name = x.name, slug = x.slug, currency = x.currency, tax_rate_ppm = x.tax_rate_ppm,
      tax_inclusive = x.tax_inclusive, shipping_zones = x.shipping_zones, logo_url = x.logo_url, description = x.description,
      status = x.status, version = x.version, updated_at = x.updated_at, settings = x.settings
    FROM unnest($1::uuid[], $2::int8[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::int4[], $8::bool[], $9::jsonb[],
                $10::text[], $11::text[], $12::int2[], $13::timestamptz[], $14::jsonb[])
      x(id, expected, version, name, slug, currency, tax_rate_ppm, tax_inclusive, shipping_zones, logo_url, description, status,
        updated_at, settings)
    WHERE t.id = x.id AND t.version = x.expected RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'stores'))"};

const statement insert_products{"insert_products", R"(
  INSERT INTO products (id, store_id, handle, title, description, vendor, category, product_type, tags, status, options, images,
                        seo_title, seo_description, version, created_at, updated_at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                       $9::jsonb[], $10::int2[], $11::jsonb[], $12::jsonb[], $13::text[], $14::text[], $15::int8[],
                       $16::timestamptz[], $17::timestamptz[]))"};

// Two products that exchange handles would collide half way; so would a new product that takes a handle just given up.
const statement park_handles{"park_handles", R"(
  UPDATE products t SET handle = '~' || t.id FROM unnest($1::uuid[], $2::text[]) x(id, handle)
  WHERE t.id = x.id AND t.handle <> x.handle)"};

const statement update_products{"update_products", R"(
  WITH done AS (
    UPDATE products t SET handle = x.handle, title = x.title, description = x.description, vendor = x.vendor,
      category = x.category, product_type = x.product_type, tags = x.tags, status = x.status, options = x.options,
      images = x.images, seo_title = x.seo_title, seo_description = x.seo_description, version = x.version,
      updated_at = x.updated_at
    FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                $10::text[], $11::jsonb[], $12::int2[], $13::jsonb[], $14::jsonb[], $15::text[], $16::text[], $17::timestamptz[])
      x(id, store_id, expected, version, handle, title, description, vendor, category, product_type, tags, status, options,
        images, seo_title, seo_description, updated_at)
    WHERE t.id = x.id AND t.store_id = x.store_id AND t.version = x.expected RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'products'))"};

// As with handles: variants that pass a SKU on must let go of it first.
const statement blank_skus{"blank_skus", R"(
  UPDATE product_variants t SET sku = '' FROM unnest($1::uuid[], $2::text[], $3::bool[]) x(id, sku, removed)
  WHERE t.id = x.id AND t.sku <> '' AND (t.sku <> x.sku OR x.removed))"};

const statement put_variants{"put_variants", R"(
  WITH done AS (
    INSERT INTO product_variants AS t (id, store_id, product_id, position, sku, barcode, option_values, price, compare_at, grams,
                                       attributes, requires_shipping, taxable, removed, image_url)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int4[], $5::text[], $6::text[], $7::jsonb[], $8::int8[],
                         $9::int8[], $10::int8[], $11::json[], $12::bool[], $13::bool[], $14::bool[], $15::text[])
    ON CONFLICT (id) DO UPDATE SET position = EXCLUDED.position, sku = EXCLUDED.sku,
      barcode = EXCLUDED.barcode, option_values = EXCLUDED.option_values, price = EXCLUDED.price,
      compare_at = EXCLUDED.compare_at, grams = EXCLUDED.grams, attributes = EXCLUDED.attributes,
      requires_shipping = EXCLUDED.requires_shipping, taxable = EXCLUDED.taxable, removed = EXCLUDED.removed,
      image_url = EXCLUDED.image_url
      WHERE t.store_id = EXCLUDED.store_id AND t.product_id = EXCLUDED.product_id
    RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'product_variants'))"};

// -- stock -----------------------------------------------------------------------------------------------------------------------

const statement insert_levels{"insert_levels", R"(
  INSERT INTO inventory_levels (variant_id, store_id, on_hand, reserved, backorder, low_stock_threshold)
  SELECT x.variant_id, x.store_id, 0, 0, x.backorder, x.threshold
  FROM unnest($1::uuid[], $2::uuid[], $3::bool[], $4::int8[]) x(variant_id, store_id, backorder, threshold))"};

// One sum per variant. The CHECKs of inventory_levels refuse an oversell whatever anybody believed.
const statement move_stock{"move_stock", R"(
  WITH done AS (
    UPDATE inventory_levels t SET on_hand = t.on_hand + x.on_hand, reserved = t.reserved + x.reserved
    FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[]) x(variant_id, store_id, on_hand, reserved)
    WHERE t.variant_id = x.variant_id AND t.store_id = x.store_id RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'inventory_levels'))"};

// Policy and stock of a variant change in one statement, because a CHECK ties them.
const statement move_stock_and_policy{"move_stock_and_policy", R"(
  WITH done AS (
    UPDATE inventory_levels t SET on_hand = t.on_hand + x.on_hand, reserved = t.reserved + x.reserved,
      backorder = x.backorder, low_stock_threshold = x.threshold
    FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::bool[], $6::int8[])
      x(variant_id, store_id, on_hand, reserved, backorder, threshold)
    WHERE t.variant_id = x.variant_id AND t.store_id = x.store_id RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'inventory_levels'))"};

const statement insert_history{"insert_history", R"(
  INSERT INTO inventory_history (variant_id, seq, n, store_id, on_hand_delta, reserved_delta, reason, order_id, by_user, note, at)
  SELECT * FROM unnest($1::uuid[], $2::int8[], $3::int4[], $4::uuid[], $5::int8[], $6::int8[], $7::text[], $8::uuid[],
                       $9::uuid[], $10::text[], $11::timestamptz[]))"};

// The look-ups stand for foreign keys to the order and the level of the same store: cheaper than a trigger per row.
const statement insert_reservations{"insert_reservations", R"(
  WITH done AS (
    INSERT INTO reservations (order_id, variant_id, store_id, quantity, state, deadline)
    SELECT x.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::int2[], $6::timestamptz[])
      x(order_id, variant_id, store_id, quantity, state, deadline)
    WHERE (SELECT o.store_id FROM orders o WHERE o.id = x.order_id) = x.store_id
      AND (SELECT l.store_id FROM inventory_levels l WHERE l.variant_id = x.variant_id) = x.store_id
    RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'orders and levels of reservations'))"};

// An order may reserve again what it released (money that came late); nothing else may replace a reservation.
const statement replace_reservations{"replace_reservations", R"(
  WITH done AS (
    INSERT INTO reservations AS t (order_id, variant_id, store_id, quantity, state, deadline)
    SELECT x.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::int2[], $6::timestamptz[])
      x(order_id, variant_id, store_id, quantity, state, deadline)
    WHERE (SELECT o.store_id FROM orders o WHERE o.id = x.order_id) = x.store_id
      AND (SELECT l.store_id FROM inventory_levels l WHERE l.variant_id = x.variant_id) = x.store_id
    ON CONFLICT (order_id, variant_id) DO UPDATE SET quantity = EXCLUDED.quantity, state = EXCLUDED.state,
      deadline = EXCLUDED.deadline WHERE t.state = 4 AND t.store_id = EXCLUDED.store_id
    RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'reservations'))"};

const statement set_reservations{"set_reservations", R"(
  UPDATE reservations t SET state = x.state, deadline = coalesce(x.deadline, t.deadline)
  FROM unnest($1::uuid[], $2::uuid[], $3::int2[], $4::timestamptz[]) x(order_id, store_id, state, deadline)
  WHERE t.order_id = x.order_id AND t.store_id = x.store_id AND t.state < 3)"};

// -- carts and orders ---------------------------------------------------------------------------------------------------------------

const statement insert_carts{"insert_carts", R"(
  INSERT INTO carts (id, store_id, user_id, lines, version, updated_at, expires_at, reminded_at, expires_day)
  SELECT x.*, (x.expires_at AT TIME ZONE 'UTC')::date
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::jsonb[], $5::int8[], $6::timestamptz[], $7::timestamptz[],
              $8::timestamptz[])
    x(id, store_id, user_id, lines, version, updated_at, expires_at, reminded_at))"};

const statement update_carts{"update_carts", R"(
  WITH done AS (
    UPDATE carts t SET lines = x.lines, version = x.version, updated_at = x.updated_at, expires_at = x.expires_at,
      expires_day = (x.expires_at AT TIME ZONE 'UTC')::date, reminded_at = x.reminded_at
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::int8[], $6::jsonb[], $7::timestamptz[], $8::timestamptz[],
                $9::timestamptz[])
      x(id, store_id, user_id, expected, version, lines, updated_at, expires_at, reminded_at)
    WHERE t.id = x.id AND t.store_id = x.store_id AND t.user_id = x.user_id AND t.version = x.expected RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'carts'))"};

const statement delete_carts{"delete_carts", R"(
  DELETE FROM carts t USING unnest($1::uuid[], $2::uuid[]) x(id, store_id) WHERE t.id = x.id AND t.store_id = x.store_id)"};

// A store's numbers are drawn in two steps: its row moves on by the number of its orders in this batch, then each order counts
// back from there. A store without a counter gives null, which the column refuses.
const statement draw_numbers{"draw_numbers", R"(
  UPDATE store_counters c SET next_order_number = c.next_order_number + x.n FROM unnest($1::uuid[], $2::int8[]) x(store_id, n)
  WHERE c.store_id = x.store_id)"};

const statement insert_orders{"insert_orders", R"(
  INSERT INTO orders (id, store_id, user_id, number, status, payment, currency, subtotal, shipping, tax, total, address,
                      shipping_method, email, note, version, created_at, updated_at, discount, gift_card, refunded, fulfilment,
                      language, recovered, pricing)
  SELECT x.id, x.store_id, x.user_id, (SELECT c.next_order_number FROM store_counters c WHERE c.store_id = x.store_id) - x.back,
         x.status, x.payment, x.currency, x.subtotal, x.shipping, x.tax, x.total, x.address, x.shipping_method, x.email, x.note,
         x.version, x.created_at, x.updated_at, x.discount, x.gift_card, x.refunded, x.fulfilment, x.language, x.recovered,
         x.pricing
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int2[], $5::int2[], $6::text[], $7::int8[], $8::int8[], $9::int8[],
              $10::int8[], $11::json[], $12::text[], $13::text[], $14::text[], $15::int8[], $16::timestamptz[],
              $17::timestamptz[], $18::int8[], $19::int8[], $20::int8[], $21::int2[], $22::text[], $23::bool[], $24::json[],
              $25::int8[])
    x(id, store_id, user_id, status, payment, currency, subtotal, shipping, tax, total, address, shipping_method, email, note,
      version, created_at, updated_at, discount, gift_card, refunded, fulfilment, language, recovered, pricing, back)
  RETURNING id, number)"};

const statement insert_items{"insert_items", R"(
  INSERT INTO order_items (order_id, line, store_id, product_id, variant_id, sku, title, variant_title, quantity, unit_price, tax,
                           total, discount, tax_rate_ppm, grams, requires_shipping)
  SELECT * FROM unnest($1::uuid[], $2::int4[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::int8[],
                       $10::int8[], $11::int8[], $12::int8[], $13::int8[], $14::int4[], $15::int8[], $16::bool[]))"};

// IS TRUE keeps the store out of the index search: while the table was small when it was last analyzed, or never was, the planner
// takes the index of order numbers and reads all orders of the store, for a third of the database's time in the first minute.
const statement update_orders{"update_orders", R"(
  WITH done AS (
    UPDATE orders t SET status = x.status, payment = x.payment, note = x.note, carrier = x.carrier,
      tracking_number = x.tracking_number, tracking_url = x.tracking_url, updated_at = x.updated_at, version = x.version,
      refunded = x.refunded, fulfilment = x.fulfilment
    FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::int2[], $6::int2[], $7::text[], $8::text[], $9::text[],
                $10::text[], $11::timestamptz[], $12::int8[], $13::int2[])
      x(id, store_id, expected, version, status, payment, note, carrier, tracking_number, tracking_url, updated_at, refunded,
        fulfilment)
    WHERE t.id = x.id AND (t.store_id = x.store_id) IS TRUE AND t.version = x.expected RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'orders'))"};

// -- payments and keys --------------------------------------------------------------------------------------------------------------

// The look-up stands for a foreign key on (store_id, order_id), without the index it would need on orders.
const statement insert_payments{"insert_payments", R"(
  WITH done AS (
    INSERT INTO payments (id, order_id, store_id, provider, method_token, amount, currency, state, provider_reference, error_code,
                          action_url, created_at, updated_at, captured, refunded)
    SELECT x.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::int8[], $7::text[], $8::int2[],
                           $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::int8[], $15::int8[])
      x(id, order_id, store_id, provider, method_token, amount, currency, state, provider_reference, error_code, action_url,
        created_at, updated_at, captured, refunded)
    WHERE (SELECT o.store_id FROM orders o WHERE o.id = x.order_id) = x.store_id
    RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'orders of payments'))"};

const statement update_payments{"update_payments", R"(
  WITH done AS (
    UPDATE payments t SET state = x.state, provider_reference = x.provider_reference, error_code = x.error_code,
      action_url = x.action_url, updated_at = x.updated_at, captured = x.captured, refunded = x.refunded
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int2[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
                $9::int8[], $10::int8[])
      x(id, store_id, order_id, state, provider_reference, error_code, action_url, updated_at, captured, refunded)
    WHERE t.id = x.id AND t.store_id = x.store_id AND t.order_id = x.order_id RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'payments'))"};

const statement insert_keys{"insert_keys", R"(
  INSERT INTO idempotency_keys (store_id, caller, key, body_hash, order_id, at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::uuid[], $6::timestamptz[]))"};

// -- reviews -------------------------------------------------------------------------------------------------------------------------

const statement insert_reviews{"insert_reviews", R"(
  INSERT INTO reviews (id, product_id, store_id, user_id, author, rating, comment, verified, helpful, created_at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::int4[], $7::text[], $8::bool[], $9::int8[],
                       $10::timestamptz[]))"};

const statement add_ratings{"add_ratings", R"(
  INSERT INTO product_ratings AS t (product_id, store_id, count, sum)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[])
  ON CONFLICT (product_id) DO UPDATE SET count = t.count + EXCLUDED.count, sum = t.sum + EXCLUDED.sum)"};

const statement insert_votes{"insert_votes", R"(
  INSERT INTO review_votes (review_id, user_id, store_id, product_id)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]))"};

const statement add_helpful{"add_helpful", R"(
  WITH done AS (
    UPDATE reviews t SET helpful = t.helpful + x.n
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int8[]) x(id, store_id, product_id, n)
    WHERE t.id = x.id AND t.store_id = x.store_id AND t.product_id = x.product_id RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'reviews'))"};

// -- imports and events -----------------------------------------------------------------------------------------------------------------

const statement insert_imports{"insert_imports", R"(
  INSERT INTO imports (id, store_id, status, products, variants, errors, created_at, updated_at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int2[], $4::int8[], $5::int8[], $6::jsonb[], $7::timestamptz[],
                       $8::timestamptz[]))"};

const statement update_imports{"update_imports", R"(
  WITH done AS (
    UPDATE imports t SET status = x.status, products = x.products, variants = x.variants, errors = x.errors,
      updated_at = x.updated_at
    FROM unnest($1::uuid[], $2::uuid[], $3::int2[], $4::int8[], $5::int8[], $6::jsonb[], $7::timestamptz[])
      x(id, store_id, status, products, variants, errors, updated_at)
    WHERE t.id = x.id AND t.store_id = x.store_id RETURNING 1)
  SELECT souk_expect((SELECT count(*) FROM done), cardinality($1), 'imports'))"};

const statement insert_outbox{"insert_outbox", R"(
  INSERT INTO outbox (shard, seq, n, store_id, topic, subject, payload, at)
  SELECT * FROM unnest($1::int2[], $2::int8[], $3::int4[], $4::uuid[], $5::text[], $6::uuid[], $7::json[], $8::timestamptz[]))"};

} // namespace souk::storage::postgres::writes
