// Reading where the shards lie in several databases, and what is left when one of them is away.

#include "storage/seasoned_rows.hpp"
#include "storage/several_databases.hpp"

#include "storage/postgres/deployment.hpp"
#include "storage/postgres/reachability.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace souk::storage;
using namespace souk::tests;
using namespace std::chrono_literals;
using postgres::databases;

namespace {

/// Even shards live in the first database, odd ones in the second.
struct two_homes {
  std::vector<const scratch_database*> made = scratch_databases(2);
  databases all{urls_of(made)};
  std::unique_ptr<store_under_test> stores[2];

  two_homes() {
    postgres::establish_deployment(all);
    postgres::load_places(all);
    for (std::size_t i = 0; i < 2; ++i)
      stores[i] = make_postgres_store_on(made[i]->url());
  }

  template <class... Mutations>
  void write(shard_id shard, Mutations... m) {
    auto& db = *stores[shard % 2];
    auto held = db.ownership().acquire(new_node(db, "writer"), {shard}, stale_after);
    std::vector all_of_it{in_shard(shard, std::move(m)...)};
    REQUIRE(db.journal().commit(batch_of(held, all_of_it)).what == commit_outcome::kind::committed);
  }
  store_row store_of(const ulid& owner, shard_id shard) {
    auto store = new_store(shard);
    store.owner_id = owner;
    write(shard, insert_store{store});
    return store;
  }
  /// The same deployment as a node sees it that cannot reach the second database.
  databases half(const std::string& instead) const {
    return databases{{made[0]->url(), instead}};
  }
};

const char* refuses = "postgresql:///none?host=/nonexistent";

void place_as_before(databases& all) {
  for (int shard = 0; shard < shard_count; ++shard)
    all.place(static_cast<shard_id>(shard), static_cast<std::size_t>(shard % 2));
}

/// A server that takes connections and never says a word.
class mute_server {
public:
  mute_server() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&here), size) != 0 || ::listen(socket_, 100) != 0
        || ::getsockname(socket_, reinterpret_cast<sockaddr*>(&here), &size) != 0)
      throw std::runtime_error("no socket");
    port_ = ntohs(here.sin_port);
  }
  ~mute_server() { ::close(socket_); }
  std::string url() const { return "postgresql://souk@127.0.0.1:" + std::to_string(port_) + "/souk?sslmode=disable"; }
  /// How many have knocked since the last time.
  int callers() const {
    int n = 0;
    for (int caller; (caller = ::accept(socket_, nullptr, nullptr)) >= 0; ++n)
      ::close(caller);
    return n;
  }

private:
  int socket_;
  int port_ = 0;
};

} // namespace

TEST_CASE("each store is read from the database that holds its shard", "[sharded]") {
  ON_POSTGRES_ONLY;
  two_homes w;
  auto catalog = postgres::make_sharded_catalog_reader(w.all);
  for (shard_id shard : {shard_id{4}, shard_id{5}}) {
    auto store = new_store(shard);
    auto user = new_user(shard);
    auto product = new_product(store.id);
    auto variant = new_variant(product);
    auto order = new_order(store.id, user.id);
    w.write(shard, insert_store{store}, insert_product{product}, put_variant{variant}, level_of(variant), moved(variant, 10, 0, "initial"),
            insert_order{order, {item_of(order, variant, 1)}}, put_user_order{{user.id, order.id, store.id, at()}},
            insert_review{new_review(product, user.id)});
    CHECK(catalog->product(store.id, product.id)->product.product.id == product.id);
    CHECK(catalog->products(store.id, {}, {}).total == 1);
    CHECK(catalog->store_of_product(product.id) == store.id);
    CHECK(catalog->orders(store.id, std::nullopt, {}).rows.size() == 1);
    CHECK(catalog->orders_by_id(store.id, {order.id}).size() == 1);
    CHECK(catalog->orders_of(user.id, {}).rows.size() == 1);
    CHECK(catalog->levels(store.id, {}).rows.size() == 1);
    CHECK(catalog->history(store.id, variant.id, {}).rows.size() == 1);
    CHECK(catalog->reviews(store.id, product.id, review_sort::recent, {}).rows.size() == 1);
  }
}

TEST_CASE("a merchant's stores come from all databases, in one order, without what a moved shard left behind", "[sharded]") {
  ON_POSTGRES_ONLY;
  two_homes w;
  const auto owner = new_id(9);
  std::vector<ulid> ids;
  for (shard_id shard : {shard_id{7}, shard_id{2}, shard_id{3}, shard_id{8}})
    ids.push_back(w.store_of(owner, shard).id);
  // Shard 2 moves to the second database, and the old row is not deleted yet.
  w.made[0]->run("UPDATE shards SET residence = 2 WHERE shard = 2");
  w.made[1]->run("UPDATE shards SET residence = 1 WHERE shard = 2");
  auto moved = new_store(2);
  moved.id = ids[1];
  moved.owner_id = owner;
  moved.name = "the one that is true";
  auto held = w.stores[1]->ownership().acquire(new_node(*w.stores[1], "writer"), {2}, stale_after);
  std::vector writes{in_shard(2, insert_store{moved})};
  REQUIRE(w.stores[1]->journal().commit(batch_of(held, writes)).what == commit_outcome::kind::committed);
  postgres::load_places(w.all);

  const auto found = postgres::make_sharded_catalog_reader(w.all)->stores_of(owner);

  CHECK(found.complete);
  REQUIRE(found.rows.size() == 4);
  std::sort(ids.begin(), ids.end());
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(found.rows[i].id == ids[i]);
  CHECK(std::count_if(found.rows.begin(), found.rows.end(), [&](const auto& s) { return s.name == moved.name; }) == 1);
}

TEST_CASE("while one database is away the other's stores are read, and a list says that it is not complete", "[sharded]") {
  ON_POSTGRES_ONLY;
  two_homes w;
  const auto owner = new_id(9);
  const auto there = w.store_of(owner, 4), away = w.store_of(owner, 5);
  auto half = w.half(refuses);
  place_as_before(half);
  auto catalog = postgres::make_sharded_catalog_reader(half);
  for (int i = 0; i < 10; ++i) {
    CHECK_THROWS_AS(catalog->products(away.id, {}, {}), unavailable);
    CHECK(catalog->products(there.id, {}, {}).total == 0);
    const auto mine = catalog->stores_of(owner);
    REQUIRE(mine.rows.size() == 1);
    CHECK(mine.rows[0].id == there.id);
    CHECK_FALSE(mine.complete);
  }
  auto none = databases{{refuses, refuses}};
  CHECK_THROWS_AS(postgres::make_sharded_catalog_reader(none)->stores_of(owner), unavailable);
}

TEST_CASE("a shard of which no database has spoken is not read from a guessed one", "[sharded]") {
  ON_POSTGRES_ONLY;
  two_homes w;
  databases fresh{urls_of(w.made)};
  CHECK_THROWS_AS(postgres::make_sharded_catalog_reader(fresh)->products(new_id(4), {}, {}), unavailable);
  CHECK_THROWS_AS(postgres::make_sharded_outbox_store(fresh)->read(4, 0, 0, 1), unavailable);
}

TEST_CASE("a server that hangs is asked by a few, and then by one at a time", "[sharded]") {
  ON_POSTGRES_ONLY;
  two_homes w;
  mute_server hangs;
  auto half = w.half(hangs.url());
  place_as_before(half);
  postgres::reader_limits limits;
  limits.connect = 50ms;
  int failed = 0;
  for (int i = 0; i < 40; ++i) {
    auto reader = postgres::make_sharded_catalog_reader(half, limits); // each as a new thread's
    try {
      reader->products(new_id(5), {}, {});
    } catch (const unavailable&) {
      ++failed;
    }
  }
  CHECK(failed == 40);
  const auto callers = hangs.callers();
  CHECK(callers >= 3);
  CHECK(callers < 10);
}

TEST_CASE("a database is asked again after a pause, by one caller, and by all once it answers", "[sharded]") {
  postgres::reachability line;
  const auto t = postgres::reachability::clock::now();
  CHECK(line.may_ask(t));
  line.failed(t);
  line.failed(t);
  CHECK(line.may_ask(t)); // a single connection may fail
  line.failed(t);
  CHECK_FALSE(line.may_ask(t));
  CHECK_FALSE(line.may_ask(t + 900ms));
  CHECK(line.may_ask(t + 1s));
  CHECK_FALSE(line.may_ask(t + 1s)); // one looks
  line.failed(t + 2s);
  CHECK_FALSE(line.may_ask(t + 2s));
  CHECK(line.may_ask(t + 3s));
  CHECK(line.may_ask(t + 9s)); // whoever looked never came back
  line.answered();
  CHECK(line.may_ask(t + 9s));
  CHECK(line.may_ask(t + 9s));
  line.failed(t + 9s);
  CHECK(line.may_ask(t + 9s));
}

TEST_CASE("the outbox is read, parked and its cursors kept in each shard's database", "[sharded]") {
  ON_POSTGRES_ONLY;
  two_homes w;
  w.write(4, event_about(new_id(4), "even"));
  w.write(5, event_about(new_id(5), "odd"));
  auto outbox = postgres::make_sharded_outbox_store(w.all);
  const auto even = outbox->read(4, 0, 0, 10), odd = outbox->read(5, 0, 0, 10);
  REQUIRE(even.size() == 1);
  REQUIRE(odd.size() == 1);
  CHECK(odd[0].event.topic == "odd");

  outbox->save({{"mail", 4, 1, 0}, {"mail", 5, 1, 0}, {"search", 5, 1, 0}});
  outbox->park("mail", odd[0], "550");
  CHECK(w.stores[0]->outbox().cursors(4).size() == 1);
  CHECK(w.stores[0]->outbox().cursors(5).empty());
  CHECK(w.stores[1]->outbox().cursors(5).size() == 2);
  CHECK(outbox->cursors(5).size() == 2);
  CHECK(w.made[0]->count("FROM outbox_parked") == 0);
  CHECK(w.made[1]->count("FROM outbox_parked") == 1);
  CHECK(outbox->prune({"mail"}, at(1'000'000)) == 2);
  CHECK(outbox->read(5, 0, 0, 10).empty());
}

TEST_CASE("cursors and old events of one database are written and deleted while another is away", "[sharded]") {
  ON_POSTGRES_ONLY;
  two_homes w;
  w.write(4, event_about(new_id(4), "even"));
  for (bool away_first : {false, true}) {
    databases half{away_first ? std::vector<std::string>{refuses, w.made[0]->url()} : std::vector<std::string>{w.made[0]->url(), refuses}};
    const std::size_t there = away_first ? 1 : 0;
    half.place(4, there);
    half.place(5, 1 - there);
    auto outbox = postgres::make_sharded_outbox_store(half);
    const std::string mail = away_first ? "mail" : "post";
    CHECK_THROWS_AS(outbox->save({{mail, 5, 1, 0}, {mail, 4, 1, 0}, {mail, 77, 1, 0}}), unavailable);
    CHECK(w.made[0]->count("FROM outbox_cursors WHERE consumer = '" + mail + "'") == 1);
  }
  databases half{{w.made[0]->url(), refuses}};
  CHECK_THROWS_AS(postgres::make_sharded_outbox_store(half)->prune({"mail"}, at(1'000'000)), unavailable);
  CHECK(w.made[0]->count("FROM outbox") == 0);
}

TEST_CASE("what a merchant set up and what went out is read where its store lies", "[sharded][life][postgres]") {
  ON_POSTGRES_ONLY;
  two_homes w;
  auto catalog = postgres::make_sharded_catalog_reader(w.all);
  for (const shard_id shard : {shard_id{40}, shard_id{41}}) {
    auto& home = *w.stores[shard % 2];
    seasoned_rows rows{shard, at(900)};
    rows.life.returns.push_back(new_return(rows.sold, 1, return_state::requested));
    const mail_template_row text{rows.store.id, "order_paid", "de", "Danke", "<p>Danke</p>", "Danke", at()};
    auto history = rows.history();
    history.push_back(in_shard(shard, put_mail_template{text}));
    auto held = home.ownership().acquire(new_node(home, "writer"), {shard}, stale_after).at(0);
    for (const auto& ws : history) {
      const std::vector one{ws};
      REQUIRE(home.journal().commit(batch_of({held}, one)).what == commit_outcome::kind::committed);
      ++held.seq;
    }
    CAPTURE(int{shard});
    const auto& store = rows.store.id;
    REQUIRE(catalog->discounts(store, {}).rows.size() == 1);
    CHECK(catalog->discounts(store, {}).rows[0].used == 1);
    REQUIRE(catalog->gift_cards(store, {}).rows.size() == 1);
    CHECK(catalog->gift_cards(store, {}).rows[0].balance == 4100);
    CHECK(catalog->webhooks(store) == std::vector{rows.webhook});
    CHECK(catalog->deliveries(store, rows.webhook.id, {}).rows == std::vector{rows.delivery});
    CHECK(catalog->mails(store, {}).rows == std::vector{rows.mail});
    CHECK(catalog->mail_templates(store) == std::vector{text});
    const auto waiting = catalog->orders_with_returns(store, {});
    REQUIRE(waiting.rows.size() == 1);
    CHECK(waiting.rows[0].life.returns == rows.life.returns);
    CHECK(waiting.rows[0].refunds.size() == 2);
  }
}
