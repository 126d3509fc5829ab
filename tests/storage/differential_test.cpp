// The simulated store is only worth something if it answers as PostgreSQL does. Random batches over a handful
// of ids, so that they collide often, go to every store; outcomes, answers and rows must be the same.

#include "storage/shop_rows.hpp"
#include "storage/simulated/fault_plan.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

using namespace souk::storage;
using namespace souk::tests;
using kind = commit_outcome::kind;

namespace {

/// A few rows of one store, and commands on them as actors would send them: they believe in versions and rows
/// as they would be if every command of the batch was carried out, which is not always so.
class small_world {
public:
  small_world(shard_id shard, std::uint64_t seed)
    : store(new_store(shard)), product(new_product(store.id)), random_(seed), shard_(shard) {
    for (std::int32_t i = 0; i < 3; ++i) {
      variants.push_back(new_variant(product, i + 1));
      users.push_back(new_user(shard));
      carts.push_back(new_cart(store.id, users.back().id));
      reviews.push_back(new_review(product, users[static_cast<std::size_t>(i / 2)].id));
      products.push_back(new_product(store.id));
      products.back().handle = "handle-" + std::to_string(i / 2); // the first two want the same
    }
    for (int i = 0; i < 6; ++i) {
      orders.push_back(new_order(store.id, users[static_cast<std::size_t>(i % 3)].id));
      payments.push_back(new_payment(orders.back()));
    }
  }

  write_set founding() const {
    auto ws = in_shard(shard_, insert_store{store}, insert_product{product});
    for (const auto& v : variants) {
      ws.mutations.emplace_back(put_variant{v});
      ws.mutations.emplace_back(level_of(v));
      ws.mutations.emplace_back(moved(v, 4, 0, "initial"));
    }
    return ws;
  }

  std::vector<write_set> next_batch(entity_reader& r) {
    for (auto& user : users)
      believe(user, r.load_user(user.id), [](const auto& x) { return x.user.version; });
    for (auto& cart : carts)
      believe(cart, r.load_cart(cart.store_id, cart.user_id), [](const auto& x) { return x.version; });
    for (auto& order : orders)
      believe(order, r.load_order(order.id), [](const auto& x) { return x.order.version; });
    skus_.clear();
    auto loaded = r.load_product(product.id).value();
    for (const auto& variant : loaded.variants)
      skus_[variant.id] = variant.sku;
    wanted_.clear();
    changed_carts_.clear();
    std::vector<write_set> out(1 + random_.below(6));
    for (auto& ws : out) {
      ws.shard = shard_;
      add_command(ws.mutations);
      if (random_.chance(0.2))
        add_command(ws.mutations);
    }
    return out;
  }

  store_row store;
  product_row product;
  std::vector<variant_row> variants;
  std::vector<user_row> users;
  std::vector<cart_row> carts;
  std::vector<review_row> reviews;
  std::vector<product_row> products;
  std::vector<order_row> orders;
  std::vector<payment_row> payments;

private:
  template <class T>
  T& any(std::vector<T>& of) {
    return of[random_.below(of.size())];
  }

  template <class Row, class Loaded, class Version>
  void believe(Row& row, const std::optional<Loaded>& loaded, Version version) {
    row.version = loaded ? version(*loaded) : 1;
    if (loaded)
      there_.insert(row.id);
    else
      there_.erase(row.id);
  }

  /// Whether to update the row: seldom when it is not there, which fails.
  bool worth_updating(const ulid& id) { return there_.contains(id) || random_.chance(0.05); }

  void add_command(std::vector<mutation>& out) {
    switch (random_.below(13)) {
      case 0: {
        const auto& user = any(users);
        out.emplace_back(insert_user{user});
        there_.insert(user.id);
        break;
      }
      case 1: {
        auto& user = any(users);
        if (!worth_updating(user.id))
          break;
        out.emplace_back(update_user{user, user.version});
        ++user.version;
        break;
      }
      case 2:
        out.emplace_back(insert_product{any(products)});
        break;
      case 3: { // SKUs wander between variants
        auto variant = any(variants);
        // Whether one may ask for a SKU that another gives up later in the batch is left to the store.
        if (!skus_.contains(variant.id) || wanted_.contains(skus_[variant.id]))
          break;
        variant.sku = random_.chance(0.3) ? "" : "sku-" + std::to_string(random_.below(3));
        variant.removed = random_.chance(0.2);
        variant.price = static_cast<std::int64_t>(random_.below(1000));
        out.emplace_back(put_variant{variant});
        skus_.erase(variant.id);
        wanted_.insert(variant.sku);
        break;
      }
      case 4: {
        const auto& cart = any(carts);
        out.emplace_back(insert_cart{cart});
        there_.insert(cart.id);
        changed_carts_.insert(cart.id);
        break;
      }
      case 5: {
        auto& cart = any(carts);
        if (!worth_updating(cart.id))
          break;
        cart.lines[0].quantity = static_cast<std::int64_t>(random_.below(100));
        out.emplace_back(update_cart{cart, cart.version});
        changed_carts_.insert(cart.id);
        if (random_.chance(0.95))
          ++cart.version;
        break;
      }
      case 6: {
        const auto& cart = any(carts);
        // Whether something was wrong about a cart that is gone at the end of the batch is left to the store.
        if (changed_carts_.contains(cart.id))
          break;
        out.emplace_back(delete_cart{cart.id, cart.store_id});
        there_.erase(cart.id);
        break;
      }
      case 7: {
        const auto& order = any(orders);
        const auto& variant = any(variants);
        auto quantity = 1 + static_cast<std::int64_t>(random_.below(3));
        out.emplace_back(insert_order{order, {item_of(order, variant, quantity)}});
        out.emplace_back(reserved(order, variant, quantity));
        out.emplace_back(moved(variant, 0, quantity, "reserved"));
        if (random_.chance(0.6)) {
          auto key = key_of(order, "key-" + std::to_string(random_.below(2)));
          key.body_hash = {};
          out.emplace_back(key);
        }
        out.emplace_back(event_about(order.id, "order.created"));
        there_.insert(order.id);
        break;
      }
      case 8: {
        auto& order = any(orders);
        if (!worth_updating(order.id))
          break;
        order.status = random_.chance(0.5) ? order_status::paid : order_status::cancelled;
        order.note = std::to_string(random_.below(1000));
        out.emplace_back(update_order{order, order.version});
        auto state = static_cast<reservation_state>(1 + random_.below(4));
        out.emplace_back(all_reservations(order, state, at(static_cast<std::int64_t>(random_.below(9)))));
        out.emplace_back(event_about(order.id, "order.updated"));
        if (random_.chance(0.95))
          ++order.version;
        break;
      }
      case 9: {
        const auto& payment = any(payments);
        if (worth_updating(payment.order_id))
          out.emplace_back(insert_payment{payment});
        break;
      }
      case 10:
        out.emplace_back(insert_review{any(reviews)});
        break;
      case 11: {
        const auto& variant = any(variants);
        auto delta = static_cast<std::int64_t>(random_.below(5)) - 1;
        out.emplace_back(moved(variant, delta, 0, "adjusted"));
        out.emplace_back(event_about(variant.id, "inventory.changed"));
        break;
      }
      case 12: { // money that came late
        const auto& order = any(orders);
        const auto& variant = any(variants);
        if (!worth_updating(order.id))
          break;
        out.emplace_back(reserved(order, variant, 1));
        out.emplace_back(moved(variant, 0, 1, "reserved"));
        break;
      }
    }
  }

  simulated::random_source random_;
  shard_id shard_;
  std::set<ulid> there_;
  std::map<ulid, std::string> skus_; ///< of variants that no command of the batch has changed
  std::set<std::string> wanted_;     ///< by commands of the batch
  std::set<ulid> changed_carts_;     ///< by commands of the batch
};

/// A command as a failing batch is best understood: with the ids on which it can meet others.
struct description {
  std::string operator()(const insert_reservation& m) const {
    return "reserve " + tail(m.row.order_id) + '/' + tail(m.row.variant_id);
  }
  std::string operator()(const set_reservations& m) const {
    return "reservations of " + tail(m.order_id) + " to " + std::to_string(static_cast<int>(m.state));
  }
  std::string operator()(const insert_order& m) const { return "order " + tail(m.row.id); }
  std::string operator()(const insert_cart& m) const { return "cart " + tail(m.row.id); }
  std::string operator()(const update_cart& m) const { return "update cart " + tail(m.row.id); }
  std::string operator()(const delete_cart& m) const { return "delete cart " + tail(m.id); }
  std::string operator()(const insert_user& m) const { return "user " + tail(m.row.id); }
  std::string operator()(const insert_product& m) const {
    return "product " + tail(m.row.id) + ' ' + m.row.handle;
  }
  std::string operator()(const insert_payment& m) const { return "payment " + tail(m.row.id); }
  std::string operator()(const put_variant& m) const {
    return "variant " + tail(m.row.id) + " sku '" + m.row.sku + '\'';
  }
  std::string operator()(const insert_idempotency_key& m) const { return m.key + " of " + tail(m.caller); }
  template <class M>
  std::string operator()(const M&) const {
    return {};
  }
  static std::string tail(const ulid& id) { return id.str().substr(20); }
};

std::string described(const std::vector<write_set>& sets) {
  std::string out;
  for (const auto& ws : sets) {
    out += "\n  -";
    for (const auto& m : ws.mutations)
      if (auto text = std::visit(description{}, m); !text.empty())
        out += ' ' + text + ';';
  }
  return out;
}

std::string told(const commit_outcome& out) {
  std::ostringstream text;
  text << (out.what == kind::committed ? "committed"
           : out.what == kind::failed  ? "failed"
                                       : "something else");
  for (const auto& r : out.results) // which of several rows it was that existed is nobody's business
    text << " [" << static_cast<int>(r.refused) << ' ' << (r.refused == refusal::exists ? "" : r.detail)
         << ' ' << r.drawn_number << ']';
  return text.str();
}

/// What a reader sees of the world, as text.
std::string seen(store_under_test& db, const small_world& w, shard_id shard, std::int64_t from_seq) {
  std::ostringstream text;
  auto& r = db.reader();
  for (const auto& u : w.users) {
    auto x = r.load_user(u.id);
    text << "user " << (x ? std::to_string(x->user.version) : "-") << '\n';
  }
  for (const auto& p : w.products) {
    auto x = r.load_product(p.id);
    text << "product " << (x ? x->product.handle : "-") << '\n';
  }
  auto product = r.load_product(w.product.id).value();
  for (const auto& v : product.variants)
    text << "variant " << v.position << ' ' << v.sku << ' ' << v.price << ' ' << v.removed << '\n';
  for (const auto& v : w.variants) {
    auto x = r.load_stock(v.id).value();
    text << "level " << x.level.on_hand << ' ' << x.level.reserved;
    std::sort(x.open.begin(), x.open.end(),
              [](const auto& a, const auto& b) { return a.order_id < b.order_id; });
    for (const auto& o : x.open)
      text << " (" << o.order_id.str() << ' ' << o.quantity << ' ' << static_cast<int>(o.state) << ')';
    text << '\n';
  }
  for (const auto& c : w.carts) {
    auto x = r.load_cart(c.store_id, c.user_id);
    text << "cart " << (x ? std::to_string(x->version) + " of " + std::to_string(x->lines[0].quantity) : "-")
         << '\n';
  }
  for (const auto& o : w.orders) {
    auto x = r.load_order(o.id);
    text << "order ";
    if (x) {
      text << x->order.number << ' ' << static_cast<int>(x->order.status) << ' ' << x->order.note << ' '
           << x->order.version << " items " << x->items.size() << " payments " << x->payments.size();
      for (const auto& h : x->reservations)
        text << " (" << static_cast<int>(h.state) << ' '
             << (h.state == reservation_state::held ? h.deadline.time_since_epoch().count() : 0) << ')';
    }
    text << '\n';
  }
  for (const auto& x : w.reviews)
    text << "review " << r.load_review(x.id).has_value() << '\n';
  for (const auto& u : w.users)
    for (auto key : {"key-0", "key-1"}) {
      auto x = r.load_idempotency(w.store.id, u.id, key);
      text << "key " << (x ? x->order_id.str() : "-") << '\n';
    }
  for (const auto& e : db.outbox().read(shard, from_seq, 1'000'000, 1000))
    text << "event " << e.seq - from_seq << ' ' << e.event.topic << ' ' << e.event.subject.str() << '\n';
  return text.str();
}

} // namespace

TEST_CASE("random batches have the same outcome, answers and rows on every store", "[differential]") {
  const auto& all = stores();
  std::vector<owned_shard> shards;
  for (auto* db : all)
    shards.emplace_back(*db);
  for (auto& s : shards)
    REQUIRE(s.id() == shards[0].id()); // every case uses as many shards of one store as of the others

  int committed = 0, failed = 0, refused = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    small_world w(shards[0].id(), seed);
    std::vector<std::int64_t> from;
    for (auto& s : shards) {
      s.write_set(w.founding());
      from.push_back(s.held.seq);
    }
    for (int round = 0; round < 6; ++round) {
      auto sets = w.next_batch(all[0]->reader());
      auto expected = shards[0].commit(sets);
      (expected.what == kind::committed ? committed : failed) += 1;
      for (const auto& r : expected.results)
        refused += r.refused != refusal::none;
      for (std::size_t i = 1; i < shards.size(); ++i) {
        auto out = shards[i].commit(sets);
        CAPTURE(round, all[i]->name(), expected.error, out.error);
        INFO(described(sets));
        REQUIRE(told(out) == told(expected));
      }
    }
    for (std::size_t i = 1; i < shards.size(); ++i)
      REQUIRE(seen(*all[i], w, shards[i].id(), from[i]) == seen(*all[0], w, shards[0].id(), from[0]));
  }
  INFO(committed << " committed, " << failed << " failed, " << refused << " write sets refused");
  CHECK(committed > 100); // the world is neither too smooth nor too rough to tell anything
  CHECK(failed > 30);
  CHECK(refused > 100);
}
