// A shard moves between two databases with all its rows, whatever happens on the way.

#include "storage/arbitrary_rows.hpp"
#include "storage/postgres/deployment.hpp"
#include "storage/postgres/move_shard.hpp"
#include "storage/postgres/shard_copy.hpp"
#include "storage/seasoned_rows.hpp"
#include "storage/several_databases.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <atomic>
#include <map>
#include <thread>

using namespace souk::storage;
using namespace souk::tests;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using postgres::move_step;
using kind = commit_outcome::kind;

namespace {

constexpr move_step all_steps[] = {move_step::looked,   move_step::frozen, move_step::copied, move_step::compared,
                                   move_step::switched, move_step::left,   move_step::deleted};

struct crash : std::runtime_error {
  crash() : std::runtime_error("the process died") {}
};

/// What a database holds of a shard, by table; only tables that hold something.
using contents = std::map<std::string, std::string>;

contents contents_of(const scratch_database& db, shard_id shard) {
  postgres::bulk_session session(db.url(), "souk-test", "souk_writer");
  contents out;
  for (const auto& t : postgres::shard_tables(session)) {
    const auto r = session.ask("SELECT count(*), md5(string_agg(x, '|' ORDER BY x)) FROM (SELECT (SELECT string_agg(format('%s=%s', "
                               "key, value), ',' ORDER BY key) FROM jsonb_each_text(to_jsonb(t))) AS x FROM "
                               + t.name + " t WHERE " + t.rows_of(shard) + ") rows");
    if (r.at(0)[0] != "0")
      out[t.name] = r[0][0] + " rows " + r[0][1];
  }
  return out;
}

bool living(const scratch_database& db, shard_id shard) {
  return postgres::make_ownership_store(db.db())->shards().at(shard).where == residence::here;
}

/// Rows of every table, some plain and some with everything that texts and figures may hold.
void fill(owned_shard& shard, int times = 6) {
  auto store = new_store(shard.id());
  auto user = new_user(shard.id());
  shard.write(insert_store{store}, insert_user{user}, insert_session{new_session(user.id)}, insert_import{new_import(store.id)});
  for (int i = 0; i < times; ++i) {
    auto product = new_product(store.id);
    auto variant = new_variant(product);
    auto order = new_order(store.id, user.id);
    auto review = new_review(product, user.id);
    shard.write(insert_product{product}, put_variant{variant}, level_of(variant), moved(variant, 10, 0, "initial"));
    shard.write(insert_order{order, {item_of(order, variant, 2)}}, reserved(order, variant, 2), moved(variant, 0, 2, "reserved"),
                insert_payment{new_payment(order)}, key_of(order, "key " + std::to_string(i)), event_about(order.id, "order.created"),
                put_user_order{{user.id, order.id, store.id, at(i)}}, insert_review{review}, insert_review_vote{review.id, product.id, store.id, new_id(7)});
  }
  shard.write(insert_cart{new_cart(store.id, user.id)}, put_user_cart{{user.id, store.id, new_id_beside(store.id), at()}});
  const seasoned_rows seasoned{shard.id(), at(900)};
  for (const auto& ws : seasoned.history())
    shard.write_set(ws);
  shard.write(put_mail_template{{seasoned.store.id, "order_paid", "de", "Danke", "<p>Danke</p>", "Danke", at()}});
  shard.db.outbox().save({{"mail", shard.id(), 3, 1}, {"search", shard.id(), 2, 0}});
  shard.db.outbox().park("mail", shard.db.outbox().read(shard.id(), 0, 0, 1).at(0), "550");
}

struct two_databases {
  std::vector<const scratch_database*> made = scratch_databases(2);
  std::unique_ptr<store_under_test> first, second;
  std::unique_ptr<postgres::databases> all;

  two_databases() {
    postgres::establish_deployment(postgres::databases{{made[0]->url()}}); // everything began in the first
    all = std::make_unique<postgres::databases>(urls_of(made));
    postgres::establish_deployment(*all);
    first = make_postgres_store_on(made[0]->url());
    second = make_postgres_store_on(made[1]->url());
  }

  shard_row row(std::size_t database, shard_id shard) const {
    return (database == 0 ? first : second)->ownership().shards().at(shard);
  }
  int homes(shard_id shard) const {
    return (row(0, shard).where == residence::here ? 1 : 0) + (row(1, shard).where == residence::here ? 1 : 0);
  }

  postgres::move_options options(std::function<void(move_step)> told = [](move_step) {}) const {
    postgres::move_options o;
    o.keep_old_rows = 0ms;
    o.told = [told](move_step step, const std::string&) { told(step); };
    return o;
  }
  postgres::move_report move(shard_id shard, std::size_t to) const { return postgres::move_shard(*all, shard, to, options()); }
  void crash_after(move_step last, shard_id shard, std::size_t to) const {
    CHECK_THROWS_AS(postgres::move_shard(*all, shard, to, options([&](move_step step) {
                      CHECK(homes(shard) <= 1);
                      if (step == last)
                        throw crash{};
                    })),
                    crash);
    CHECK(homes(shard) <= 1);
  }
};

} // namespace

TEST_CASE("it is known of every table how its rows carry their shard", "[move]") {
  ON_POSTGRES_ONLY;
  auto made = scratch_databases(1);
  postgres::bulk_session session(made[0]->url(), "souk-test", "souk_writer");
  std::map<std::string, std::string> found;
  for (const auto& t : postgres::shard_tables(session))
    found[t.name] = t.shard;
  // A new table must be looked at here: does its rule say what it should, or does it belong to no shard (shard_tables.cpp)?
  CHECK(found
        == std::map<std::string, std::string>{{"users", "shard_of(id)"},
                                              {"refunds", "shard_of(id)"},
                                              {"order_lives", "shard_of(order_id)"},
                                              {"discounts", "shard_of(store_id)"},
                                              {"discount_uses", "shard_of(order_id)"},
                                              {"gift_cards", "shard_of(id)"},
                                              {"gift_card_history", "shard_of(card_id)"},
                                              {"webhooks", "shard_of(id)"},
                                              {"webhook_deliveries", "shard_of(id)"},
                                              {"mail_templates", "shard_of(store_id)"},
                                              {"mail_suppressions", "shard_of(store_id)"},
                                              {"mails", "shard_of(id)"},
                                              {"sessions", "shard_of(user_id)"},
                                              {"user_carts", "shard_of(user_id)"},
                                              {"user_orders", "shard_of(user_id)"},
                                              {"stores", "shard_of(id)"},
                                              {"store_counters", "shard_of(store_id)"},
                                              {"products", "shard_of(id)"},
                                              {"product_variants", "shard_of(id)"},
                                              {"product_ratings", "shard_of(product_id)"},
                                              {"inventory_levels", "shard_of(variant_id)"},
                                              {"inventory_history", "shard_of(variant_id)"},
                                              {"reservations", "shard_of(order_id)"},
                                              {"carts", "shard_of(id)"},
                                              {"orders", "shard_of(id)"},
                                              {"order_items", "shard_of(order_id)"},
                                              {"payments", "shard_of(id)"},
                                              {"idempotency_keys", "shard_of(store_id)"},
                                              {"reviews", "shard_of(id)"},
                                              {"review_votes", "shard_of(review_id)"},
                                              {"imports", "shard_of(id)"},
                                              {"outbox", "shard"},
                                              {"outbox_cursors", "shard"},
                                              {"outbox_parked", "shard"}});
}

TEST_CASE("a table that says nothing of its shard, or draws numbers, stops a move before it begins", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  w.made[0]->run("CREATE TABLE secrets (words text PRIMARY KEY)");
  CHECK_THROWS_WITH(w.move(5, 1), Contains("table secrets carry their shard"));
  w.made[0]->run("DROP TABLE secrets; CREATE TABLE tickets (id uuid PRIMARY KEY, n bigint GENERATED ALWAYS AS IDENTITY)");
  CHECK_THROWS_WITH(w.move(5, 1), Contains("draws numbers"));
  w.made[0]->run("DROP TABLE tickets; CREATE TABLE notes (id uuid PRIMARY KEY); GRANT ALL ON notes TO souk_writer");
  CHECK_THROWS_WITH(w.move(5, 1), Contains("other tables") || Contains("differs"));
  w.made[0]->run("DROP TABLE notes");
  CHECK(w.row(0, 5).where == residence::here);
}

TEST_CASE("a shard moves with every row, and the others stay", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  owned_shard moving(*w.first), staying(*w.first);
  fill(moving);
  fill(staying);
  CHECK(rc::check("arbitrary rows", [&] {
    for (auto* shard : {&moving, &staying}) {
      auto user = any_user(shard->id());
      auto store = any_store(shard->id());
      auto product = any_product(store.id);
      auto variant = any_variant(product, 1);
      auto order = any_order(store.id);
      auto payment = any_payment(order);
      auto webhook = any_webhook(store.id);
      std::vector<order_item_row> items{any_item(order, 1)};
      shard->write(insert_user{user}, insert_session{any_session(user.id)}, insert_store{store}, insert_product{product},
                   put_variant{variant}, insert_level{{variant.id, store.id, 0, 0, true, 0}}, insert_order{order, items},
                   insert_payment{payment}, insert_refund{any_refund(payment)}, put_order_life{any_life(order), 0},
                   put_discount{any_discount(store.id), 0}, put_gift_card{any_gift_card(store.id), 0}, put_webhook{webhook, 0},
                   put_webhook_delivery{any_delivery(webhook), true}, put_mail{any_mail(store.id)},
                   put_mail_template{any_template(store.id)}, put_suppression{any_suppression(store.id)}, insert_review{any_review(product)}, insert_import{any_import(store.id)},
                   insert_cart{any_cart(store.id)}, any_event(shard->id()));
    }
  }));
  const auto rows = contents_of(*w.made[0], moving.id()), neighbours = contents_of(*w.made[0], staying.id());
  REQUIRE(rows.size() == 34); // no table is left out
  const auto before = moving.row();
  const auto events = w.first->outbox().read(moving.id(), 0, 0, 1000).size();

  std::vector<move_step> steps;
  const auto report = postgres::move_shard(*w.all, moving.id(), 1, w.options([&](move_step s) { steps.push_back(s); }));

  CHECK(steps == std::vector<move_step>(std::begin(all_steps), std::end(all_steps)));
  CHECK(contents_of(*w.made[1], moving.id()) == rows);
  CHECK(contents_of(*w.made[0], moving.id()).empty());
  CHECK(contents_of(*w.made[0], staying.id()) == neighbours);
  CHECK(contents_of(*w.made[1], staying.id()).empty());
  CHECK(report.tables.size() == 34);
  const auto after = w.row(1, moving.id());
  CHECK(after.where == residence::here);
  CHECK(after.owner.is_nil());
  CHECK(after.epoch == before.epoch + 2);
  CHECK(after.seq == before.seq);
  CHECK(w.row(0, moving.id()).where == residence::elsewhere);
  CHECK(w.row(0, staying.id()).owner == staying.node.incarnation);

  INFO("a node goes on with it where the last one stopped");
  auto node = new_node(*w.second);
  auto taken = w.second->ownership().acquire(node, {moving.id()}, stale_after);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].seq == before.seq);
  std::vector more{in_shard(moving.id(), event_about(new_id(moving.id()), "after the move"))};
  CHECK(w.second->journal().commit(batch_of({taken[0]}, more)).what == kind::committed);
  const auto all_events = w.second->outbox().read(moving.id(), 0, 0, 1000);
  REQUIRE(all_events.size() == events + 1);
  CHECK(all_events.back().seq == before.seq + 1);
  CHECK(w.first->ownership().acquire(new_node(*w.first), {moving.id()}, stale_after).empty());
  CHECK(postgres::check_deployment(*w.all).empty());
  CHECK(w.all->index_of(moving.id()) == 1);
  CHECK(w.all->index_of(staying.id()) == 0);
}

TEST_CASE("a move that dies after any step goes on when it is run again, and no shard ever has two homes", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  owned_shard shard(*w.first);
  fill(shard, 3);
  const auto rows = contents_of(*w.made[0], shard.id());
  std::size_t from = 0;
  for (auto last : all_steps) {
    const auto to = 1 - from;
    CAPTURE(static_cast<int>(last), from);
    const auto epoch = w.row(from, shard.id()).epoch;

    w.crash_after(last, shard.id(), to);

    if (last == move_step::looked)
      CHECK(w.row(from, shard.id()).where == residence::here);
    else if (last < move_step::switched)
      CHECK(w.row(from, shard.id()).where == residence::moving);
    else
      CHECK(w.row(to, shard.id()).where == residence::here);
    w.move(shard.id(), to);
    CHECK(w.homes(shard.id()) == 1);
    CHECK(w.row(to, shard.id()).where == residence::here);
    CHECK(w.row(to, shard.id()).epoch > epoch);
    CHECK(w.row(to, shard.id()).seq == shard.held.seq);
    CHECK(contents_of(*w.made[to], shard.id()) == rows);
    CHECK(contents_of(*w.made[from], shard.id()).empty());
    CHECK(w.made[from]->count("FROM shard_moves") == 0);
    w.move(shard.id(), to); // once more is harmless
    CHECK(contents_of(*w.made[to], shard.id()) == rows);
    from = to;
  }
}

TEST_CASE("a move that was not finished can be ended while the shard is not in its new database", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  owned_shard shard(*w.first);
  fill(shard, 2);
  const auto rows = contents_of(*w.made[0], shard.id());
  CHECK_THROWS_WITH(postgres::abort_move(*w.all, shard.id()), Contains("is not on its way: it lives in database 1"));
  for (auto last : {move_step::frozen, move_step::copied, move_step::compared}) {
    w.crash_after(last, shard.id(), 1);
    const auto frozen = w.row(0, shard.id());

    postgres::abort_move(*w.all, shard.id());

    const auto back = w.row(0, shard.id());
    CHECK(back.where == residence::here);
    CHECK(back.epoch > frozen.epoch);
    CHECK(w.homes(shard.id()) == 1);
    CHECK(contents_of(*w.made[0], shard.id()) == rows);
    CHECK(contents_of(*w.made[1], shard.id()).empty());
  }
  auto taken = w.first->ownership().acquire(new_node(*w.first), {shard.id()}, stale_after);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].seq == shard.held.seq);

  for (auto last : {move_step::switched, move_step::left}) {
    w.crash_after(last, shard.id(), 1);
    CHECK_THROWS_WITH(postgres::abort_move(*w.all, shard.id()), Contains("lives in database 2"));
    w.move(shard.id(), 1);
    CHECK(contents_of(*w.made[1], shard.id()) == rows);
    w.move(shard.id(), 0);
  }
}

TEST_CASE("an abort that died half way keeps the copy out, and the move can go on or be ended again", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  owned_shard shard(*w.first);
  fill(shard, 1);
  const auto rows = contents_of(*w.made[0], shard.id());
  // What abort_move does first: the destination can no longer take the shard under the epoch it was frozen with.
  const auto spend = [&] {
    w.made[1]->run("UPDATE shards SET epoch = " + std::to_string(w.row(0, shard.id()).epoch + 1) + " WHERE shard = "
                   + std::to_string(shard.id()));
  };
  CHECK_THROWS_WITH(postgres::move_shard(*w.all, shard.id(), 1, w.options([&](move_step step) {
                      if (step == move_step::frozen)
                        spend();
                    })),
                    Contains("ended by --abort"));
  CHECK(w.row(1, shard.id()).where == residence::elsewhere);

  SECTION("the move goes on") {
    w.move(shard.id(), 1);
    CHECK(contents_of(*w.made[1], shard.id()) == rows);
    CHECK(w.row(1, shard.id()).epoch > w.row(0, shard.id()).epoch - 1);
  }
  SECTION("it is ended again") {
    postgres::abort_move(*w.all, shard.id());
    CHECK(w.row(0, shard.id()).where == residence::here);
    w.move(shard.id(), 1);
    CHECK(contents_of(*w.made[1], shard.id()) == rows);
  }
  CHECK(w.homes(shard.id()) == 1);
}

TEST_CASE("who owned the shard can neither commit nor settle once it is frozen", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  owned_shard shard(*w.first);
  auto user = new_user(shard.id());
  shard.write(insert_user{user});
  std::vector late{in_shard(shard.id(), insert_session{new_session(user.id)})};
  auto batch = batch_of({shard.held}, late);
  // It has settled something before, and may ask for that again: the token must not open a frozen shard.
  auto settled = w.first->journal().settle(batch);
  REQUIRE(settled.fences.size() == 1);
  w.crash_after(move_step::frozen, shard.id(), 1);

  CHECK(w.first->journal().commit(batch_of(settled.fences, late)).what == kind::fenced);
  auto out = w.first->journal().settle(batch_of(settled.fences, late));
  CHECK(out.reachable);
  CHECK_FALSE(out.landed);
  CHECK(out.lost == std::vector<shard_id>{shard.id()});
  CHECK(w.first->ownership().acquire(shard.node, {shard.id()}, stale_after).empty());
  w.move(shard.id(), 1);
  CHECK(w.first->journal().commit(batch_of(settled.fences, late)).what == kind::fenced);
  CHECK(w.second->journal().commit(batch_of(settled.fences, late)).what == kind::fenced);
  CHECK(w.second->reader().load_user(user.id)->sessions.empty());
}

TEST_CASE("a commit in flight is waited for, and moves along", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  owned_shard shard(*w.first);
  auto user = new_user(shard.id());
  shard.write(insert_user{user});
  auto writer = postgres_session(w.made[0]->url());
  const auto n = std::to_string(shard.id());
  writer->execute("SET ROLE souk_writer; BEGIN; SELECT souk_fence(ARRAY[" + n + "]::int2[], ARRAY[" + std::to_string(shard.held.epoch)
                    + "]::int8[], ARRAY[" + std::to_string(shard.held.seq) + "]::int8[]); UPDATE users SET name = 'in flight'",
                  5s);
  std::atomic<bool> frozen{false};
  auto options = w.options([&](move_step step) {
    if (step == move_step::frozen)
      frozen = true;
  });

  SECTION("until it is committed") {
    options.patience = 9s;
    std::thread mover{[&] { postgres::move_shard(*w.all, shard.id(), 1, options); }};
    std::this_thread::sleep_for(300ms);
    CHECK_FALSE(frozen);
    writer->execute("COMMIT", 5s);
    mover.join();
    CHECK(w.row(1, shard.id()).seq == shard.held.seq + 1);
    CHECK(w.second->reader().load_user(user.id)->user.name == "in flight");
  }
  SECTION("but not for ever") {
    options.patience = 100ms;
    postgres::move_shard(*w.all, shard.id(), 1, options);
    CHECK_THROWS_AS(writer->execute("COMMIT", 5s), unavailable);
    CHECK(w.row(1, shard.id()).seq == shard.held.seq);
    CHECK(w.second->reader().load_user(user.id)->user == user);
  }
}

TEST_CASE("a copy that differs is not switched to", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  owned_shard shard(*w.first);
  fill(shard, 2);
  w.made[1]->run("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'x'; RETURN NEW; END $$;"
                 "CREATE TRIGGER spoils BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION spoil()");
  CHECK_THROWS_WITH(w.move(shard.id(), 1), Contains("orders") && Contains("with other contents: nothing was switched"));
  CHECK(w.row(0, shard.id()).where == residence::moving);
  CHECK(w.row(1, shard.id()).where == residence::elsewhere);
  w.made[1]->run("CREATE OR REPLACE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$");
  CHECK_THROWS_WITH(w.move(shard.id(), 1), Contains("5 rows of the shard in database 1") && Contains("and 0 in the copy"));
  CHECK(contents_of(*w.made[1], shard.id()).empty());
  w.made[1]->run("DROP FUNCTION spoil CASCADE");
  w.move(shard.id(), 1);
  CHECK(w.row(1, shard.id()).where == residence::here);
}

TEST_CASE("several that move the same shard at the same moment move it once", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  owned_shard shard(*w.first);
  fill(shard, 2);
  const auto rows = contents_of(*w.made[0], shard.id());
  std::vector<std::thread> movers;
  for (int i = 0; i < 3; ++i)
    movers.emplace_back([&] {
      try {
        w.move(shard.id(), 1);
      } catch (const std::exception&) {
        // it says who was first
      }
    });
  for (auto& m : movers)
    m.join();
  w.move(shard.id(), 1);
  CHECK(w.homes(shard.id()) == 1);
  CHECK(contents_of(*w.made[1], shard.id()) == rows);
  CHECK(contents_of(*w.made[0], shard.id()).empty());
}

TEST_CASE("a shard on its way goes nowhere else, and one that is quarantined not at all", "[move]") {
  ON_POSTGRES_ONLY;
  auto made = scratch_databases(3);
  postgres::databases all{urls_of(made)};
  postgres::establish_deployment(all); // shard 3 lives in the first
  postgres::move_options options;
  options.keep_old_rows = 0ms;
  options.told = [](move_step step, const std::string&) {
    if (step == move_step::frozen)
      throw crash{};
  };
  CHECK_THROWS_AS(postgres::move_shard(all, 3, 1, options), crash);
  options.told = [](move_step, const std::string&) {};
  CHECK_THROWS_WITH(postgres::move_shard(all, 3, 2, options), Contains("on its way from database 1") && Contains("to database 2"));
  CHECK_THROWS_WITH(postgres::move_shard(all, 3, 0, options), Contains("on its way"));
  CHECK_THROWS_WITH(postgres::move_shard(all, 3, 3, options), Contains("there is no database 4"));

  INFO("without its destination the move is neither finished nor ended");
  postgres::databases without{{made[0]->url(), made[2]->url()}};
  CHECK_THROWS_WITH(postgres::abort_move(without, 3), Contains("only it knows whether it has taken the shard"));

  postgres::abort_move(all, 3);
  postgres::move_shard(all, 3, 2, options);
  CHECK(living(*made[2], 3));

  postgres::make_ownership_store(made[0]->db())->quarantine({{6, 0, 0}});
  CHECK_THROWS_WITH(postgres::move_shard(all, 6, 1, options), Contains("quarantined in database 1"));
  CHECK_THROWS_WITH(postgres::abort_move(all, 6), Contains("is not on its way"));
}

TEST_CASE("old rows are deleted only where the shard is not", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  owned_shard shard(*w.first);
  fill(shard, 1);
  const auto rows = contents_of(*w.made[0], shard.id());
  CHECK_THROWS_AS(postgres::delete_shard_rows(w.made[0]->db(), shard.id()), storage_error);
  CHECK(contents_of(*w.made[0], shard.id()) == rows);
  w.crash_after(move_step::frozen, shard.id(), 1);
  CHECK_THROWS_AS(postgres::delete_shard_rows(w.made[0]->db(), shard.id()), storage_error);
  CHECK(contents_of(*w.made[0], shard.id()) == rows);
}

TEST_CASE("indexes that find a moving shard's rows are gone when it has moved or its move was ended", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  owned_shard shard(*w.first);
  fill(shard, 2);
  const auto rows = contents_of(*w.made[0], shard.id());
  const auto indexes = [&] {
    const auto* which = "FROM pg_class WHERE relkind = 'i' AND relname LIKE '%of\\_shard\\_%'";
    return w.made[0]->count(which) + w.made[1]->count(which);
  };
  auto options = w.options([](move_step step) {
    if (step == move_step::frozen)
      throw crash{};
  });
  options.index_above = 0;
  CHECK_THROWS_AS(postgres::move_shard(*w.all, shard.id(), 1, options), crash);
  CHECK(indexes() == 2 * 31); // all but the three of the outbox

  SECTION("moved") {
    w.made[0]->run("DROP INDEX orders_of_shard_" + std::to_string(shard.id()));
    options.told = [](move_step, const std::string&) {};
    postgres::move_shard(*w.all, shard.id(), 1, options);
    CHECK(contents_of(*w.made[1], shard.id()) == rows);
    CHECK(contents_of(*w.made[0], shard.id()).empty());
  }
  SECTION("ended") {
    postgres::abort_move(*w.all, shard.id());
    CHECK(contents_of(*w.made[0], shard.id()) == rows);
  }
  CHECK(indexes() == 0);
}

TEST_CASE("an event that was put aside while the shard was copied is brought along", "[move]") {
  ON_POSTGRES_ONLY;
  two_databases w;
  owned_shard shard(*w.first);
  fill(shard, 2);
  const auto late = w.first->outbox().read(shard.id(), 0, 0, 10).at(1);
  postgres::move_shard(*w.all, shard.id(), 1, w.options([&](move_step step) {
    if (step == move_step::copied)
      w.first->outbox().park("mail", late, "551");
  }));
  CHECK(w.made[1]->count("FROM outbox_parked WHERE error IN ('550', '551')") == 2);
}
