#include "storage/postgres/admission.hpp"

#include "storage/postgres/connection.hpp"

#include <optional>
#include <unordered_map>

namespace souk::storage::postgres {

namespace {

enum class name_space : char { discount = 'd', use = 'u', card = 'g', id = 'i', handle = 'h', sku = 's', key = 'k', review = 'r', vote = 'v', reservation = 'o', session = 't' };

void append(std::string& out, const ulid& id) {
  out.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}
void append(std::string& out, const std::string& text) {
  out.append(text);
}
void append(std::string& out, const token_hash& hash) {
  out.append(reinterpret_cast<const char*>(hash.data()), hash.size());
}

/// One name that only one row may have.
template <class... Parts>
std::string name(name_space space, const Parts&... parts) {
  std::string out(1, static_cast<char>(space));
  (append(out, parts), ...);
  return out;
}

/// A customer's use of a code; the code's length keeps "AB" + "C" apart from "A" + "BC".
std::string use_name(const ulid& store, const std::string& code, const std::string& customer) {
  return name(name_space::use, store, std::to_string(code.size()), code, customer);
}

/// Who has a name, and which name an owner has (a variant its SKU, a product its handle).
struct names {
  std::unordered_map<std::string, std::optional<ulid>> owner; ///< nullopt: given up
  std::unordered_map<std::string, std::string> held;          ///< by namespace and owner; "" = none
  std::unordered_map<ulid, std::vector<std::string>> open;    ///< an order's reservations that can still be released
};

const statement ids_statement{"admission_ids", R"(
  SELECT id FROM users WHERE id = ANY ($1::uuid[]) UNION ALL SELECT id FROM stores WHERE id = ANY ($1::uuid[])
  UNION ALL SELECT id FROM products WHERE id = ANY ($1::uuid[]) UNION ALL SELECT id FROM carts WHERE id = ANY ($1::uuid[])
  UNION ALL SELECT id FROM orders WHERE id = ANY ($1::uuid[]) UNION ALL SELECT id FROM payments WHERE id = ANY ($1::uuid[])
  UNION ALL SELECT id FROM reviews WHERE id = ANY ($1::uuid[]) UNION ALL SELECT id FROM imports WHERE id = ANY ($1::uuid[])
  UNION ALL SELECT id FROM refunds WHERE id = ANY ($1::uuid[]) UNION ALL SELECT id FROM discounts WHERE id = ANY ($1::uuid[])
  UNION ALL SELECT id FROM gift_cards WHERE id = ANY ($1::uuid[]) UNION ALL SELECT id FROM webhooks WHERE id = ANY ($1::uuid[]))"};
const statement discounts_statement{"admission_discounts", R"(
  SELECT d.store_id, d.code, d.id FROM discounts d JOIN unnest($1::uuid[], $2::text[]) x(store_id, code) USING (store_id, code))"};
const statement cards_statement{"admission_cards", R"(
  SELECT g.store_id, g.code_hash, g.id FROM gift_cards g JOIN unnest($1::uuid[], $2::text[]) x(store_id, code_hash)
  USING (store_id, code_hash))"};
// Who uses a code that each customer may use once.
const statement uses_statement{"admission_uses", R"(
  SELECT u.store_id, u.code, u.customer, u.order_id FROM discount_uses u
  JOIN unnest($1::uuid[], $2::text[], $3::text[]) x(store_id, code, customer) USING (store_id, code, customer)
  WHERE u.once AND NOT u.given_back)"};
const statement levels_statement{"admission_levels", "SELECT variant_id FROM inventory_levels WHERE variant_id = ANY ($1::uuid[])"};
const statement sessions_statement{"admission_sessions", "SELECT hash FROM sessions WHERE hash = ANY ($1::bytea[])"};
const statement handles_statement{"admission_handles", R"(
  SELECT p.store_id, p.handle, p.id FROM products p JOIN unnest($1::uuid[], $2::text[]) x(store_id, handle) USING (store_id, handle)
  UNION SELECT p.store_id, p.handle, p.id FROM products p WHERE p.id = ANY ($3::uuid[]))"};
const statement skus_statement{"admission_skus", R"(
  SELECT v.store_id, v.sku, v.id FROM product_variants v JOIN unnest($1::uuid[], $2::text[]) x(store_id, sku) USING (store_id, sku)
  WHERE v.sku <> '' AND NOT v.removed
  UNION SELECT v.store_id, v.sku, v.id FROM product_variants v WHERE v.id = ANY ($3::uuid[]) AND v.sku <> '' AND NOT v.removed)"};
const statement keys_statement{"admission_keys", R"(
  SELECT k.store_id, k.caller, k.key, k.order_id FROM idempotency_keys k
  JOIN unnest($1::uuid[], $2::uuid[], $3::text[]) x(store_id, caller, key) USING (store_id, caller, key))"};
const statement reviews_statement{"admission_reviews", R"(
  SELECT r.product_id, r.user_id, r.id FROM reviews r JOIN unnest($1::uuid[], $2::uuid[]) x(product_id, user_id)
  USING (product_id, user_id))"};
const statement votes_statement{"admission_votes", R"(
  SELECT t.review_id, t.user_id FROM review_votes t JOIN unnest($1::uuid[], $2::uuid[]) x(review_id, user_id)
  USING (review_id, user_id))"};
// Only a released reservation may be made again.
const statement reservations_statement{"admission_reservations", R"(
  SELECT r.order_id, r.variant_id, r.state FROM reservations r WHERE r.order_id = ANY ($1::uuid[]) AND r.state <> 4)"};

/// What the batch asks about.
struct questions {
  std::vector<ulid> ids, levels;
  column_arrays handles, skus, keys, reviews, votes, discounts, cards, uses;
  std::vector<ulid> products, variants, reservations;
  array_parameter sessions;

  void ask(const insert_user& m) { ids.push_back(m.row.id); }
  void ask(const insert_session& m) { sessions.add(bytes_view{m.row.hash}); }
  void ask(const insert_store& m) { ids.push_back(m.row.id); }
  void ask(const insert_product& m) {
    ids.push_back(m.row.id);
    products.push_back(m.row.id);
    handles.row(m.row.store_id, m.row.handle);
  }
  void ask(const update_product& m) {
    products.push_back(m.row.id);
    handles.row(m.row.store_id, m.row.handle);
  }
  void ask(const put_variant& m) {
    variants.push_back(m.row.id);
    skus.row(m.row.store_id, m.row.sku);
  }
  void ask(const insert_level& m) { levels.push_back(m.row.variant_id); }
  void ask(const insert_cart& m) { ids.push_back(m.row.id); }
  void ask(const insert_order& m) { ids.push_back(m.row.id); }
  void ask(const insert_payment& m) { ids.push_back(m.row.id); }
  void ask(const insert_idempotency_key& m) { keys.row(m.store_id, m.caller, m.key); }
  void ask(const insert_review& m) {
    ids.push_back(m.row.id);
    reviews.row(m.row.product_id, m.row.user_id);
  }
  void ask(const insert_review_vote& m) { votes.row(m.review_id, m.user_id); }
  void ask(const insert_import& m) { ids.push_back(m.row.id); }
  void ask(const insert_refund& m) { ids.push_back(m.row.id); }
  void ask(const put_discount& m) {
    if (m.expected_version == 0) {
      ids.push_back(m.row.id);
      discounts.row(m.row.store_id, m.row.code);
    }
  }
  void ask(const put_gift_card& m) {
    if (m.expected_version == 0) {
      ids.push_back(m.row.id);
      cards.row(m.row.store_id, m.row.code_hash);
    }
  }
  void ask(const put_webhook& m) {
    if (m.expected_version == 0)
      ids.push_back(m.row.id);
  }
  void ask(const put_discount_use& m) {
    if (m.once || m.row.given_back)
      uses.row(m.row.store_id, m.row.code, m.row.customer);
  }
  void ask(const insert_reservation& m) { reservations.push_back(m.row.order_id); }
  template <class M>
  void ask(const M&) {
    // nop: cannot run into anything
  }
};

names look_up(connection& db, questions& q) {
  std::vector<call> calls;
  std::vector<void (*)(const result&, int, names&)> readers;
  auto ask = [&](const statement& s, parameters p, void (*reader)(const result&, int, names&)) {
    calls.push_back({&s, std::move(p)});
    readers.push_back(reader);
  };
  if (!q.ids.empty())
    ask(ids_statement, parameters::of(q.ids),
        [](const result& r, int i, names& n) { n.owner[name(name_space::id, r.id(i, 0))] = r.id(i, 0); });
  if (!q.levels.empty())
    ask(levels_statement, parameters::of(q.levels), [](const result& r, int i, names& n) {
      n.owner[name(name_space::id, std::string{"level"}, r.id(i, 0))] = r.id(i, 0);
    });
  if (q.sessions.size() > 0) {
    parameters p;
    p.add(std::move(q.sessions));
    ask(sessions_statement, std::move(p),
        [](const result& r, int i, names& n) { n.owner[name(name_space::session, r.text(i, 0))] = ulid{}; });
  }
  if (!q.handles.empty()) {
    auto p = q.handles.take();
    p.add(q.products);
    ask(handles_statement, std::move(p), [](const result& r, int i, names& n) {
      auto handle = name(name_space::handle, r.id(i, 0), r.text(i, 1));
      n.owner[handle] = r.id(i, 2);
      n.held[name(name_space::handle, r.id(i, 2))] = handle;
    });
  }
  if (!q.skus.empty()) {
    auto p = q.skus.take();
    p.add(q.variants);
    ask(skus_statement, std::move(p), [](const result& r, int i, names& n) {
      auto sku = name(name_space::sku, r.id(i, 0), r.text(i, 1));
      n.owner[sku] = r.id(i, 2);
      n.held[name(name_space::sku, r.id(i, 2))] = sku;
    });
  }
  if (!q.keys.empty())
    ask(keys_statement, q.keys.take(), [](const result& r, int i, names& n) {
      n.owner[name(name_space::key, r.id(i, 0), r.id(i, 1), r.text(i, 2))] = r.id(i, 3);
    });
  if (!q.reviews.empty())
    ask(reviews_statement, q.reviews.take(), [](const result& r, int i, names& n) {
      n.owner[name(name_space::review, r.id(i, 0), r.id(i, 1))] = r.id(i, 2);
    });
  if (!q.votes.empty())
    ask(votes_statement, q.votes.take(), [](const result& r, int i, names& n) {
      n.owner[name(name_space::vote, r.id(i, 0), r.id(i, 1))] = r.id(i, 0);
    });
  if (!q.discounts.empty())
    ask(discounts_statement, q.discounts.take(), [](const result& r, int i, names& n) {
      n.owner[name(name_space::discount, r.id(i, 0), r.text(i, 1))] = r.id(i, 2);
    });
  if (!q.cards.empty())
    ask(cards_statement, q.cards.take(), [](const result& r, int i, names& n) {
      n.owner[name(name_space::card, r.id(i, 0), r.text(i, 1))] = r.id(i, 2);
    });
  if (!q.uses.empty())
    ask(uses_statement, q.uses.take(), [](const result& r, int i, names& n) {
      n.owner[use_name(r.id(i, 0), r.text(i, 1), r.text(i, 2))] = r.id(i, 3);
    });
  if (!q.reservations.empty())
    ask(reservations_statement, parameters::of(q.reservations), [](const result& r, int i, names& n) {
      auto reserved = name(name_space::reservation, r.id(i, 0), r.id(i, 1));
      n.owner[reserved] = r.id(i, 0);
      if (r.int2(i, 2) < static_cast<int>(reservation_state::claimed))
        n.open[r.id(i, 0)].push_back(reserved);
    });
  names out;
  if (calls.empty())
    return out;
  auto results = db.read(calls);
  for (std::size_t c = 0; c < results.size(); ++c)
    for (int i = 0; i < results[c].rows(); ++i)
      readers[c](results[c], i, out);
  return out;
}

/// One write set's changes on top of what is there; merged when the write set is admitted.
class candidate {
public:
  explicit candidate(names& there) : there_(there) {
    // nop
  }

  // Names are let go first, so that a write set may exchange them.
  void let_go(const update_product& m) { give_up(name_space::handle, m.row.id); }
  void let_go(const put_variant& m) { give_up(name_space::sku, m.row.id); }
  void let_go(const delete_cart& m) { changes_.owner[name(name_space::id, m.id)] = std::nullopt; }
  void let_go(const set_reservations& m) {
    if (m.state != reservation_state::released)
      return;
    if (auto found = there_.open.find(m.order_id); found != there_.open.end())
      for (const auto& reserved : found->second)
        changes_.owner[reserved] = std::nullopt;
  }
  void let_go(const put_discount_use& m) {
    if (!m.row.given_back)
      return;
    const auto use = use_name(m.row.store_id, m.row.code, m.row.customer);
    if (owner(use) == m.row.order_id)
      changes_.owner[use] = std::nullopt;
  }
  template <class M>
  void let_go(const M&) {
    // nop
  }

  void claim(const insert_user& m) { fresh_id(m.row.id); }
  void claim(const insert_session& m) { take(name(name_space::session, m.row.hash), {}, refusal::exists, m.row.user_id.str()); }
  void claim(const insert_store& m) { fresh_id(m.row.id); }
  void claim(const insert_product& m) {
    fresh_id(m.row.id);
    take_name(name_space::handle, m.row.store_id, m.row.handle, m.row.id, refusal::handle_taken);
  }
  void claim(const update_product& m) {
    take_name(name_space::handle, m.row.store_id, m.row.handle, m.row.id, refusal::handle_taken);
  }
  void claim(const put_variant& m) {
    if (!m.row.removed && !m.row.sku.empty())
      take_name(name_space::sku, m.row.store_id, m.row.sku, m.row.id, refusal::sku_taken);
  }
  void claim(const insert_level& m) {
    take(name(name_space::id, std::string{"level"}, m.row.variant_id), {}, refusal::exists, m.row.variant_id.str());
  }
  void claim(const insert_cart& m) { fresh_id(m.row.id); }
  void claim(const insert_reservation& m) {
    const auto reserved = name(name_space::reservation, m.row.order_id, m.row.variant_id);
    take(reserved, m.row.order_id, refusal::exists, m.row.order_id.str());
    changes_.open[m.row.order_id].push_back(reserved);
  }
  void claim(const insert_order& m) { fresh_id(m.row.id); }
  void claim(const insert_payment& m) { fresh_id(m.row.id); }
  void claim(const insert_idempotency_key& m) {
    auto key = name(name_space::key, m.store_id, m.caller, m.key);
    const auto user = owner(key);
    take(key, m.order_id, refusal::key_used, user ? user->str() : "");
  }
  void claim(const insert_review& m) {
    fresh_id(m.row.id);
    const auto review = name(name_space::review, m.row.product_id, m.row.user_id);
    const auto first = owner(review);
    take(review, m.row.id, refusal::already_reviewed, first ? first->str() : "");
  }
  void claim(const insert_review_vote& m) {
    take(name(name_space::vote, m.review_id, m.user_id), {}, refusal::already_voted, m.review_id.str());
  }
  void claim(const insert_import& m) { fresh_id(m.row.id); }
  void claim(const insert_refund& m) { fresh_id(m.row.id); }
  void claim(const put_discount& m) {
    if (m.expected_version != 0)
      return;
    fresh_id(m.row.id);
    take(name(name_space::discount, m.row.store_id, m.row.code), m.row.id, refusal::exists, m.row.code);
  }
  void claim(const put_gift_card& m) {
    if (m.expected_version != 0)
      return;
    fresh_id(m.row.id);
    take(name(name_space::card, m.row.store_id, m.row.code_hash), m.row.id, refusal::exists, m.row.id.str());
  }
  void claim(const put_webhook& m) {
    if (m.expected_version == 0)
      fresh_id(m.row.id);
  }
  void claim(const put_discount_use& m) {
    if (!m.once || m.row.given_back)
      return;
    const auto use = use_name(m.row.store_id, m.row.code, m.row.customer);
    if (owner(use) != m.row.order_id)
      take(use, m.row.order_id, refusal::already_used, m.row.code);
  }
  template <class M>
  void claim(const M&) {
    // nop
  }

  const write_result& verdict() const noexcept { return verdict_; }

  void merge() {
    for (auto& [n, o] : changes_.owner)
      there_.owner[n] = o;
    for (auto& [o, n] : changes_.held)
      there_.held[o] = n;
    for (auto& [o, reserved] : changes_.open)
      there_.open[o].insert(there_.open[o].end(), reserved.begin(), reserved.end());
  }

private:
  std::optional<ulid> owner(const std::string& n) const {
    if (auto found = changes_.owner.find(n); found != changes_.owner.end())
      return found->second;
    if (auto found = there_.owner.find(n); found != there_.owner.end())
      return found->second;
    return std::nullopt;
  }
  void give_up(name_space space, const ulid& id) {
    const auto holder = name(space, id);
    auto found = changes_.held.find(holder);
    if (found == changes_.held.end()) {
      found = there_.held.find(holder);
      if (found == there_.held.end())
        return;
    }
    if (!found->second.empty())
      changes_.owner[found->second] = std::nullopt;
    changes_.held[holder] = "";
  }
  void take(const std::string& n, const ulid& id, refusal why, const std::string& detail) {
    if (verdict_.refused == refusal::none && owner(n)) {
      verdict_.refused = why;
      verdict_.detail = detail;
    }
    changes_.owner[n] = id;
  }
  void take_name(name_space space, const ulid& store, const std::string& text, const ulid& id, refusal why) {
    auto n = name(space, store, text);
    const auto other = owner(n);
    if (!other || *other != id)
      take(n, id, why, text);
    changes_.held[name(space, id)] = n;
  }
  void fresh_id(const ulid& id) { take(name(name_space::id, id), id, refusal::exists, id.str()); }

  names& there_;
  names changes_;
  write_result verdict_;
};

} // namespace

std::vector<write_result> admit(connection& db, const batch& b) {
  questions q;
  for (const auto* ws : b.write_sets)
    for (const auto& m : ws->mutations)
      std::visit([&](const auto& x) { q.ask(x); }, m);
  auto there = look_up(db, q);
  std::vector<write_result> out;
  out.reserve(b.write_sets.size());
  for (const auto* ws : b.write_sets) {
    candidate c{there};
    for (const auto& m : ws->mutations)
      std::visit([&](const auto& x) { c.let_go(x); }, m);
    for (const auto& m : ws->mutations)
      std::visit([&](const auto& x) { c.claim(x); }, m);
    if (c.verdict().refused == refusal::none)
      c.merge();
    out.push_back(c.verdict());
  }
  return out;
}

} // namespace souk::storage::postgres
