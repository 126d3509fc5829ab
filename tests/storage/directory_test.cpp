#include "storage/fixtures.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace souk::storage;
using namespace souk::tests;
using namespace std::chrono_literals;

namespace {

std::string name() {
  return "tea-" + new_id(0).str();
}

} // namespace

TEST_CASE("a free name is claimed, pending; claimed again it is still the first one's", "[directory]") {
  ON_EVERY_STORE;
  auto& names = db.names();
  auto slug = name();
  auto ours = new_id(1), theirs = new_id(2);
  CHECK_FALSE(names.find(name_kind::slug, slug).has_value());

  auto before = db.ownership().now();
  auto entry = names.claim(name_kind::slug, slug, ours);

  CHECK(entry.kind == name_kind::slug);
  CHECK(entry.name == slug);
  CHECK(entry.id == ours);
  CHECK_FALSE(entry.confirmed);
  CHECK(entry.claimed_at >= before);
  CHECK(names.claim(name_kind::slug, slug, ours).id == ours); // asked twice
  CHECK(names.claim(name_kind::slug, slug, theirs).id == ours);
  CHECK(names.find(name_kind::slug, slug)->id == ours);
  CHECK(names.claim(name_kind::email, slug, theirs).id == theirs); // another kind of name
}

TEST_CASE("a confirmed name stays; a pending one is freed by its owner only", "[directory]") {
  ON_EVERY_STORE;
  auto& names = db.names();
  auto kept = name(), freed = name();
  auto ours = new_id(1), theirs = new_id(2);
  names.claim(name_kind::email, kept, ours);
  names.claim(name_kind::email, freed, ours);

  names.confirm(name_kind::email, kept, theirs);
  CHECK_FALSE(names.find(name_kind::email, kept)->confirmed);
  names.confirm(name_kind::email, kept, ours);
  names.confirm(name_kind::email, kept, ours);
  CHECK(names.find(name_kind::email, kept)->confirmed);
  names.release(name_kind::email, kept, ours);
  CHECK(names.find(name_kind::email, kept).has_value());

  names.release(name_kind::email, freed, theirs);
  CHECK(names.find(name_kind::email, freed).has_value());
  names.release(name_kind::email, freed, ours);
  names.release(name_kind::email, freed, ours);
  CHECK_FALSE(names.find(name_kind::email, freed).has_value());
  CHECK(names.claim(name_kind::email, freed, theirs).id == theirs);
}

TEST_CASE("the sweeper sees what is pending for long, the oldest first", "[directory]") {
  ON_EVERY_STORE;
  auto& names = db.names();
  auto first = name(), second = name(), confirmed = name(), young = name();
  names.claim(name_kind::slug, first, new_id(1));
  db.wait(10ms);
  names.claim(name_kind::slug, second, new_id(1));
  auto id = new_id(1);
  names.claim(name_kind::slug, confirmed, id);
  names.confirm(name_kind::slug, confirmed, id);
  db.wait(10ms);
  auto limit = db.ownership().now();
  db.wait(10ms);
  names.claim(name_kind::slug, young, new_id(1));

  auto pending = names.pending_before(limit, 1000);

  auto place = [&](const std::string& n) {
    return std::find_if(pending.begin(), pending.end(), [&](const auto& e) { return e.name == n; })
         - pending.begin();
  };
  auto none = static_cast<std::ptrdiff_t>(pending.size());
  CHECK(place(first) < place(second));
  CHECK(place(second) < none);
  CHECK(place(confirmed) == none);
  CHECK(place(young) == none);
  CHECK(names.pending_before(limit, 1).size() == 1);
}

TEST_CASE("names of any script are kept as they are", "[directory]") {
  ON_EVERY_STORE;
  auto odd = "o'brien+\"tea\"\\@bücher.example☕" + name();
  auto id = new_id(1);
  db.names().claim(name_kind::email, odd, id);
  auto entry = db.names().find(name_kind::email, odd);
  REQUIRE(entry.has_value());
  CHECK(entry->name == odd);
  CHECK(entry->id == id);
}
