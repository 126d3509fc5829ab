#include "unit/small_shop.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace souk;
using namespace souk::actors;
using namespace std::chrono_literals;
using runtime::delivery;
using tests::small_shop;

namespace {

/// The merchant of the small shop, at work on the catalog.
struct merchant {
  small_shop& shop;
  caller by;

  explicit merchant(small_shop& s) : shop(s) { by.user = s.rows().stores.at(s.store()).owner_id; }

  storage::ulid fresh() {
    auto id = shop.new_user_id();
    id.bytes[6] = shop.store().shard();
    return id;
  }
  create_product tea(std::string sku = "TEA", std::int64_t stock = 5) const {
    create_product c;
    c.by = by;
    c.store_id = shop.store();
    c.product.title = "Green Tea";
    c.variants.resize(1);
    c.variants[0].row.sku = std::move(sku);
    c.variants[0].row.price = 500;
    c.variants[0].stock = stock;
    return c;
  }
  tests::reply<product_written> create(create_product c) {
    if (c.product.id.is_nil())
      c.product.id = fresh();
    return shop.ask<product_written>(product_at(c.product.id), c, delivery::create);
  }
  tests::reply<product_written> change(const storage::ulid& product,
                                       std::function<void(change_product&)> wish) {
    change_product c;
    c.by = by;
    c.store_id = shop.store();
    c.product_id = product;
    wish(c);
    return shop.ask<product_written>(product_at(product), c);
  }
  storage::level_row level(const storage::ulid& variant) { return shop.rows().levels.at(variant); }
  std::vector<std::string> ledger(const storage::ulid& variant) {
    std::vector<std::string> out;
    auto rows = shop.rows();
    for (const auto& line : rows.ledger[shop.store().shard()])
      if (line.entry.variant_id == variant)
        out.push_back(line.entry.reason + " " + std::to_string(line.entry.on_hand_delta));
    return out;
  }
  std::vector<std::string> topics() {
    std::vector<std::string> out;
    auto rows = shop.rows();
    for (const auto& e : rows.outbox[shop.store().shard()])
      out.push_back(e.event.topic);
    return out;
  }
};

std::vector<std::string> list(std::initializer_list<std::string> x) {
  return x;
}

} // namespace

// -- stores ------------------------------------------------------------------------------------------------

TEST_CASE("opening a store answers when its row is durable", "[store_actor]") {
  small_shop shop;
  open_store c;
  c.by.user = shop.add_user();
  c.draft.id = shop.new_user_id();
  c.draft.owner_id = c.by.user;
  c.draft.name = "Tea house";
  c.draft.slug = "tea-house";
  c.draft.currency = "EUR";
  auto at = store_at(c.draft.id);

  shop.hold_writes();
  auto answer = shop.send<storage::store_row>(at, c, delivery::create);
  shop.run();
  CHECK_FALSE(answer->there());
  auto early = shop.ask<storage::store_row>(at, get_store{c.draft.id});
  CHECK(early.why == errc::not_found);
  shop.release_writes();
  REQUIRE(answer->value);
  CHECK(answer->value->version == 1);
  CHECK(shop.rows().stores.at(c.draft.id) == *answer->value);
  CHECK(shop.rows().outbox[c.draft.id.shard()].back().event.topic == "store.created");

  SECTION("asked again it is done once") {
    auto again = shop.ask<storage::store_row>(at, c, delivery::create);
    REQUIRE(again.value);
    CHECK(*again.value == *answer->value);
  }
  SECTION("asked again of a life that never read the row, the next life answers") {
    shop.kill(at);
    shop.run();
    auto again = shop.ask<storage::store_row>(at, c, delivery::create);
    REQUIRE(again.value);
    CHECK(*again.value == *answer->value);
    CHECK(shop.rows().outbox[c.draft.id.shard()].size() == 1);
  }
  SECTION("somebody else does not get it") {
    auto other = c;
    other.by.user = shop.add_user();
    other.draft.owner_id = other.by.user;
    CHECK(shop.ask<storage::store_row>(at, other, delivery::create).why == errc::forbidden);
  }
}

TEST_CASE("a store that cannot be opened leaves nothing behind", "[store_actor]") {
  small_shop shop;
  open_store c;
  c.by.user = shop.add_user();
  c.draft.id = shop.new_user_id();
  c.draft.owner_id = c.by.user;
  auto answer = shop.ask<storage::store_row>(store_at(c.draft.id), c, delivery::create);
  CHECK(answer.why == errc::invalid);
  CHECK_FALSE(shop.is_active(store_at(c.draft.id)));
  CHECK_FALSE(shop.rows().stores.contains(c.draft.id));
}

TEST_CASE("changes of settings wait for each other, reads do not", "[store_actor]") {
  small_shop shop;
  merchant m{shop};
  change_store c;
  c.by = m.by;
  c.store_id = shop.store();
  shop.hold_writes();
  c.name = "First";
  auto first = shop.send<storage::store_row>(store_at(shop.store()), c);
  c.name = "Second";
  auto second = shop.send<storage::store_row>(store_at(shop.store()), c);
  shop.run();
  auto read = shop.ask<storage::store_row>(store_at(shop.store()), get_store{shop.store()});
  REQUIRE(read.value);
  CHECK(read.value->name == "Small shop"); // what is committed
  shop.release_writes();
  REQUIRE(first->value);
  REQUIRE(second->value);
  CHECK(first->value->version == 2);
  CHECK(second->value->version == 3);
  CHECK(shop.rows().stores.at(shop.store()).name == "Second");
  auto terms = shop.ask<store_terms>(store_at(shop.store()), get_terms{shop.store()});
  REQUIRE(terms.value);
  CHECK(terms.value->store->version == 3);
}

TEST_CASE("a line of edits has an end", "[store_actor]") {
  small_shop shop;
  merchant m{shop};
  shop.hold_writes();
  std::vector<std::shared_ptr<tests::reply<storage::store_row>>> answers;
  for (int i = 0; i < 70; ++i) {
    change_store c;
    c.by = m.by;
    c.store_id = shop.store();
    c.name = "Name " + std::to_string(i);
    answers.push_back(shop.send<storage::store_row>(store_at(shop.store()), c));
  }
  shop.run();
  auto refused = std::count_if(answers.begin(), answers.end(),
                               [](const auto& a) { return a->why == runtime::errc::overloaded; });
  CHECK(refused == 5); // one under way, 64 in line
  shop.release_writes();
  CHECK(std::all_of(answers.begin(), answers.end(), [](const auto& a) { return a->there(); }));
  CHECK(shop.rows().stores.at(shop.store()).version == 66);
}

TEST_CASE("a store that dies while it writes owes nobody an answer", "[store_actor]") {
  small_shop shop;
  merchant m{shop};
  change_store c;
  c.by = m.by;
  c.store_id = shop.store();
  c.name = "First";
  shop.hold_writes();
  auto first = shop.send<storage::store_row>(store_at(shop.store()), c);
  c.name = "Second";
  auto second = shop.send<storage::store_row>(store_at(shop.store()), c);
  shop.run();
  shop.kill(store_at(shop.store()));
  shop.run();
  CHECK(first->there());
  CHECK(second->there());
  shop.release_writes();
  auto read = shop.ask<storage::store_row>(store_at(shop.store()), get_store{shop.store()});
  REQUIRE(read.value);
  CHECK(read.value->name == "First"); // it had been handed to the journal
}

TEST_CASE("a store nobody opened is not found and not kept", "[store_actor]") {
  small_shop shop;
  auto id = shop.new_user_id();
  CHECK(shop.ask<storage::store_row>(store_at(id), get_store{id}).why == errc::not_found);
  CHECK_FALSE(shop.is_active(store_at(id)));
}

// -- products ----------------------------------------------------------------------------------------------

TEST_CASE("a new product comes with stock and its reason", "[product_actor]") {
  small_shop shop;
  merchant m{shop};
  auto made = m.create(m.tea());
  REQUIRE(made.value);
  CHECK(made.value->changed);
  REQUIRE(made.value->variants.size() == 1);
  auto variant = made.value->variants[0].id;
  CHECK(variant.shard() == shop.store().shard());
  CHECK(shop.rows().products.at(made.value->product.id) == made.value->product);
  CHECK(m.level(variant).on_hand == 5);
  CHECK(m.ledger(variant) == list({"initial 5"}));
  CHECK(m.topics() == list({"product.created"}));
  auto view = shop.ask<stock_view>(inventory_at(variant), get_stock{shop.store()});
  REQUIRE(view.value);
  CHECK(view.value->sellable);
  CHECK(view.value->available == 5);
}

TEST_CASE("two products may have the same title but not the same handle or SKU", "[product_actor]") {
  small_shop shop;
  merchant m{shop};
  auto first = m.create(m.tea("A"));
  auto second = m.create(m.tea("B"));
  REQUIRE(first.value);
  REQUIRE(second.value);
  CHECK(first.value->product.handle == "green-tea");
  CHECK(second.value->product.handle.starts_with("green-tea-"));
  CHECK(shop.rows().products.at(second.value->product.id).handle == second.value->product.handle);

  auto third = m.tea("C");
  third.product.handle = "green-tea";
  auto refused = m.create(third);
  CHECK(refused.why == errc::handle_taken);
  CHECK(problem_of(refused.why).field == "handle");
  auto fourth = m.create(m.tea("A"));
  CHECK(fourth.why == errc::sku_taken);
  CHECK(problem_of(fourth.why).field == "variants.sku");
  CHECK(shop.rows().products.size() == 2);
}

TEST_CASE("a product asked for twice is created once", "[product_actor]") {
  small_shop shop;
  merchant m{shop};
  auto c = m.tea();
  c.product.id = m.fresh();
  auto first = m.create(c);
  REQUIRE(first.value);
  SECTION("by the same life") {}
  SECTION("by a life that never read the rows") {
    shop.kill(product_at(c.product.id));
    shop.run();
  }
  auto again = m.create(c);
  REQUIRE(again.value);
  CHECK_FALSE(again.value->changed);
  CHECK(again.value->variants == first.value->variants);
  CHECK(m.topics() == list({"product.created"}));
}

TEST_CASE("saying again what is so writes nothing", "[product_actor]") {
  small_shop shop;
  merchant m{shop};
  auto made = m.create(m.tea());
  REQUIRE(made.value);
  auto same = m.change(made.value->product.id, [&](change_product& c) {
    c.title = "Green Tea";
    c.variants = m.tea().variants; // stock 5 again
  });
  REQUIRE(same.value);
  CHECK_FALSE(same.value->changed);
  CHECK(same.value->product.version == 1);
  CHECK(m.ledger(made.value->variants[0].id) == list({"initial 5"}));
  CHECK(m.topics() == list({"product.created"}));
}

TEST_CASE("a change reaches the rows, the inventory and the event log", "[product_actor]") {
  small_shop shop;
  merchant m{shop};
  auto made = m.create(m.tea());
  REQUIRE(made.value);
  auto product = made.value->product.id;
  auto variant = made.value->variants[0].id;
  shop.ask<stock_view>(inventory_at(variant), get_stock{shop.store()}); // awake: it must hear of the change
  auto changed = m.change(product, [&](change_product& c) {
    auto drafts = m.tea().variants;
    drafts[0].row.price = 450;
    drafts[0].stock = 8;
    drafts[0].low_stock_threshold = 2;
    c.variants = drafts;
    c.stock_reason = "imported";
  });
  REQUIRE(changed.value);
  CHECK(changed.value->changed);
  CHECK(changed.value->product.version == 2);
  CHECK(shop.rows().variants.at(variant).price == 450);
  CHECK(m.level(variant).on_hand == 8);
  CHECK(m.level(variant).low_stock_threshold == 2);
  CHECK(m.ledger(variant) == list({"initial 5", "imported 3"}));
  auto view = shop.ask<stock_view>(inventory_at(variant), get_stock{shop.store()});
  REQUIRE(view.value);
  CHECK(view.value->variant.price == 450);

  auto archived = m.change(product, [](change_product& c) { c.status = storage::product_status::archived; });
  REQUIRE(archived.value);
  CHECK_FALSE(shop.ask<stock_view>(inventory_at(variant), get_stock{shop.store()}).value->sellable);
  auto topics = m.topics();
  CHECK(std::count(topics.begin(), topics.end(), "product.updated") == 1);
  CHECK(std::count(topics.begin(), topics.end(), "product.archived") == 1);
}

TEST_CASE("stock that cannot be set is told by its variant", "[product_actor]") {
  small_shop shop;
  merchant m{shop};
  auto made = m.create(m.tea());
  REQUIRE(made.value);
  auto variant = made.value->variants[0].id;
  auto held = shop.ask<reserved>(inventory_at(variant),
                                 reserve_stock{shop.store(), made.value->product.id, m.fresh(), 4});
  REQUIRE(held.value);
  auto refused = m.change(made.value->product.id, [&](change_product& c) {
    c.title = "Old Tea";
    c.variants = m.tea("TEA", 3).variants;
  });
  CHECK(refused.why == errc::below_reserved);
  CHECK(problem_of(refused.why).field == "variants[0].stock");
  CHECK(shop.rows().products.at(made.value->product.id).title == "Old Tea");
  CHECK(m.level(variant).on_hand == 5);
}

TEST_CASE("others cannot touch a product", "[product_actor]") {
  small_shop shop;
  merchant m{shop};
  auto made = m.create(m.tea());
  REQUIRE(made.value);
  auto other = shop.add_user();
  auto forbidden = m.change(made.value->product.id, [&](change_product& c) {
    c.by.user = other;
    c.title = "Mine";
  });
  CHECK(forbidden.why == errc::forbidden);
  auto elsewhere = m.change(made.value->product.id, [&](change_product& c) {
    c.store_id.bytes[15] ^= 1; // a store of the same shard that is not there
    c.title = "Mine";
  });
  CHECK(elsewhere.why == errc::not_found);
  auto far = m.change(made.value->product.id, [&](change_product& c) {
    c.store_id.bytes[6] ^= 1;
    c.title = "Mine";
  });
  CHECK(far.why == errc::not_found);
  auto c = m.tea("X");
  c.by.user = other;
  c.product.id = m.fresh();
  CHECK(m.create(c).why == errc::forbidden);
  CHECK_FALSE(shop.is_active(product_at(c.product.id)));
  CHECK(m.change(m.fresh(), [](change_product& x) { x.title = "Nothing"; }).why == errc::not_found);
}

TEST_CASE("edits of one product go one after the other", "[product_actor]") {
  small_shop shop;
  merchant m{shop};
  auto made = m.create(m.tea());
  REQUIRE(made.value);
  shop.hold_writes();
  std::vector<std::shared_ptr<tests::reply<product_written>>> answers;
  for (int i = 0; i < 5; ++i) {
    change_product c;
    c.by = m.by;
    c.store_id = shop.store();
    c.product_id = made.value->product.id;
    c.title = "Tea " + std::to_string(i);
    answers.push_back(shop.send<product_written>(product_at(c.product_id), c));
  }
  shop.run();
  shop.release_writes();
  for (std::size_t i = 0; i < 5; ++i) {
    REQUIRE(answers[i]->value);
    CHECK(answers[i]->value->product.version == static_cast<std::int64_t>(i) + 2);
  }
}

// -- reviews -----------------------------------------------------------------------------------------------

TEST_CASE("a shopper writes one review of a product and others vote for it", "[reviews_actor]") {
  small_shop shop;
  merchant m{shop};
  auto made = m.create(m.tea());
  REQUIRE(made.value);
  auto at = reviews_at(made.value->product.id);
  caller ada{shop.add_user(), storage::session_kind::login, {}};
  caller bob{shop.add_user(), storage::session_kind::login, {}};
  post_review c{ada, shop.store(), "Ada", 4, "Fine."};
  auto posted = shop.ask<storage::review_row>(at, c);
  REQUIRE(posted.value);
  CHECK_FALSE(posted.value->verified); // she never bought it here
  CHECK(shop.rows().reviews.at(posted.value->id) == *posted.value);
  CHECK(m.topics().back() == "review.created");
  CHECK(shop.ask<storage::review_row>(at, c).why == errc::already_reviewed);

  auto voted = shop.ask<storage::review_row>(at, vote_helpful{bob, shop.store(), posted.value->id});
  REQUIRE(voted.value);
  CHECK(voted.value->helpful == 1);
  CHECK(shop.rows().reviews.at(posted.value->id).helpful == 1);
  CHECK(shop.ask<storage::review_row>(at, vote_helpful{bob, shop.store(), posted.value->id}).why
        == errc::already_voted);
  CHECK(shop.ask<storage::review_row>(at, vote_helpful{ada, shop.store(), posted.value->id}).why
        == errc::forbidden);
}

TEST_CASE("a review by somebody who paid for the product is verified", "[reviews_actor]") {
  small_shop shop;
  merchant m{shop};
  auto made = m.create(m.tea());
  REQUIRE(made.value);
  caller ada{shop.add_user(), storage::session_kind::login, {}};
  storage::order_row order;
  order.id = m.fresh();
  order.store_id = shop.store();
  order.user_id = ada.user;
  order.status = storage::order_status::paid;
  storage::order_item_row item;
  item.order_id = order.id;
  item.store_id = shop.store();
  item.product_id = made.value->product.id;
  {
    auto db = shop.db().enter();
    db->orders.emplace(order.id, order);
    db->orders_of.emplace(ada.user, order.id);
    db->order_items.emplace(std::pair{order.id, 0}, item);
  }
  auto posted = shop.ask<storage::review_row>(reviews_at(made.value->product.id),
                                              post_review{ada, shop.store(), "Ada", 5, "Bought it twice."});
  REQUIRE(posted.value);
  CHECK(posted.value->verified);
}

TEST_CASE("reviews of what is not there are not found", "[reviews_actor]") {
  small_shop shop;
  merchant m{shop};
  caller ada{shop.add_user(), storage::session_kind::login, {}};
  auto nothing = m.fresh();
  auto answer =
    shop.ask<storage::review_row>(reviews_at(nothing), post_review{ada, shop.store(), "Ada", 5, "Air."});
  CHECK(answer.why == errc::not_found);
  CHECK_FALSE(shop.is_active(reviews_at(nothing)));
}

// -- imports -----------------------------------------------------------------------------------------------

namespace {

import_product cup(int n, std::int64_t stock = 3) {
  import_product p;
  p.line = n + 2;
  p.product.handle = "cup-" + std::to_string(n);
  p.product.title = "Cup " + std::to_string(n);
  p.product.options = {{"Size"}};
  p.variants.resize(2);
  for (std::size_t i = 0; i < 2; ++i) {
    p.variants[i].row.sku = "CUP-" + std::to_string(n) + (i == 0 ? "-S" : "-L");
    p.variants[i].row.option_values = {i == 0 ? "S" : "L"};
    p.variants[i].row.price = 900;
    p.variants[i].stock = stock;
  }
  return p;
}

start_import file_of(const merchant& m, int products) {
  start_import c;
  c.by = m.by;
  c.store_id = m.shop.store();
  for (int i = 0; i < products; ++i)
    c.products.push_back(cup(i));
  return c;
}

/// All rows that an import could change.
auto catalog_of(small_shop& shop) {
  auto rows = shop.rows();
  return std::tuple{rows.products, rows.variants, rows.levels, rows.ledger[shop.store().shard()].size()};
}

} // namespace

TEST_CASE("an import brings its products in and says so", "[import_actor]") {
  small_shop shop;
  merchant m{shop};
  auto id = m.fresh();
  shop.hold_writes();
  auto started = shop.send<storage::import_row>(import_at(id), file_of(m, 30), delivery::create);
  shop.run();
  CHECK_FALSE(started->there());
  shop.release_writes();
  REQUIRE(started->value);
  CHECK(started->value->status == storage::import_status::running);
  auto end = shop.ask<storage::import_row>(import_at(id), get_import{m.by, shop.store()});
  REQUIRE(end.value);
  CHECK(end.value->status == storage::import_status::finished);
  CHECK(end.value->products == 30);
  CHECK(end.value->variants == 60);
  CHECK(end.value->errors.empty());
  CHECK(shop.rows().imports.at(id) == *end.value);
  CHECK(shop.rows().products.size() == 30);
  CHECK(m.topics().back() == "import.finished");

  SECTION("importing the file again changes nothing") {
    auto before = catalog_of(shop);
    auto second = m.fresh();
    REQUIRE(shop.ask<storage::import_row>(import_at(second), file_of(m, 30), delivery::create).value);
    CHECK(shop.rows().imports.at(second).status == storage::import_status::finished);
    CHECK(shop.rows().imports.at(second).products == 30);
    CHECK(catalog_of(shop) == before);
  }
  SECTION("a file with other figures changes those") {
    auto file = file_of(m, 30);
    file.products[4].product.title = "Mug";
    file.products[5].variants[1].stock = 7;
    REQUIRE(shop.ask<storage::import_row>(import_at(m.fresh()), file, delivery::create).value);
    auto rows = shop.rows();
    CHECK(std::count_if(rows.products.begin(), rows.products.end(),
                        [](const auto& p) { return p.second.version == 2; })
          == 1);
    for (const auto& [variant, row] : rows.variants)
      if (row.sku == "CUP-5-L")
        CHECK(m.ledger(variant) == list({"initial 3", "imported 4"}));
  }
  SECTION("starting it again does nothing") {
    shop.kill(import_at(id));
    shop.run();
    auto before = catalog_of(shop);
    auto again = shop.ask<storage::import_row>(import_at(id), file_of(m, 30), delivery::create);
    REQUIRE(again.value);
    CHECK(*again.value == *end.value);
    CHECK(catalog_of(shop) == before);
  }
}

TEST_CASE("bad products of a file are reported by line and the rest goes in", "[import_actor]") {
  small_shop shop;
  merchant m{shop};
  auto file = file_of(m, 12);
  file.products[3].variants[1].row.price = -1;
  file.products[7].variants[0].row.sku = "CUP-0-S";
  file.products[9].product.handle = "cup-1";
  file.errors = {{40, "the row has too few cells"}};
  auto id = m.fresh();
  REQUIRE(shop.ask<storage::import_row>(import_at(id), file, delivery::create).value);
  auto end = shop.rows().imports.at(id);
  CHECK(end.status == storage::import_status::finished);
  CHECK(end.products == 9);
  REQUIRE(end.errors.size() == 4);
  CHECK(end.errors[0] == storage::import_error{5, "variants[1].price: a price is 0 or more"});
  CHECK(end.errors[1].line == 9);
  CHECK(end.errors[1].reason.find("CUP-0-S") != std::string::npos);
  CHECK(end.errors[2].line == 11);
  CHECK(end.errors[3].line == 40);
  CHECK(shop.rows().products.size() == 9);
}

TEST_CASE("an import that a restart interrupted says so and is not resumed", "[import_actor]") {
  small_shop shop;
  merchant m{shop};
  auto id = m.fresh();
  auto started = shop.send<storage::import_row>(import_at(id), file_of(m, 100), delivery::create);
  while (!started->there() && shop.step()) {}
  for (int i = 0; i < 300; ++i)
    shop.step();
  shop.kill(import_at(id));
  shop.run();
  CHECK(shop.rows().imports.at(id).status == storage::import_status::running);
  auto products = shop.rows().products.size();
  CHECK(products > 0);
  CHECK(products < 100);
  auto end = shop.ask<storage::import_row>(import_at(id), get_import{m.by, shop.store()});
  REQUIRE(end.value);
  CHECK(end.value->status == storage::import_status::failed);
  REQUIRE(end.value->errors.size() == 1);
  CHECK(end.value->errors[0].reason == "interrupted by a restart; import the file again");
  CHECK(shop.rows().imports.at(id) == *end.value);

  REQUIRE(shop.ask<storage::import_row>(import_at(m.fresh()), file_of(m, 100), delivery::create).value);
  CHECK(shop.rows().products.size() == 100);
  for (const auto& [variant, level] : shop.rows().levels)
    CHECK(m.ledger(variant) == list({"initial 3"}));
}

TEST_CASE("a running import stays awake, a finished one does not", "[import_actor]") {
  small_shop shop;
  merchant m{shop};
  auto id = m.fresh();
  auto started = shop.send<storage::import_row>(import_at(id), file_of(m, 20), delivery::create);
  while (!started->there() && shop.step()) {}
  shop.hold_writes();
  shop.pass(301s);
  shop.pass(301s);
  CHECK(shop.is_active(import_at(id)));
  shop.release_writes();
  CHECK(shop.rows().imports.at(id).status == storage::import_status::finished);
  shop.pass(301s);
  shop.pass(301s);
  CHECK_FALSE(shop.is_active(import_at(id)));
}

TEST_CASE("an import goes on through a database that comes and goes", "[import_actor]") {
  using storage::simulated::fault;
  small_shop shop;
  merchant m{shop};
  auto id = m.fresh();
  auto started = shop.send<storage::import_row>(import_at(id), file_of(m, 60), delivery::create);
  while (!started->there() && shop.step()) {}
  REQUIRE(started->value);
  for (int i = 0; i < 5; ++i)
    for (auto f : {fault::none, fault::unavailable, fault::lost_ack_applied, fault::lost_ack_dropped,
                   fault::restart, fault::crash_in_commit})
      shop.db().script(f);
  int seconds = 0;
  for (; seconds < 300 && shop.rows().imports.at(id).status == storage::import_status::running; ++seconds)
    shop.pass(1s);
  CHECK(seconds > 1); // something did go wrong
  auto end = shop.rows().imports.at(id);
  CHECK(end.status == storage::import_status::finished);
  CHECK(end.products == 60);
  CHECK(end.errors.empty());
  CHECK(shop.rows().products.size() == 60);
  CHECK(shop.rows().variants.size() == 120);
  for (const auto& [variant, level] : shop.rows().levels)
    CHECK(m.ledger(variant) == list({"initial 3"}));
}

TEST_CASE("an import gives up on a database that stays away, and says so when it is back", "[import_actor]") {
  small_shop shop;
  merchant m{shop};
  auto id = m.fresh();
  auto started = shop.send<storage::import_row>(import_at(id), file_of(m, 60), delivery::create);
  while (!started->there() && shop.step()) {}
  shop.stop_reads(true);
  for (int i = 0; i < 300; ++i)
    shop.pass(1s);
  auto end = shop.rows().imports.at(id);
  CHECK(end.status == storage::import_status::failed);
  REQUIRE_FALSE(end.errors.empty());
  CHECK(end.errors[0].line == 0);
  CHECK(end.errors.size() <= 9); // those that were under way, not all that were left
}

TEST_CASE("an import is the merchant's alone", "[import_actor]") {
  small_shop shop;
  merchant m{shop};
  auto id = m.fresh();
  auto file = file_of(m, 1);
  file.by.user = shop.add_user();
  CHECK(shop.ask<storage::import_row>(import_at(id), file, delivery::create).why == errc::forbidden);
  CHECK(shop.rows().imports.empty());
  REQUIRE(shop.ask<storage::import_row>(import_at(id), file_of(m, 1), delivery::create).value);
  CHECK(shop.ask<storage::import_row>(import_at(id), get_import{file.by, shop.store()}).why
        == errc::forbidden);
  CHECK(shop.ask<storage::import_row>(import_at(m.fresh()), get_import{m.by, shop.store()}).why
        == errc::not_found);
}
