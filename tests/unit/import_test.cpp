#include "actors/importing/import_rules.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <random>

using namespace souk;
using namespace souk::actors;

namespace {

const storage::timestamp now{std::chrono::seconds{1'000'000}};

import_product product(std::int64_t line, std::string handle, std::string title = "Tea",
                       std::size_t variants = 1) {
  import_product p;
  p.line = line;
  p.product.handle = std::move(handle);
  p.product.title = std::move(title);
  p.variants.resize(variants);
  return p;
}

storage::import_row row() {
  storage::import_row r;
  r.id.bytes[15] = 1;
  r.store_id.bytes[15] = 2;
  return r;
}

} // namespace

TEST_CASE("an import counts what it did", "[import]") {
  import_book book{row(), {product(2, "tea", "Tea", 3), product(5, "cup", "Cup", 2)}};
  auto first = book.next();
  auto second = book.next();
  REQUIRE(first);
  REQUIRE(second);
  CHECK_FALSE(book.next());
  CHECK(book.under_way() == 2);
  CHECK_FALSE(book.over());
  book.done(*second);
  book.done(*first);
  CHECK(book.over());
  auto end = book.final_row(now);
  CHECK(end.status == storage::import_status::finished);
  CHECK(end.products == 2);
  CHECK(end.variants == 5);
  CHECK(end.errors.empty());
  CHECK(end.updated_at == now);
}

TEST_CASE("an import without products is over at once", "[import]") {
  import_book book{row(), {}};
  CHECK(book.over());
  CHECK(book.final_row(now).status == storage::import_status::finished);
}

TEST_CASE("errors stand in the order of the file, those of reading it included", "[import]") {
  auto r = row();
  r.errors = {{9, "no price"}, {3, "no title"}};
  import_book book{r, {product(2, "tea"), product(5, "cup")}};
  book.failed(*book.next(), "title: is missing");
  book.failed(*book.next(), "variants.sku: taken");
  std::vector<storage::import_error> expected{
    {2, "title: is missing"}, {3, "no title"}, {5, "variants.sku: taken"}, {9, "no price"}};
  CHECK(book.row().errors == expected);
  CHECK(book.final_row(now).status == storage::import_status::finished); // the rest went in
}

TEST_CASE("only the first thousand errors are kept", "[import]") {
  std::vector<import_product> products;
  for (int i = 0; i < 1500; ++i)
    products.push_back(product(i + 2, "tea-" + std::to_string(i)));
  import_book book{row(), std::move(products)};
  while (auto i = book.next())
    book.failed(*i, "no");
  REQUIRE(book.row().errors.size() == 1000);
  CHECK(book.row().errors.front().line == 2);
  CHECK(book.row().errors.back().line == 1001);
}

TEST_CASE("two products of a file cannot have one handle", "[import]") {
  import_book book{
    row(),
    {product(2, "tea"), product(4, "", "Cup"), product(6, "Tea"), product(8, "cup"), product(9, "", "?!")}};
  CHECK(book.handle(*book.next()) == "tea");
  CHECK(book.handle(*book.next()) == "cup"); // made from the title
  CHECK_FALSE(book.next());
  REQUIRE(book.row().errors.size() == 3);
  CHECK(book.row().errors[0]
        == storage::import_error{6, "another product of the file has the handle tea: see line 2"});
  CHECK(book.row().errors[1].line == 8);
  CHECK(book.row().errors[2].line == 9);
}

TEST_CASE("an import that gives up begins nothing more and failed", "[import]") {
  import_book book{row(), {product(2, "a"), product(3, "b"), product(4, "c")}};
  auto first = book.next();
  auto second = book.next();
  book.give_up("the shop could not be reached");
  book.give_up("again");
  CHECK_FALSE(book.next());
  CHECK_FALSE(book.over());
  book.done(*first);
  book.failed(*second, "not imported");
  CHECK(book.over());
  auto end = book.final_row(now);
  CHECK(end.status == storage::import_status::failed);
  CHECK(end.products == 1);
  REQUIRE(end.errors.size() == 2);
  CHECK(end.errors[0] == storage::import_error{0, "the shop could not be reached"});
}

TEST_CASE("the row is worth saving every few hundred products", "[import]") {
  std::vector<import_product> products;
  for (int i = 0; i < 300; ++i)
    products.push_back(product(i + 2, "tea-" + std::to_string(i)));
  import_book book{row(), std::move(products)};
  for (int i = 0; i < 249; ++i)
    book.done(*book.next());
  CHECK_FALSE(book.worth_saving());
  book.failed(*book.next(), "no");
  CHECK(book.worth_saving());
  book.saved();
  CHECK_FALSE(book.worth_saving());
}

TEST_CASE("an import that a restart interrupted says so, whatever else it says", "[import]") {
  auto r = row();
  for (int i = 0; i < 1000; ++i)
    r.errors.push_back({i + 2, "no"});
  auto end = interrupted(r, now);
  CHECK(end.status == storage::import_status::failed);
  CHECK(end.updated_at == now);
  REQUIRE(end.errors.size() == 1000);
  CHECK(end.errors[0] == storage::import_error{0, "interrupted by a restart; import the file again"});
}

TEST_CASE("a file's product becomes a command that says everything", "[import]") {
  auto wanted = product(2, "tea", "Green Tea", 2);
  wanted.product.description = "<p>fine</p>";
  wanted.product.tags = {"green"};
  wanted.product.status = storage::product_status::draft;
  wanted.variants[0].row.id.bytes[0] = 7; // a file's ids mean nothing
  wanted.variants[1].stock = 4;
  caller by{row().id, storage::session_kind::login, {}};
  auto made = import_rules::as_new(wanted, by, row().store_id, row().id);
  CHECK(made.product.id == row().id);
  CHECK(made.product.title == "Green Tea");
  CHECK(made.variants[0].row.id.is_nil());
  CHECK(made.variants[1].stock == 4);
  auto change = import_rules::as_change(wanted, by, row().store_id, row().id);
  CHECK(change.title == "Green Tea");
  CHECK(change.description == "<p>fine</p>");
  CHECK(change.tags == wanted.product.tags);
  CHECK(change.status == storage::product_status::draft);
  CHECK(change.seo_title == "");
  CHECK_FALSE(change.handle); // it was found by it
  CHECK(change.stock_reason == "imported");
  CHECK(change.variants->at(0).row.id.is_nil());
  CHECK(change.variants->at(1).stock == 4);
}

TEST_CASE("however an import goes, every product is told once", "[import]") {
  CHECK(rc::check("done + failed = begun", [](std::uint32_t seed) {
    std::mt19937 random(seed);
    auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    auto count = static_cast<int>(below(40));
    std::vector<import_product> products;
    for (int i = 0; i < count; ++i)
      products.push_back(product(i + 2, "tea-" + std::to_string(i)));
    import_book book{row(), std::move(products)};
    std::vector<std::size_t> open;
    std::int64_t done = 0;
    std::size_t failed = 0;
    bool gave_up = false;
    while (!book.over()) {
      switch (below(5)) {
        case 0:
        case 1:
          if (auto i = book.next())
            open.push_back(*i);
          break;
        case 2:
          if (below(10) == 0) {
            book.give_up("stop");
            gave_up = true;
          }
          break;
        default:
          if (!open.empty()) {
            auto at = open.begin() + static_cast<std::ptrdiff_t>(below(open.size()));
            if (below(2) == 0) {
              book.done(*at);
              ++done;
            } else {
              book.failed(*at, "no");
              ++failed;
            }
            open.erase(at);
          }
      }
      RC_ASSERT(book.under_way() == open.size());
    }
    auto end = book.final_row(now);
    RC_ASSERT(end.products == done);
    RC_ASSERT(end.errors.size() == failed + (gave_up ? 1 : 0));
    RC_ASSERT(gave_up || done + static_cast<std::int64_t>(failed) == count);
    RC_ASSERT((end.status == storage::import_status::failed) == gave_up);
  }));
}
