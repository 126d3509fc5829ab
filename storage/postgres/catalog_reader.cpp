#include "storage/postgres/postgres.hpp"
#include "storage/postgres/row_decode.hpp"

#include <algorithm>
#include <unordered_map>

namespace souk::storage::postgres {

namespace {

using std::string;

/// Pages are counted up to this many rows and one: an exact figure beyond it is worth nobody's wait.
constexpr std::int64_t count_limit = 25'001;

// Transaction-local: the settings are gone when the answer is there.
const statement scope_statement{"scope", "SELECT set_config('souk.store_id', coalesce($1::uuid::text, ''), true), "
                                         "set_config('souk.user_id', coalesce($2::uuid::text, ''), true)"};

string counted(const string& from_where) {
  return "SELECT count(*) FROM (SELECT 1 " + from_where + " LIMIT " + std::to_string(count_limit) + ") x";
}

/// A list and its count, for one combination of conditions. $1 is the store, $2 the limit, $3 the offset; conditions follow.
struct listing {
  composed_statement rows;
  composed_statement count;
};

// -- products --------------------------------------------------------------------------------------------------------------------

constexpr const char* rated = "LEFT JOIN product_ratings g ON g.product_id = p.id";

string product_list() {
  return string{"SELECT "} + product_columns + ", coalesce(g.count, 0), coalesce(g.sum, 0) ";
}

/// One statement per combination, so that each has its own plan.
struct product_listings {
  explicit product_listings(bool active, bool category, bool after, const char* name, const char* count_name)
    : list{{name, product_list() + "FROM products p " + rated + " WHERE p.store_id = $1::uuid" + (active ? " AND p.status = 2" : "")
                    + (category ? " AND p.category = $4::text" : "")
                    + (after ? string{" AND p.id < $"} + (category ? "5" : "4") + "::uuid" : "")
                    + " ORDER BY p.id DESC LIMIT $2::int8 OFFSET $3::int8"},
           {count_name, counted(string{"FROM products p WHERE p.store_id = $1::uuid"} + (active ? " AND p.status = 2" : "")
                                + (category ? " AND p.category = $2::text" : ""))}} {
    // nop
  }
  listing list;
};

const listing& product_listing_for(bool active, bool category, bool after) {
  static const product_listings all[] = {
    product_listings{false, false, false, "products", "count_products"},
    product_listings{true, false, false, "products_a", "count_products_a"},
    product_listings{false, true, false, "products_c", "count_products_c"},
    product_listings{true, true, false, "products_ac", "count_products_ac"},
    product_listings{false, false, true, "products_k", "count_products_k"},
    product_listings{true, false, true, "products_ak", "count_products_ak"},
    product_listings{false, true, true, "products_ck", "count_products_ck"},
    product_listings{true, true, true, "products_ack", "count_products_ack"},
  };
  return all[(active ? 1 : 0) + (category ? 2 : 0) + (after ? 4 : 0)].list;
}

// Searches are ranked, so they are paged by number; $4 and $5 are what souk_search wants.
constexpr const char* found
  = "FROM souk_search($4::text, $5::text) h JOIN products p ON p.id = h.product_id LEFT JOIN product_ratings g ON g.product_id = p.id "
    "WHERE p.store_id = $1::uuid AND ($6::bool OR p.status = 2) AND ($7::text = '' OR p.category = $7::text)";
const composed_statement search_products{
  "search_products", product_list() + ", count(*) OVER () " + found
                       + " ORDER BY h.rank DESC, p.id DESC LIMIT $2::int8 OFFSET $3::int8"};

const composed_statement one_product{"one_product", product_list() + "FROM products p " + rated
                                                      + " WHERE p.store_id = $1::uuid AND p.id = $2::uuid"};
const composed_statement variants_statement{
  "variants_of", string{"SELECT "} + variant_columns
                   + " FROM product_variants v WHERE v.store_id = $1::uuid AND v.product_id = ANY ($2::uuid[]) "
                     "ORDER BY v.product_id, v.position, v.id"};
const composed_statement levels_of_statement{
  "levels_of", string{"SELECT "} + level_columns
                 + ", v.product_id FROM product_variants v JOIN inventory_levels l ON l.variant_id = v.id "
                   "WHERE v.store_id = $1::uuid AND v.product_id = ANY ($2::uuid[]) ORDER BY v.product_id, l.variant_id"};

// -- orders ----------------------------------------------------------------------------------------------------------------------

constexpr const char* of_status = "WHERE o.store_id = $1::uuid AND ($4::int2 IS NULL OR o.status = $4::int2)";
const composed_statement orders_statement{
  "orders", string{"SELECT "} + order_columns + " FROM orders o " + of_status
              + " ORDER BY o.number DESC LIMIT $2::int8 OFFSET $3::int8"};
const composed_statement orders_after{
  "orders_after", string{"SELECT "} + order_columns + " FROM orders o " + of_status
                    + " AND o.number < (SELECT a.number FROM orders a WHERE a.id = $5::uuid AND a.store_id = $1::uuid)"
                      " ORDER BY o.number DESC LIMIT $2::int8 OFFSET $3::int8"};
const composed_statement count_orders{
  "count_orders", counted("FROM orders o WHERE o.store_id = $1::uuid AND ($2::int2 IS NULL OR o.status = $2::int2)")};
const composed_statement orders_by_id_statement{
  "orders_by_id", string{"SELECT "} + order_columns
                    + " FROM orders o WHERE o.store_id = $1::uuid AND o.id = ANY ($2::uuid[]) ORDER BY o.number DESC"};
const composed_statement items_statement{
  "items_of", string{"SELECT "} + item_columns
                + " FROM order_items i WHERE i.store_id = $1::uuid AND i.order_id = ANY ($2::uuid[]) ORDER BY i.order_id, i.line"};
const composed_statement reservations_statement{
  "reservations_of", string{"SELECT "} + reservation_columns
                       + " FROM reservations r WHERE r.store_id = $1::uuid AND r.order_id = ANY ($2::uuid[]) "
                         "ORDER BY r.order_id, r.variant_id"};
const composed_statement payments_statement{
  "payments_of", string{"SELECT "} + payment_columns
                   + " FROM payments p WHERE p.store_id = $1::uuid AND p.order_id = ANY ($2::uuid[]) "
                     "ORDER BY p.order_id, p.created_at, p.id"};
const composed_statement refunds_statement{
  "refunds_of", string{"SELECT "} + refund_columns
                  + " FROM refunds r WHERE r.store_id = $1::uuid AND r.order_id = ANY ($2::uuid[]) "
                    "ORDER BY r.order_id, r.created_at, r.id"};
const composed_statement lives_statement{
  "lives_of", string{"SELECT "} + life_columns
                + " FROM order_lives l WHERE l.store_id = $1::uuid AND l.order_id = ANY ($2::uuid[])"};
const composed_statement orders_with_returns_statement{
  "orders_with_returns",
  string{"SELECT "} + order_columns
    + " FROM order_lives l JOIN orders o ON o.id = l.order_id WHERE l.store_id = $1::uuid AND l.returns_open "
      "AND ($4::uuid IS NULL OR l.order_id < $4::uuid) ORDER BY l.order_id DESC LIMIT $2::int8 OFFSET $3::int8"};
const composed_statement count_orders_with_returns{
  "count_orders_with_returns", counted("FROM order_lives l WHERE l.store_id = $1::uuid AND l.returns_open")};

// -- what a merchant set up, and what went out; newest first ----------------------------------------------------------------------

string newest_of(const char* columns, const string& alias, const char* table) {
  return string{"SELECT "} + columns + " FROM " + table + " " + alias + " WHERE " + alias + ".store_id = $1::uuid AND ($4::uuid IS NULL OR "
         + alias + ".id < $4::uuid) ";
}
constexpr const char* newest_first = "ORDER BY id DESC LIMIT $2::int8 OFFSET $3::int8";
const composed_statement discounts_statement{"discounts", newest_of(discount_columns, "d", "discounts") + newest_first};
const composed_statement count_discounts{"count_discounts", counted("FROM discounts WHERE store_id = $1::uuid")};
const composed_statement gift_cards_statement{"gift_cards", newest_of(gift_card_columns, "g", "gift_cards") + newest_first};
const composed_statement count_gift_cards{"count_gift_cards", counted("FROM gift_cards WHERE store_id = $1::uuid")};
const composed_statement mails_statement{"mails", newest_of(mail_columns, "m", "mails") + newest_first};
const composed_statement count_mails{"count_mails", counted("FROM mails WHERE store_id = $1::uuid")};
const composed_statement deliveries_statement{
  "deliveries", newest_of(delivery_columns, "d", "webhook_deliveries") + "AND d.webhook_id = $5::uuid " + newest_first};
const composed_statement count_deliveries{
  "count_deliveries", counted("FROM webhook_deliveries WHERE store_id = $1::uuid AND webhook_id = $2::uuid")};
const composed_statement webhooks_statement{
  "webhooks", string{"SELECT "} + webhook_columns + " FROM webhooks w WHERE w.store_id = $1::uuid ORDER BY w.id"};
const composed_statement templates_statement{
  "templates", string{"SELECT "} + template_columns + " FROM mail_templates t WHERE t.store_id = $1::uuid ORDER BY t.name, t.language"};

// -- a shopper's orders --------------------------------------------------------------------------------------------------------------

const statement user_orders_statement{
  "user_orders", "SELECT user_id, order_id, store_id, placed_at FROM user_orders WHERE user_id = $1::uuid "
                 "AND ($4::uuid IS NULL OR order_id < $4::uuid) ORDER BY order_id DESC LIMIT $2::int8 OFFSET $3::int8"};
const composed_statement count_user_orders{"count_user_orders", counted("FROM user_orders WHERE user_id = $1::uuid")};

// -- stock, reviews, stores ------------------------------------------------------------------------------------------------------------

const statement history_statement{"history", R"(
  SELECT on_hand_delta, reserved_delta, (sum(on_hand_delta) OVER line)::int8, (sum(reserved_delta) OVER line)::int8, reason, order_id,
         by_user, note, at
  FROM inventory_history WHERE store_id = $1::uuid AND variant_id = $4::uuid
  WINDOW line AS (ORDER BY seq, n ROWS UNBOUNDED PRECEDING) ORDER BY seq, n LIMIT $2::int8 OFFSET $3::int8)"};
const composed_statement count_history{
  "count_history", counted("FROM inventory_history WHERE store_id = $1::uuid AND variant_id = $2::uuid")};
const composed_statement levels_statement{
  "levels", string{"SELECT "} + level_columns
              + " FROM inventory_levels l WHERE l.store_id = $1::uuid AND l.variant_id > $4::uuid "
                "ORDER BY l.variant_id LIMIT $2::int8 OFFSET $3::int8"};
const composed_statement count_levels{"count_levels", counted("FROM inventory_levels l WHERE l.store_id = $1::uuid")};

const composed_statement recent_reviews{
  "recent_reviews", string{"SELECT "} + review_columns
                      + " FROM reviews r WHERE r.store_id = $1::uuid AND r.product_id = $4::uuid "
                        "AND ($5::uuid IS NULL OR r.id < $5::uuid) ORDER BY r.id DESC LIMIT $2::int8 OFFSET $3::int8"};
const composed_statement helpful_reviews{
  "helpful_reviews",
  string{"SELECT "} + review_columns
    + " FROM reviews r WHERE r.store_id = $1::uuid AND r.product_id = $4::uuid AND ($5::uuid IS NULL "
      "OR (r.helpful, r.id) < (SELECT a.helpful, a.id FROM reviews a WHERE a.id = $5::uuid AND a.store_id = $1::uuid)) "
      "ORDER BY r.helpful DESC, r.id DESC LIMIT $2::int8 OFFSET $3::int8"};
const composed_statement count_reviews{
  "count_reviews", counted("FROM reviews r WHERE r.store_id = $1::uuid AND r.product_id = $2::uuid")};

const composed_statement stores_of_statement{
  "stores_of", string{"SELECT "} + store_columns + " FROM stores s WHERE s.owner_id = $1::uuid ORDER BY s.id"};
const statement store_of_product_statement{"store_of_product", "SELECT souk_store_of_product($1::uuid)"};

/// "Blue mug" as to_tsquery wants it: every word, by its beginning. Quotes keep its operators out.
string words_of(const string& text) {
  string out, word;
  const auto close = [&] {
    if (!word.empty())
      out += (out.empty() ? "'" : " & '") + word + "':*";
    word.clear();
  };
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x80 || (u >= '0' && u <= '9') || (u >= 'A' && u <= 'Z') || (u >= 'a' && u <= 'z'))
      word.push_back(c);
    else
      close();
  }
  close();
  return out;
}

std::int64_t limit_of(const page_request& page) {
  return std::clamp<std::int64_t>(page.limit, 1, 250);
}

/// A cursor says where the page starts; otherwise its number does.
std::int64_t offset_of(const page_request& page) {
  return page.after ? 0 : (std::max<std::int64_t>(page.page, 1) - 1) * limit_of(page);
}

class pg_catalog_reader final : public catalog_reader {
public:
  pg_catalog_reader(const database& db, reader_limits limits)
    // The server gives up first: a slow query and a server that hangs are then two things.
    : connection_({db.url, "souk-catalog", "souk_reader", limits.connect, limits.query,
                   find_by_index_sql + string{"SET default_transaction_read_only = on; SET statement_timeout = '"}
                     + std::to_string(limits.query.count() * 9 / 10) + "ms'"}) {
    // nop
  }

  page_of<product_listing> products(const ulid& store, const product_filter& filter, const page_request& page) override {
    if (!filter.text.empty())
      return search(store, filter, page);
    const bool category = !filter.category.empty();
    const auto& list = product_listing_for(filter.only_active, category, page.after.has_value());
    auto rows = window(store, page);
    auto count = parameters::of(store);
    if (category) {
      rows.add(filter.category);
      count.add(filter.category);
    }
    if (page.after)
      rows.add(*page.after);
    const auto r = in_store(store, {{&list.rows, std::move(rows)}, {&list.count, std::move(count)}});
    auto out = page_over<product_listing>(r[0], page, listed);
    out.total = r[1].int8(0, 0);
    fill(store, out.rows);
    return out;
  }

  std::optional<product_listing> product(const ulid& store, const ulid& product) override {
    const std::vector<ulid> one{product};
    const auto r = in_store(store, {{&one_product, parameters::of(store, product)},
                                    {&variants_statement, parameters::of(store, one)},
                                    {&levels_of_statement, parameters::of(store, one)}});
    if (r[0].rows() == 0)
      return std::nullopt;
    std::vector<product_listing> out{listed(r[0], 0)};
    fill(out, r[1], r[2]);
    return std::move(out.front());
  }

  page_of<order_snapshot> orders(const ulid& store, std::optional<order_status> status, const page_request& page) override {
    const auto wanted = status ? std::optional{static_cast<std::int16_t>(*status)} : std::nullopt;
    auto rows = window(store, page);
    rows.add(wanted);
    if (page.after)
      rows.add(*page.after);
    const auto r = in_store(store, {{page.after ? &orders_after : &orders_statement, std::move(rows)},
                                    {&count_orders, parameters::of(store, wanted)}});
    auto out = page_over<order_snapshot>(r[0], page, [](const result& x, int row) {
      order_snapshot o;
      o.order = order_of(x, row);
      return o;
    });
    out.total = r[1].int8(0, 0);
    fill(store, out.rows);
    return out;
  }

  page_of<user_order_row> orders_of(const ulid& user, const page_request& page) override {
    auto rows = window(user, page);
    rows.add(page.after);
    const auto r = as_user(user, {{&user_orders_statement, std::move(rows)}, {&count_user_orders, parameters::of(user)}});
    auto out = page_over<user_order_row>(r[0], page, [](const result& x, int row) {
      return user_order_row{x.id(row, 0), x.id(row, 1), x.id(row, 2), x.time(row, 3)};
    });
    out.total = r[1].int8(0, 0);
    return out;
  }

  std::vector<order_snapshot> orders_by_id(const ulid& store, const std::vector<ulid>& orders) override {
    const auto r = in_store(store, {{&orders_by_id_statement, parameters::of(store, orders)}});
    std::vector<order_snapshot> out;
    for (int i = 0; i < r[0].rows(); ++i)
      out.emplace_back().order = order_of(r[0], i);
    fill(store, out);
    return out;
  }

  page_of<ledger_entry> history(const ulid& store, const ulid& variant, const page_request& page) override {
    auto rows = window(store, page);
    rows.add(variant);
    const auto r = in_store(store, {{&history_statement, std::move(rows)}, {&count_history, parameters::of(store, variant)}});
    auto out = page_over<ledger_entry>(r[0], page, [&](const result& x, int row) {
      return ledger_entry{variant,      x.int8(row, 0), x.int8(row, 1), x.int8(row, 2), x.int8(row, 3),
                          x.text(row, 4), x.id(row, 5), x.id(row, 6),   x.text(row, 7), x.time(row, 8)};
    });
    out.total = r[1].int8(0, 0);
    return out;
  }

  page_of<level_row> levels(const ulid& store, const page_request& page) override {
    auto rows = window(store, page);
    rows.add(page.after.value_or(ulid{}));
    const auto r = in_store(store, {{&levels_statement, std::move(rows)}, {&count_levels, parameters::of(store)}});
    auto out = page_over<level_row>(r[0], page, [](const result& x, int row) { return level_of(x, row); });
    out.total = r[1].int8(0, 0);
    return out;
  }

  page_of<review_row> reviews(const ulid& store, const ulid& product, review_sort sort, const page_request& page) override {
    auto rows = window(store, page);
    rows.add(product);
    rows.add(page.after);
    const auto& list = sort == review_sort::helpful ? helpful_reviews : recent_reviews;
    const auto r = in_store(store, {{&list, std::move(rows)}, {&count_reviews, parameters::of(store, product)}});
    auto out = page_over<review_row>(r[0], page, [](const result& x, int row) { return review_of(x, row); });
    out.total = r[1].int8(0, 0);
    return out;
  }

  page_of<discount_row> discounts(const ulid& store, const page_request& page) override {
    return newest<discount_row>(store, page, discounts_statement, count_discounts, discount_of);
  }
  page_of<gift_card_row> gift_cards(const ulid& store, const page_request& page) override {
    return newest<gift_card_row>(store, page, gift_cards_statement, count_gift_cards, gift_card_of);
  }
  page_of<mail_row> mails(const ulid& store, const page_request& page) override {
    return newest<mail_row>(store, page, mails_statement, count_mails, mail_of);
  }
  page_of<order_snapshot> orders_with_returns(const ulid& store, const page_request& page) override {
    auto out = newest<order_snapshot>(store, page, orders_with_returns_statement, count_orders_with_returns, [](const result& x, int row) {
      order_snapshot o;
      o.order = order_of(x, row);
      return o;
    });
    fill(store, out.rows);
    return out;
  }
  page_of<webhook_delivery_row> deliveries(const ulid& store, const ulid& webhook, const page_request& page) override {
    auto rows = window(store, page);
    rows.add(page.after);
    rows.add(webhook);
    const auto r = in_store(store, {{&deliveries_statement, std::move(rows)}, {&count_deliveries, parameters::of(store, webhook)}});
    auto out = page_over<webhook_delivery_row>(r[0], page, delivery_of);
    out.total = r[1].int8(0, 0);
    return out;
  }
  std::vector<webhook_row> webhooks(const ulid& store) override {
    const auto r = in_store(store, {{&webhooks_statement, parameters::of(store)}});
    std::vector<webhook_row> out;
    for (int i = 0; i < r[0].rows(); ++i)
      out.push_back(webhook_of(r[0], i));
    return out;
  }
  std::vector<mail_template_row> mail_templates(const ulid& store) override {
    const auto r = in_store(store, {{&templates_statement, parameters::of(store)}});
    std::vector<mail_template_row> out;
    for (int i = 0; i < r[0].rows(); ++i)
      out.push_back(template_of(r[0], i));
    return out;
  }

  owned_stores stores_of(const ulid& owner) override {
    const auto r = as_user(owner, {{&stores_of_statement, parameters::of(owner)}});
    owned_stores out;
    for (int i = 0; i < r[0].rows(); ++i)
      out.rows.push_back(store_of(r[0], i));
    return out;
  }

  std::optional<ulid> store_of_product(const ulid& product) override {
    const auto r = connection_.read(store_of_product_statement, parameters::of(product));
    return r.is_null(0, 0) ? std::nullopt : std::optional{r.id(0, 0)};
  }

private:
  std::vector<result> in_store(const ulid& store, std::vector<call> calls) {
    return scoped(parameters::of(std::optional{store}, std::optional<ulid>{}), std::move(calls));
  }
  std::vector<result> as_user(const ulid& user, std::vector<call> calls) {
    return scoped(parameters::of(std::optional<ulid>{}, std::optional{user}), std::move(calls));
  }
  /// The scope and the queries are one transaction in one round trip.
  std::vector<result> scoped(parameters scope, std::vector<call> calls) {
    calls.insert(calls.begin(), call{&scope_statement, std::move(scope)});
    auto out = connection_.read(calls);
    out.erase(out.begin());
    return out;
  }

  /// $1 to $3 of every list. One row more than wanted tells whether there is more.
  static parameters window(const ulid& owner, const page_request& page) {
    return parameters::of(owner, limit_of(page) + 1, offset_of(page));
  }

  /// A page of what a store has of something, newest first; $4 of the statement is the cursor.
  template <class T, class F>
  page_of<T> newest(const ulid& store, const page_request& page, const statement& list, const statement& count, F&& decode) {
    auto rows = window(store, page);
    rows.add(page.after);
    const auto r = in_store(store, {{&list, std::move(rows)}, {&count, parameters::of(store)}});
    auto out = page_over<T>(r[0], page, decode);
    out.total = r[1].int8(0, 0);
    return out;
  }

  template <class T, class F>
  static page_of<T> page_over(const result& r, const page_request& page, F&& decode) {
    page_of<T> out;
    const auto wanted = static_cast<int>(limit_of(page));
    for (int i = 0; i < std::min(r.rows(), wanted); ++i)
      out.rows.push_back(decode(r, i));
    out.more = r.rows() > wanted;
    return out;
  }

  static product_listing listed(const result& r, int row) {
    product_listing out;
    out.product.product = product_of(r, row);
    out.rating_count = r.int8(row, product_width);
    out.rating_sum = r.int8(row, product_width + 1);
    return out;
  }

  page_of<product_listing> search(const ulid& store, const product_filter& filter, const page_request& page) {
    auto rows = window(store, page);
    rows.add(words_of(filter.text));
    rows.add(filter.text);
    rows.add(!filter.only_active);
    rows.add(filter.category);
    const auto r = in_store(store, {{&search_products, std::move(rows)}});
    auto out = page_over<product_listing>(r[0], page, listed);
    out.total = r[0].rows() > 0 ? r[0].int8(0, product_width + 2) : 0;
    fill(store, out.rows);
    return out;
  }

  /// Variants and levels of a page of products.
  void fill(const ulid& store, std::vector<product_listing>& rows) {
    if (rows.empty())
      return;
    std::vector<ulid> ids;
    for (const auto& p : rows)
      ids.push_back(p.product.product.id);
    const auto r = in_store(store, {{&variants_statement, parameters::of(store, ids)},
                                    {&levels_of_statement, parameters::of(store, ids)}});
    fill(rows, r[0], r[1]);
  }

  static void fill(std::vector<product_listing>& rows, const result& variants, const result& levels) {
    std::unordered_map<ulid, product_snapshot*> by_id;
    for (auto& p : rows)
      by_id.emplace(p.product.product.id, &p.product);
    for (int i = 0; i < variants.rows(); ++i) {
      auto v = variant_of(variants, i);
      if (auto at = by_id.find(v.product_id); at != by_id.end())
        at->second->variants.push_back(std::move(v));
    }
    for (int i = 0; i < levels.rows(); ++i)
      if (auto at = by_id.find(levels.id(i, level_width)); at != by_id.end())
        at->second->levels.push_back(level_of(levels, i));
  }

  void fill(const ulid& store, std::vector<order_snapshot>& rows) {
    if (rows.empty())
      return;
    std::vector<ulid> ids;
    std::unordered_map<ulid, order_snapshot*> by_id;
    for (auto& o : rows) {
      ids.push_back(o.order.id);
      by_id.emplace(o.order.id, &o);
    }
    const auto r = in_store(store, {{&items_statement, parameters::of(store, ids)},
                                    {&reservations_statement, parameters::of(store, ids)},
                                    {&payments_statement, parameters::of(store, ids)},
                                    {&refunds_statement, parameters::of(store, ids)},
                                    {&lives_statement, parameters::of(store, ids)}});
    for (int i = 0; i < r[0].rows(); ++i) {
      auto x = item_of(r[0], i);
      by_id.at(x.order_id)->items.push_back(std::move(x));
    }
    for (int i = 0; i < r[1].rows(); ++i) {
      auto x = reservation_of(r[1], i);
      by_id.at(x.order_id)->reservations.push_back(x);
    }
    for (int i = 0; i < r[2].rows(); ++i) {
      auto x = payment_of(r[2], i);
      by_id.at(x.order_id)->payments.push_back(std::move(x));
    }
    for (int i = 0; i < r[3].rows(); ++i) {
      auto x = refund_of(r[3], i);
      by_id.at(x.order_id)->refunds.push_back(std::move(x));
    }
    for (int i = 0; i < r[4].rows(); ++i) {
      auto x = life_of(r[4], i);
      by_id.at(x.order_id)->life = std::move(x);
    }
  }

  connection connection_;
};

} // namespace

std::unique_ptr<catalog_reader> make_catalog_reader(const database& db, reader_limits limits) {
  return std::make_unique<pg_catalog_reader>(db, limits);
}

} // namespace souk::storage::postgres
