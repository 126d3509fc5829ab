#include "storage/postgres/postgres.hpp"
#include "storage/postgres/row_decode.hpp"

#include <algorithm>

namespace souk::storage::postgres {

namespace {

using std::string;

string select(const char* columns, const char* rest) {
  return string{"SELECT "} + columns + " " + rest;
}

const composed_statement load_user{"load_user", select(user_columns, "FROM users u WHERE u.id = $1::uuid")};
const composed_statement load_sessions{
  "load_sessions", select(session_columns, "FROM sessions s WHERE s.user_id = $1::uuid AND s.expires_at > clock_timestamp() "
                                           "ORDER BY s.hash")};
const statement load_user_carts{
  "load_user_carts", "SELECT user_id, store_id, cart_id, touched_at FROM user_carts WHERE user_id = $1::uuid ORDER BY store_id"};
const composed_statement load_store{"load_store", select(store_columns, "FROM stores s WHERE s.id = $1::uuid")};
const composed_statement load_product{"load_product", select(product_columns, "FROM products p WHERE p.id = $1::uuid")};
const composed_statement load_variants{
  "load_variants", select(variant_columns, "FROM product_variants v WHERE v.product_id = $1::uuid ORDER BY v.position, v.id")};
const composed_statement load_levels{
  "load_levels", select(level_columns, "FROM inventory_levels l JOIN product_variants v ON v.id = l.variant_id "
                                       "WHERE v.product_id = $1::uuid ORDER BY l.variant_id")};
const statement find_handle{"find_handle", "SELECT id FROM products WHERE store_id = $1::uuid AND handle = $2::text"};
const composed_statement load_stock{
  "load_stock", string{"SELECT "} + level_columns + ", " + variant_columns
                  + ", p.title, p.status FROM inventory_levels l JOIN product_variants v ON v.id = l.variant_id "
                    "JOIN products p ON p.id = v.product_id WHERE l.variant_id = $1::uuid"};
// A variant's orders lie in its shard: that is how the index of open reservations starts.
const composed_statement load_open_reservations{
  "load_open_reservations",
  select(reservation_columns, "FROM reservations r WHERE shard_of(r.order_id) = shard_of($1::uuid) AND r.variant_id = $1::uuid "
                              "AND r.state < 3 ORDER BY r.order_id")};
const composed_statement load_cart{
  "load_cart", select(cart_columns, "FROM carts c WHERE c.store_id = $1::uuid AND c.user_id = $2::uuid")};
const composed_statement load_order{"load_order", select(order_columns, "FROM orders o WHERE o.id = $1::uuid")};
const composed_statement load_items{
  "load_items", select(item_columns, "FROM order_items i WHERE i.order_id = $1::uuid ORDER BY i.line")};
const composed_statement load_reservations{
  "load_reservations", select(reservation_columns, "FROM reservations r WHERE r.order_id = $1::uuid ORDER BY r.variant_id")};
const composed_statement load_payments{
  "load_payments", select(payment_columns, "FROM payments p WHERE p.order_id = $1::uuid ORDER BY p.created_at, p.id")};
const composed_statement load_refunds{
  "load_refunds", select(refund_columns, "FROM refunds r WHERE r.order_id = $1::uuid ORDER BY r.created_at, r.id")};
const composed_statement load_life{"load_life", select(life_columns, "FROM order_lives l WHERE l.order_id = $1::uuid")};
const composed_statement load_discount{
  "load_discount", select(discount_columns, "FROM discounts d WHERE d.store_id = $1::uuid AND d.code = $2::text")};
const statement used_statement{"has_used", R"(
  SELECT EXISTS (SELECT FROM discount_uses WHERE store_id = $1::uuid AND code = $2::text AND customer = $3::text
                 AND NOT given_back))"};
const composed_statement load_gift_card{
  "load_gift_card", select(gift_card_columns, "FROM gift_cards g WHERE g.store_id = $1::uuid AND g.code_hash = $2::text")};
const composed_statement load_webhooks_statement{
  "load_webhooks", select(webhook_columns, "FROM webhooks w WHERE w.store_id = $1::uuid ORDER BY w.id")};
// Of each webhook those that are due first, and as many as its actor keeps in memory at most: the backlog of one that is slow may
// be any number.
const composed_statement load_waiting{
  "load_waiting",
  select(delivery_columns,
         "FROM (SELECT x.*, row_number() OVER (PARTITION BY x.webhook_id ORDER BY x.next_at, x.id) AS turn FROM webhook_deliveries x "
         "WHERE shard_of(x.id) = shard_of($1::uuid) AND x.store_id = $1::uuid AND x.state = 1) d "
         "WHERE d.turn <= 1001 ORDER BY d.id")};
const statement stores_with_deliveries_statement{"stores_with_deliveries", R"(
  SELECT DISTINCT store_id FROM webhook_deliveries WHERE shard_of(id) = $1::int4 AND state = 1 ORDER BY store_id)"};
const composed_statement load_delivery_statement{
  "load_delivery", select(delivery_columns, "FROM webhook_deliveries d WHERE d.id = $1::uuid")};
const composed_statement load_template{
  "load_template", select(template_columns, "FROM mail_templates t WHERE t.store_id = $1::uuid AND t.name = $2::text "
                                            "AND t.language = $3::text")};
const composed_statement load_suppression_statement{
  "load_suppression", select(suppression_columns, "FROM mail_suppressions s WHERE s.store_id = $1::uuid AND s.email = $2::text")};
const composed_statement load_mail_statement{"load_mail", select(mail_columns, "FROM mails m WHERE m.id = $1::uuid")};
const statement load_key{"load_key", "SELECT body_hash, order_id, at FROM idempotency_keys "
                                     "WHERE store_id = $1::uuid AND caller = $2::uuid AND key = $3::text"};
const composed_statement load_review{"load_review", select(review_columns, "FROM reviews r WHERE r.id = $1::uuid")};
const composed_statement load_import{"load_import", select(import_columns, "FROM imports i WHERE i.id = $1::uuid")};
const statement bought_statement{"has_bought", R"(
  SELECT EXISTS (SELECT FROM orders o JOIN order_items i ON i.order_id = o.id
                 WHERE o.user_id = $2::uuid AND o.store_id = $1::uuid AND o.status IN (2, 3, 4) AND i.product_id = $3::uuid))"};
const statement open_orders_statement{"open_orders", R"(
  SELECT order_id, bool_or(in_flight), min(deadline) FROM (
    SELECT r.order_id, false AS in_flight, r.deadline FROM reservations r WHERE shard_of(r.order_id) = $1::int4 AND r.state < 3
    UNION ALL
    SELECT p.order_id, p.state <> 3, NULL FROM payments p WHERE shard_of(p.id) = $1::int4 AND p.state IN (1, 2, 3, 6, 8, 11)
    UNION ALL
    SELECT f.order_id, true, NULL FROM refunds f WHERE shard_of(f.id) = $1::int4 AND f.state IN (1, 2)) x
  GROUP BY order_id ORDER BY order_id)"};
const composed_statement expired_carts_statement{
  "expired_carts", select(cart_columns, "FROM carts c WHERE shard_of(c.id) = $1::int4 "
                                        "AND c.expires_day <= ($2::timestamptz AT TIME ZONE 'UTC')::date "
                                        "AND c.expires_at < $2::timestamptz ORDER BY c.expires_at, c.id LIMIT $3::int4")};

// A cart expires a fixed time after it was last changed, so the index of the days on which carts expire finds those of the time.
const composed_statement abandoned_carts_statement{
  "abandoned_carts",
  select(cart_columns, "FROM carts c WHERE shard_of(c.id) = $1::int4 "
                       "AND c.expires_day BETWEEN (($2::timestamptz + make_interval(secs => $4::int8)) AT TIME ZONE 'UTC')::date "
                       "AND (($3::timestamptz + make_interval(secs => $4::int8)) AT TIME ZONE 'UTC')::date "
                       "AND c.updated_at >= $2::timestamptz AND c.updated_at < $3::timestamptz "
                       "AND (c.reminded_at IS NULL OR c.reminded_at < c.updated_at) AND c.lines <> '[]' "
                       "ORDER BY c.updated_at, c.id LIMIT $5::int4")};

template <class F>
auto all(const result& r, F&& decode) {
  std::vector<decltype(decode(r, 0))> out;
  for (int i = 0; i < r.rows(); ++i)
    out.push_back(decode(r, i));
  return out;
}

class pg_entity_reader final : public entity_reader {
public:
  pg_entity_reader(const database& db, reader_limits limits)
    : connection_({db.url, "souk-reader", "souk_writer", limits.connect, limits.query,
                   find_by_index_sql
                     + string{"SET default_transaction_read_only = on; SET plan_cache_mode = force_generic_plan; "
                              "SET statement_timeout = '"} + std::to_string(limits.query.count()) + "ms'"}) {
    // nop
  }

  std::optional<user_snapshot> load_user(const ulid& user) override {
    const auto r = ask({{&postgres::load_user, parameters::of(user)},
                        {&load_sessions, parameters::of(user)},
                        {&load_user_carts, parameters::of(user)}});
    if (r[0].rows() == 0)
      return std::nullopt;
    user_snapshot out;
    out.user = user_of(r[0], 0);
    for (int i = 0; i < r[1].rows(); ++i)
      out.sessions.push_back(session_of(r[1], i));
    for (int i = 0; i < r[2].rows(); ++i)
      out.carts.push_back({r[2].id(i, 0), r[2].id(i, 1), r[2].id(i, 2), r[2].time(i, 3)});
    return out;
  }

  std::optional<store_row> load_store(const ulid& store) override {
    return one(postgres::load_store, parameters::of(store), store_of);
  }

  std::optional<product_snapshot> load_product(const ulid& product) override {
    const auto r = ask({{&postgres::load_product, parameters::of(product)},
                        {&load_variants, parameters::of(product)},
                        {&load_levels, parameters::of(product)}});
    if (r[0].rows() == 0)
      return std::nullopt;
    product_snapshot out;
    out.product = product_of(r[0], 0);
    for (int i = 0; i < r[1].rows(); ++i)
      out.variants.push_back(variant_of(r[1], i));
    for (int i = 0; i < r[2].rows(); ++i)
      out.levels.push_back(level_of(r[2], i));
    return out;
  }

  std::optional<product_snapshot> load_product_by_handle(const ulid& store, const string& handle) override {
    const auto r = connection_.read(find_handle, parameters::of(store, handle));
    return r.rows() == 0 ? std::nullopt : load_product(r.id(0, 0));
  }

  std::optional<stock_snapshot> load_stock(const ulid& variant) override {
    const auto r = ask({{&postgres::load_stock, parameters::of(variant)}, {&load_open_reservations, parameters::of(variant)}});
    if (r[0].rows() == 0)
      return std::nullopt;
    stock_snapshot out;
    out.level = level_of(r[0], 0);
    out.variant = variant_of(r[0], 0, level_width);
    out.product_title = r[0].text(0, level_width + variant_width);
    out.product = static_cast<product_status>(r[0].int2(0, level_width + variant_width + 1));
    for (int i = 0; i < r[1].rows(); ++i)
      out.open.push_back(reservation_of(r[1], i));
    return out;
  }

  std::optional<cart_row> load_cart(const ulid& store, const ulid& user) override {
    return one(postgres::load_cart, parameters::of(store, user), cart_of);
  }

  std::optional<order_snapshot> load_order(const ulid& order) override {
    const auto r = ask({{&postgres::load_order, parameters::of(order)},
                        {&load_items, parameters::of(order)},
                        {&load_reservations, parameters::of(order)},
                        {&load_payments, parameters::of(order)},
                        {&load_refunds, parameters::of(order)},
                        {&load_life, parameters::of(order)}});
    if (r[0].rows() == 0)
      return std::nullopt;
    order_snapshot out;
    out.order = order_of(r[0], 0);
    for (int i = 0; i < r[1].rows(); ++i)
      out.items.push_back(item_of(r[1], i));
    for (int i = 0; i < r[2].rows(); ++i)
      out.reservations.push_back(reservation_of(r[2], i));
    for (int i = 0; i < r[3].rows(); ++i)
      out.payments.push_back(payment_of(r[3], i));
    for (int i = 0; i < r[4].rows(); ++i)
      out.refunds.push_back(refund_of(r[4], i));
    if (r[5].rows() > 0)
      out.life = life_of(r[5], 0);
    return out;
  }

  std::optional<idempotency_row> load_idempotency(const ulid& store, const ulid& caller, const string& key) override {
    return one(load_key, parameters::of(store, caller, key), [](const result& r, int row) {
      idempotency_row out;
      const auto hash = r.raw(row, 0);
      std::copy_n(hash.begin(), std::min(hash.size(), out.body_hash.size()), out.body_hash.begin());
      out.order_id = r.id(row, 1);
      out.at = r.time(row, 2);
      return out;
    });
  }

  std::optional<review_row> load_review(const ulid& review) override {
    return one(postgres::load_review, parameters::of(review), review_of);
  }

  std::optional<import_row> load_import(const ulid& import) override {
    return one(postgres::load_import, parameters::of(import), import_of);
  }

  bool has_bought(const ulid& store, const ulid& user, const ulid& product) override {
    return connection_.read(bought_statement, parameters::of(store, user, product)).boolean(0, 0);
  }

  std::vector<open_order> open_orders(shard_id shard) override {
    const auto r = connection_.read(open_orders_statement, parameters::of(std::int32_t{shard}));
    std::vector<open_order> out;
    for (int i = 0; i < r.rows(); ++i)
      out.push_back({r.id(i, 0), r.boolean(i, 1), r.is_null(i, 2) ? timestamp{} : r.time(i, 2)});
    return out;
  }

  std::vector<cart_row> expired_carts(shard_id shard, timestamp now, int limit) override {
    const auto r = connection_.read(expired_carts_statement,
                                    parameters::of(std::int32_t{shard}, now, std::int32_t{std::max(limit, 0)}));
    std::vector<cart_row> out;
    for (int i = 0; i < r.rows(); ++i)
      out.push_back(cart_of(r, i));
    return out;
  }

  std::vector<cart_row> abandoned_carts(shard_id shard, timestamp from, timestamp to, std::chrono::seconds life,
                                        int limit) override {
    const auto r = connection_.read(abandoned_carts_statement,
                                    parameters::of(std::int32_t{shard}, from, to, std::int64_t{life.count()},
                                                   std::int32_t{std::max(limit, 0)}));
    return all(r, cart_of);
  }

  std::optional<discount_row> load_discount(const ulid& store, const string& code) override {
    return one(postgres::load_discount, parameters::of(store, code), discount_of);
  }
  bool has_used(const ulid& store, const string& code, const string& customer) override {
    return connection_.read(used_statement, parameters::of(store, code, customer)).boolean(0, 0);
  }
  std::optional<gift_card_row> load_gift_card(const ulid& store, const string& code_hash) override {
    return one(postgres::load_gift_card, parameters::of(store, code_hash), gift_card_of);
  }

  webhooks_snapshot load_webhooks(const ulid& store) override {
    const auto r = ask({{&load_webhooks_statement, parameters::of(store)}, {&load_waiting, parameters::of(store)}});
    return {all(r[0], webhook_of), all(r[1], delivery_of)};
  }
  std::vector<ulid> stores_with_deliveries(shard_id shard) override {
    return all(connection_.read(stores_with_deliveries_statement, parameters::of(std::int32_t{shard})),
               [](const result& r, int row) { return r.id(row, 0); });
  }
  std::optional<webhook_delivery_row> load_delivery(const ulid& delivery) override {
    return one(load_delivery_statement, parameters::of(delivery), delivery_of);
  }
  std::optional<mail_template_row> load_mail_template(const ulid& store, const string& name, const string& language) override {
    return one(load_template, parameters::of(store, name, language), template_of);
  }
  std::optional<mail_suppression_row> load_suppression(const ulid& store, const string& email) override {
    return one(load_suppression_statement, parameters::of(store, email), suppression_of);
  }
  std::optional<mail_row> load_mail(const ulid& mail) override {
    return one(load_mail_statement, parameters::of(mail), mail_of);
  }

private:
  // The parts of a snapshot are one implicit transaction, but each statement sees what is committed when it starts. That is
  // enough: an actor is loaded while no write set that names it is under way.
  std::vector<result> ask(std::vector<call> calls) { return connection_.read(calls); }

  template <class F>
  auto one(const statement& what, parameters arguments, F&& decode) -> std::optional<decltype(decode(result{}, 0))> {
    const auto r = connection_.read(what, std::move(arguments));
    if (r.rows() == 0)
      return std::nullopt;
    return decode(r, 0);
  }

  connection connection_;
};

} // namespace

std::unique_ptr<entity_reader> make_entity_reader(const database& db, reader_limits limits) {
  return std::make_unique<pg_entity_reader>(db, limits);
}

} // namespace souk::storage::postgres
