#include "storage/postgres/write_plan.hpp"

#include "storage/postgres/json_life.hpp"
#include "storage/postgres/json_text.hpp"
#include "storage/postgres/write_plan_life.hpp"
#include "storage/postgres/write_statements.hpp"

#include <bitset>
#include <map>
#include <unordered_map>

namespace souk::storage::postgres {

namespace {

struct id_pair {
  ulid first, second;
  auto operator<=>(const id_pair&) const = default;
};

struct id_pair_hash {
  std::size_t operator()(const id_pair& x) const noexcept {
    return std::hash<ulid>{}(x.first) * 31 + std::hash<ulid>{}(x.second);
  }
};

template <class V>
using by_id = std::unordered_map<ulid, V>;
template <class V>
using by_pair = std::unordered_map<id_pair, V, id_pair_hash>;

/// Updates of rows with a version, one per row: the first expected version, the last content.
template <class Row>
struct versioned_updates {
  struct entry {
    const Row* row = nullptr;
    std::int64_t expected = 0;
    std::int64_t version = 0;
  };

  void add(const Row& row, std::int64_t expected, const char* what) {
    auto [it, fresh] = rows.try_emplace(row.id, entry{&row, expected, expected + 1});
    if (fresh)
      return;
    if (it->second.version != expected)
      throw refused_batch{std::string{what} + " " + row.id.str() + ": version " + std::to_string(it->second.version)
                          + " in this batch, expected " + std::to_string(expected)};
    it->second.row = &row;
    it->second.version = expected + 1;
  }

  by_id<entry> rows;
};

/// Collects the rows of a batch; `take` turns them into calls.
class collector {
public:
  collector(const batch& b, plan_options options) : options_(options) {
    for (std::size_t i = 0; i < b.fences.size(); ++i) {
      if (i > 0 && b.fences[i - 1].shard >= b.fences[i].shard)
        throw refused_batch{"the fences of a batch name each shard once, in shard order"};
      next_seq_[b.fences[i].shard] = b.fences[i].seq + 1;
      fenced_.set(b.fences[i].shard);
    }
  }

  void write(const write_set& ws) {
    shard_ = ws.shard;
    if (!fenced_.test(shard_))
      throw refused_batch{"a write set of shard " + std::to_string(shard_) + " came without its fence"};
    for (const auto& m : ws.mutations)
      std::visit([this](const auto& x) { add(x); }, m);
  }

  write_plan take(const batch& b);

private:
  /// The shard bits are what makes ownership mean something: a row elsewhere would be outside every fence.
  void at_home(const ulid& id, const char* what) const {
    if (id.shard() != shard_)
      throw refused_batch{std::string{what} + " " + id.str() + " does not lie in shard " + std::to_string(shard_)};
  }

  template <class M>
  void add(const M& m) { // what comes after an order is placed, see write_plan_life
    life_.add(m, shard_, next_seq_[shard_]);
  }
  void add(const insert_user& m) {
    at_home(m.row.id, "user");
    const auto& r = m.row;
    users_.row(r.id, number_of(r.kind), r.email, r.name, r.password_hash, r.version, r.created_at);
  }
  void add(const update_user& m) {
    at_home(m.row.id, "user");
    user_updates_.add(m.row, m.expected_version, "user");
  }
  void add(const insert_session& m) {
    at_home(m.row.user_id, "session of user");
    sessions_[m.row.hash] = &m.row;
  }
  void add(const delete_session& m) {
    at_home(m.user_id, "session of user");
    sessions_.erase(m.hash);
    session_deletes_.row(bytes_view{m.hash}, m.user_id);
  }
  void add(const put_user_cart& m) {
    at_home(m.row.user_id, "cart of user");
    auto& latest = user_carts_[{m.row.user_id, m.row.store_id}];
    if (latest == nullptr || latest->touched_at < m.row.touched_at)
      latest = &m.row;
  }
  void add(const delete_user_cart& m) {
    at_home(m.user_id, "cart of user");
    user_carts_.erase({m.user_id, m.store_id});
    user_cart_deletes_.row(m.user_id, m.store_id);
  }
  void add(const put_user_order& m) {
    at_home(m.row.user_id, "order of user");
    user_orders_.row(m.row.user_id, m.row.order_id, m.row.store_id, m.row.placed_at);
  }

  void add(const insert_store& m) {
    at_home(m.row.id, "store");
    const auto& r = m.row;
    stores_.row(r.id, r.owner_id, r.name, r.slug, r.currency, r.tax_rate_ppm, r.tax_inclusive,
                jsonb_text{to_json(r.shipping_zones)}, r.logo_url, r.description, number_of(r.status), r.version, r.created_at,
                r.updated_at, jsonb_text{to_json(r.settings)});
    counters_.row(r.id);
  }
  void add(const update_store& m) {
    at_home(m.row.id, "store");
    store_updates_.add(m.row, m.expected_version, "store");
  }

  void add(const insert_product& m) {
    at_home(m.row.id, "product");
    at_home(m.row.store_id, "store of product");
    const auto& r = m.row;
    products_.row(r.id, r.store_id, r.handle, r.title, r.description, r.vendor, r.category, r.product_type,
                  jsonb_text{to_json(r.tags)}, number_of(r.status), jsonb_text{to_json(r.options)},
                  jsonb_text{to_json(r.images)}, r.seo_title, r.seo_description, r.version, r.created_at, r.updated_at);
  }
  void add(const update_product& m) {
    at_home(m.row.id, "product");
    product_updates_.add(m.row, m.expected_version, "product");
  }
  void add(const put_variant& m) {
    at_home(m.row.id, "variant");
    at_home(m.row.store_id, "store of variant");
    variants_[m.row.id] = &m.row;
  }
  void add(const insert_level& m) {
    at_home(m.row.variant_id, "level of variant");
    if (m.row.on_hand != 0 || m.row.reserved != 0)
      throw refused_batch{"level of variant " + m.row.variant_id.str() + " does not start empty"};
    levels_.row(m.row.variant_id, m.row.store_id, m.row.backorder, m.row.low_stock_threshold);
  }
  void add(const set_level_policy& m) {
    at_home(m.variant_id, "level of variant");
    auto& s = stock_of(m.variant_id, m.store_id);
    s.policy = &m;
  }
  void add(const move_stock& m) {
    at_home(m.variant_id, "level of variant");
    auto& s = stock_of(m.variant_id, m.store_id);
    s.on_hand += m.on_hand_delta;
    s.reserved += m.reserved_delta;
    history_.row(m.variant_id, next_seq_[shard_], history_n_[shard_]++, m.store_id, m.on_hand_delta, m.reserved_delta, m.reason,
                 unless_nil(m.order_id), unless_nil(m.by), m.note, m.at);
  }

  void add(const insert_cart& m) {
    at_home(m.row.id, "cart");
    at_home(m.row.store_id, "store of cart");
    if (!carts_.emplace(m.row.id, &m.row).second)
      throw refused_batch{"cart " + m.row.id.str() + " is made twice"};
  }
  void add(const update_cart& m) {
    at_home(m.row.id, "cart");
    cart_updates_.add(m.row, m.expected_version, "cart");
  }
  void add(const delete_cart& m) {
    at_home(m.id, "cart");
    carts_.erase(m.id);
    cart_updates_.rows.erase(m.id);
    cart_deletes_.row(m.id, m.store_id);
  }

  void add(const insert_order& m) {
    at_home(m.row.id, "order");
    at_home(m.row.store_id, "store of order");
    const auto& r = m.row;
    order_stores_.push_back(r.store_id);
    orders_.row(r.id, r.store_id, r.user_id, number_of(r.status), number_of(r.payment), r.currency, r.subtotal, r.shipping,
                r.tax, r.total, json_text{to_json(r.address)}, r.shipping_method, r.email, r.note, r.version, r.created_at,
                r.updated_at, r.discount, r.gift_card, r.refunded, number_of(r.fulfilment), r.language, r.recovered,
                json_text{to_json(r.pricing)});
    if (!r.carrier.empty() || !r.tracking_number.empty() || !r.tracking_url.empty())
      order_updates_.rows.try_emplace(r.id, versioned_updates<order_row>::entry{&r, r.version, r.version});
    for (const auto& i : m.items) {
      if (i.order_id != r.id || i.store_id != r.store_id)
        throw refused_batch{"an item of order " + r.id.str() + " belongs to another order or store"};
      items_.row(i.order_id, i.line, i.store_id, i.product_id, i.variant_id, i.sku, i.title, i.variant_title, i.quantity,
                 i.unit_price, i.tax, i.total, i.discount, i.tax_rate_ppm, i.grams, i.requires_shipping);
    }
  }
  void add(const update_order& m) {
    at_home(m.row.id, "order");
    order_updates_.add(m.row, m.expected_version, "order");
  }
  void add(const insert_reservation& m) {
    at_home(m.row.order_id, "reservation of order");
    at_home(m.row.variant_id, "reserved variant");
    auto& row = reservations_[{m.row.order_id, m.row.variant_id}];
    if (row && row->state != reservation_state::released)
      throw refused_batch{"order " + m.row.order_id.str() + " reserves variant " + m.row.variant_id.str() + " twice"};
    row = m.row;
    reserving_orders_[m.row.order_id].push_back(m.row.variant_id);
  }
  void add(const set_reservations& m);

  void add(const insert_payment& m) {
    at_home(m.row.id, "payment");
    const auto& r = m.row;
    payments_.row(r.id, r.order_id, r.store_id, r.provider, r.method_token, r.amount, r.currency, number_of(r.state),
                  r.provider_reference, r.error_code, r.action_url, r.created_at, r.updated_at, r.captured, r.refunded);
  }
  void add(const update_payment& m) {
    at_home(m.row.id, "payment");
    payment_updates_[m.row.id] = &m.row;
  }
  void add(const insert_idempotency_key& m) {
    at_home(m.store_id, "store of key");
    at_home(m.order_id, "order of key");
    keys_.row(m.store_id, m.caller, m.key, bytes_view{m.body_hash}, m.order_id, m.at);
  }

  void add(const insert_review& m) {
    at_home(m.row.id, "review");
    const auto& r = m.row;
    reviews_.row(r.id, r.product_id, r.store_id, r.user_id, r.author, r.rating, r.comment, r.verified, r.helpful, r.created_at);
    auto& sum = ratings_[{r.product_id, r.store_id}];
    ++sum.first;
    sum.second += r.rating;
  }
  void add(const insert_review_vote& m) {
    at_home(m.review_id, "review");
    votes_.row(m.review_id, m.user_id, m.store_id, m.product_id);
    auto& votes = helpful_[m.review_id];
    votes.vote = &m;
    ++votes.count;
  }

  void add(const insert_import& m) {
    at_home(m.row.id, "import");
    const auto& r = m.row;
    imports_.row(r.id, r.store_id, number_of(r.status), r.products, r.variants, jsonb_text{to_json(r.errors)}, r.created_at,
                 r.updated_at);
  }
  void add(const update_import& m) {
    at_home(m.row.id, "import");
    import_updates_[m.row.id] = &m.row;
  }

  void add(const emit_event& m) {
    at_home(m.subject, "event about");
    outbox_.row(static_cast<std::int16_t>(shard_), next_seq_[shard_], outbox_n_[shard_]++, unless_nil(m.store_id), m.topic,
                m.subject, json_text{to_json(m.fields)}, m.at);
  }

  struct stock_change {
    ulid store_id;
    std::int64_t on_hand = 0;
    std::int64_t reserved = 0;
    const set_level_policy* policy = nullptr;
  };
  stock_change& stock_of(const ulid& variant, const ulid& store) {
    auto& s = stock_.try_emplace(variant, stock_change{store}).first->second;
    if (s.store_id != store)
      throw refused_batch{"variant " + variant.str() + " cannot belong to two stores"};
    return s;
  }

  // Each adds the calls of its part to the plan.
  void take_users(write_plan& plan);
  void take_catalog(write_plan& plan);
  void take_carts(write_plan& plan);
  void take_orders(write_plan& plan);
  void take_stock(write_plan& plan);
  void take_reviews(write_plan& plan);

  static void put(write_plan& plan, const statement& what, column_arrays& rows) {
    if (!rows.empty())
      plan.calls.push_back({&what, rows.take()});
  }

  plan_options options_;
  shard_id shard_ = 0;
  std::bitset<shard_count> fenced_;
  std::array<std::int64_t, shard_count> next_seq_{};
  std::array<std::int32_t, shard_count> history_n_{};
  std::array<std::int32_t, shard_count> outbox_n_{};

  column_arrays users_, session_deletes_, user_cart_deletes_, user_orders_;
  versioned_updates<user_row> user_updates_;
  std::map<token_hash, const session_row*> sessions_;
  by_pair<const user_cart_row*> user_carts_;

  column_arrays stores_, counters_, products_, levels_;
  versioned_updates<store_row> store_updates_;
  versioned_updates<product_row> product_updates_;
  by_id<const variant_row*> variants_;
  by_id<stock_change> stock_;
  column_arrays history_;

  by_id<const cart_row*> carts_;
  versioned_updates<cart_row> cart_updates_;
  column_arrays cart_deletes_;

  column_arrays orders_, items_, payments_, keys_;
  std::vector<ulid> order_stores_; ///< of the orders, in their order
  versioned_updates<order_row> order_updates_;
  by_pair<std::optional<reservation_row>> reservations_;
  by_id<std::vector<ulid>> reserving_orders_;
  struct reservation_change {
    ulid store_id;
    reservation_state state;
    std::optional<timestamp> deadline;
  };
  by_id<reservation_change> reservation_changes_;
  by_id<const payment_row*> payment_updates_;

  column_arrays reviews_, votes_, imports_, outbox_;
  by_pair<std::pair<std::int64_t, std::int64_t>> ratings_;
  struct review_votes {
    const insert_review_vote* vote = nullptr;
    std::int64_t count = 0;
  };
  by_id<review_votes> helpful_;
  by_id<const import_row*> import_updates_;
  life_rows life_;
};

bool is_open(reservation_state s) {
  return s == reservation_state::held || s == reservation_state::pinned;
}

// The rows in the database are changed before this batch's reservations are inserted, so that a later insert of the same order
// stays what it says; those inserted earlier in the batch are changed here.
void collector::add(const set_reservations& m) {
  at_home(m.order_id, "reservation of order");
  const bool held = m.state == reservation_state::held;
  if (auto inserted = reserving_orders_.find(m.order_id); inserted != reserving_orders_.end())
    for (const auto& variant : inserted->second) {
      auto& row = reservations_[{m.order_id, variant}];
      if (!row || !is_open(row->state))
        continue;
      row->state = m.state;
      if (held)
        row->deadline = m.deadline;
    }
  auto [it, fresh] = reservation_changes_.try_emplace(m.order_id, reservation_change{m.store_id, m.state, std::nullopt});
  if (!fresh && !is_open(it->second.state))
    return; // claimed and released are final
  it->second.state = m.state;
  if (held)
    it->second.deadline = m.deadline;
}

void collector::take_users(write_plan& plan) {
  put(plan, writes::insert_users, users_);
  column_arrays updates, sessions, carts;
  for (const auto& [id, u] : user_updates_.rows)
    updates.row(id, u.expected, u.version, number_of(u.row->kind), u.row->email, u.row->name, u.row->password_hash);
  put(plan, writes::update_users, updates);
  put(plan, writes::delete_sessions, session_deletes_);
  for (const auto& [hash, s] : sessions_)
    sessions.row(bytes_view{hash}, s->user_id, number_of(s->kind), unless_nil(s->store_id), s->label, s->created_at,
                 s->expires_at);
  put(plan, writes::insert_sessions, sessions);
  put(plan, writes::delete_user_carts, user_cart_deletes_);
  for (const auto& [key, c] : user_carts_)
    carts.row(c->user_id, c->store_id, c->cart_id, c->touched_at);
  put(plan, writes::put_user_carts, carts);
  put(plan, writes::put_user_orders, user_orders_);
}

void collector::take_catalog(write_plan& plan) {
  put(plan, writes::insert_stores, stores_);
  put(plan, writes::insert_counters, counters_);
  column_arrays stores, parked, products, blanked, variants;
  for (const auto& [id, u] : store_updates_.rows) {
    const auto& r = *u.row;
    stores.row(id, u.expected, u.version, r.name, r.slug, r.currency, r.tax_rate_ppm, r.tax_inclusive,
               jsonb_text{to_json(r.shipping_zones)}, r.logo_url, r.description, number_of(r.status), r.updated_at,
               jsonb_text{to_json(r.settings)});
  }
  put(plan, writes::update_stores, stores);
  for (const auto& [id, u] : product_updates_.rows) {
    const auto& r = *u.row;
    if (options_.careful)
      parked.row(id, r.handle);
    products.row(id, r.store_id, u.expected, u.version, r.handle, r.title, r.description, r.vendor, r.category, r.product_type,
                 jsonb_text{to_json(r.tags)}, number_of(r.status), jsonb_text{to_json(r.options)},
                 jsonb_text{to_json(r.images)}, r.seo_title, r.seo_description, r.updated_at);
  }
  put(plan, writes::park_handles, parked);
  put(plan, writes::insert_products, products_);
  put(plan, writes::update_products, products);
  for (const auto& [id, v] : variants_) {
    if (options_.careful)
      blanked.row(id, v->sku, v->removed);
    variants.row(id, v->store_id, v->product_id, v->position, v->sku, v->barcode, jsonb_text{to_json(v->option_values)}, v->price,
                 v->compare_at, v->grams, json_text{to_json(v->attributes)}, v->requires_shipping, v->taxable, v->removed,
                 v->image_url);
  }
  put(plan, writes::blank_skus, blanked);
  put(plan, writes::put_variants, variants);
  put(plan, writes::insert_levels, levels_);
}

void collector::take_carts(write_plan& plan) {
  put(plan, writes::delete_carts, cart_deletes_);
  column_arrays inserts, updates;
  for (const auto& [id, c] : carts_)
    inserts.row(id, c->store_id, c->user_id, jsonb_text{to_json(c->lines)}, c->version, c->updated_at, c->expires_at,
                unless_epoch(c->reminded_at));
  put(plan, writes::insert_carts, inserts);
  for (const auto& [id, u] : cart_updates_.rows)
    updates.row(id, u.row->store_id, u.row->user_id, u.expected, u.version, jsonb_text{to_json(u.row->lines)},
                u.row->updated_at, u.row->expires_at, unless_epoch(u.row->reminded_at));
  put(plan, writes::update_carts, updates);
}

void collector::take_orders(write_plan& plan) {
  if (!orders_.empty()) {
    by_id<std::int64_t> counts;
    for (const auto& store : order_stores_)
      ++counts[store];
    column_arrays draws;
    for (const auto& [store, n] : counts)
      draws.row(store, n);
    put(plan, writes::draw_numbers, draws);
    auto arguments = orders_.take();
    array_parameter back; // how far each order's number lies behind the store's next one
    for (const auto& store : order_stores_)
      back.add(counts[store]--);
    arguments.add(std::move(back));
    plan.numbers_at = static_cast<int>(plan.calls.size());
    plan.calls.push_back({&writes::insert_orders, std::move(arguments)});
  }
  put(plan, writes::insert_items, items_);
  column_arrays orders, changes, reservations, payments;
  for (const auto& [id, u] : order_updates_.rows) {
    const auto& r = *u.row;
    orders.row(id, r.store_id, u.expected, u.version, number_of(r.status), number_of(r.payment), r.note, r.carrier,
               r.tracking_number, r.tracking_url, r.updated_at, r.refunded, number_of(r.fulfilment));
  }
  put(plan, writes::update_orders, orders);
  for (const auto& [order, c] : reservation_changes_)
    changes.row(order, c.store_id, number_of(c.state), c.deadline);
  put(plan, writes::set_reservations, changes);
  for (const auto& [key, r] : reservations_)
    reservations.row(r->order_id, r->variant_id, r->store_id, r->quantity, number_of(r->state), r->deadline);
  put(plan, options_.careful ? writes::replace_reservations : writes::insert_reservations, reservations);
  put(plan, writes::insert_payments, payments_);
  for (const auto& [id, p] : payment_updates_)
    payments.row(id, p->store_id, p->order_id, number_of(p->state), p->provider_reference, p->error_code, p->action_url,
                 p->updated_at, p->captured, p->refunded);
  put(plan, writes::update_payments, payments);
  put(plan, writes::insert_keys, keys_);
}

void collector::take_stock(write_plan& plan) {
  column_arrays moves, moves_and_policies;
  for (const auto& [variant, s] : stock_)
    if (s.policy != nullptr)
      moves_and_policies.row(variant, s.store_id, s.on_hand, s.reserved, s.policy->backorder, s.policy->low_stock_threshold);
    else
      moves.row(variant, s.store_id, s.on_hand, s.reserved);
  put(plan, writes::move_stock, moves);
  put(plan, writes::move_stock_and_policy, moves_and_policies);
  put(plan, writes::insert_history, history_);
}

void collector::take_reviews(write_plan& plan) {
  put(plan, writes::insert_reviews, reviews_);
  column_arrays ratings, helpful, imports;
  for (const auto& [key, sum] : ratings_)
    ratings.row(key.first, key.second, sum.first, sum.second);
  put(plan, writes::add_ratings, ratings);
  put(plan, writes::insert_votes, votes_);
  for (const auto& [review, v] : helpful_)
    helpful.row(review, v.vote->store_id, v.vote->product_id, v.count);
  put(plan, writes::add_helpful, helpful);
  put(plan, writes::insert_imports, imports_);
  for (const auto& [id, r] : import_updates_)
    imports.row(id, r->store_id, number_of(r->status), r->products, r->variants, jsonb_text{to_json(r->errors)}, r->updated_at);
  put(plan, writes::update_imports, imports);
}

write_plan collector::take(const batch& b) {
  write_plan plan;
  column_arrays fences;
  for (const auto& f : b.fences)
    fences.row(static_cast<std::int16_t>(f.shard), f.epoch, f.seq);
  put(plan, writes::fence, fences);
  take_users(plan);
  take_catalog(plan);
  take_carts(plan);
  take_orders(plan);
  take_stock(plan);
  take_reviews(plan);
  life_.take(plan);
  put(plan, writes::insert_outbox, outbox_);
  return plan;
}

} // namespace

write_plan plan_writes(const batch& b, const std::vector<write_result>& refused, plan_options options) {
  try {
    collector rows{b, options};
    for (std::size_t i = 0; i < b.write_sets.size(); ++i)
      if (refused[i].refused == refusal::none)
        rows.write(*b.write_sets[i]);
    return rows.take(b);
  } catch (const refused_batch& e) {
    write_plan out;
    out.error = e.why;
    return out;
  }
}

} // namespace souk::storage::postgres
