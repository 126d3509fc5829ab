#include "http/csv/product_csv.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <rapidcheck.h>
#include <sstream>

using souk::actors::import_product;
using souk::actors::variant_draft;
using souk::http::csv_generation;
using souk::http::format_product_csv;
using souk::http::parse_product_csv;

namespace souk::actors {

// A file says nothing of thresholds, and the line is where something was said, not what.
bool operator==(const variant_draft& a, const variant_draft& b) {
  return a.row == b.row && a.stock == b.stock && a.backorder == b.backorder;
}
bool operator==(const import_product& a, const import_product& b) {
  return a.product == b.product && a.variants == b.variants;
}
std::ostream& operator<<(std::ostream& out, const import_product& x) {
  return out << x.product.handle << " with " << x.variants.size() << " variants";
}

} // namespace souk::actors

namespace {

namespace fs = std::filesystem;

/// Text that tries the format: quotes, separators, line ends, spaces at the ends, several bytes per
/// character.
std::string awkward_text() {
  auto pieces = *rc::gen::container<std::vector<std::string>>(
    rc::gen::elementOf(std::vector<std::string>{"a", "Z", "7", ",", "\"", "\"\"", "\n", "\r\n", "\r", " ",
                                                "\t", "é", "茶", "🫖", ";", "<p>", "=1+1", "-"}));
  std::string text;
  for (const auto& piece : pieces)
    text += piece;
  return text.substr(0, 1000);
}

/// The same for fields that are kept without spaces at their ends, and on one line.
std::string awkward_name(bool may_be_empty = true) {
  auto text = awkward_text();
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == '\t'; });
  auto begin = text.find_first_not_of(" \t");
  text = begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
  if (text.size() > 200)
    text = "long";
  if (text.empty() && !may_be_empty)
    return "x";
  return text;
}

std::string awkward_tag() {
  auto tag = awkward_name(false);
  std::erase(tag, ',');
  auto begin = tag.find_first_not_of(" \t");
  return begin == std::string::npos ? "tag" : tag.substr(begin, tag.find_last_not_of(" \t") - begin + 1);
}

import_product any_product(int number) {
  import_product draft;
  auto& product = draft.product;
  product.handle = "product-" + std::to_string(number);
  product.title = awkward_name(false);
  product.description = awkward_text();
  product.vendor = awkward_name();
  product.category = awkward_name();
  product.product_type = awkward_name();
  product.seo_title = awkward_name();
  product.seo_description = awkward_name();
  product.status = *rc::gen::elementOf(std::vector{souk::storage::product_status::draft,
                                                   souk::storage::product_status::active,
                                                   souk::storage::product_status::archived});
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
    if (auto tag = awkward_tag();
        std::find(product.tags.begin(), product.tags.end(), tag) == product.tags.end())
      product.tags.push_back(tag);
  auto options = *rc::gen::inRange<std::size_t>(0, 4);
  for (std::size_t n = 0; n < options; ++n)
    product.options.push_back({awkward_name(false) + std::to_string(n)});
  for (int i = *rc::gen::inRange(0, 5); i > 0; --i)
    product.images.push_back({"http://images.example/" + std::to_string(i), awkward_name()});
  auto variants = *rc::gen::inRange(1, 5);
  for (int i = 0; i < variants; ++i) {
    auto& variant = draft.variants.emplace_back();
    variant.row.position = i + 1;
    for (std::size_t n = 0; n < options; ++n)
      variant.row.option_values.push_back(n == 0 ? awkward_name() + std::to_string(i) : awkward_name(false));
    if (options == 0 || *rc::gen::arbitrary<bool>())
      variant.row.sku = "SKU-" + std::to_string(number) + '-' + std::to_string(i) + awkward_name();
    variant.row.barcode = awkward_name();
    variant.row.price = *rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000);
    if (*rc::gen::arbitrary<bool>())
      variant.row.compare_at = *rc::gen::inRange<std::int64_t>(1, 1'000'000'000'000);
    variant.row.grams = *rc::gen::inRange<std::int64_t>(0, 1'000'000);
    variant.row.requires_shipping = *rc::gen::arbitrary<bool>();
    variant.row.taxable = *rc::gen::arbitrary<bool>();
    if (*rc::gen::arbitrary<bool>())
      variant.row.image_url = "http://images.example/v" + std::to_string(i);
    if (*rc::gen::arbitrary<bool>())
      variant.row.attributes.emplace_back("Colour, of \"leaf\"", awkward_name(false));
    if (*rc::gen::arbitrary<bool>())
      variant.stock = *rc::gen::inRange<std::int64_t>(0, 1'000'000'000);
    if (*rc::gen::arbitrary<bool>())
      variant.backorder = *rc::gen::arbitrary<bool>();
  }
  return draft;
}

std::string read_file(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

} // namespace

TEST_CASE("what is exported is imported as the same", "[csv]") {
  for (auto generation : {csv_generation::current, csv_generation::legacy})
    CHECK(rc::check("parse(format(x)) == x", [generation] {
      std::vector<import_product> products;
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
        products.push_back(any_product(i));
      auto exponent = *rc::gen::inRange(0, 5);
      auto parsed = parse_product_csv(format_product_csv(products, exponent, generation), exponent);
      for (const auto& error : parsed.errors)
        RC_LOG() << "line " << error.line << ": " << error.reason << '\n';
      RC_ASSERT(parsed.errors_total == 0);
      RC_ASSERT(parsed.products == products);
    }));
}

TEST_CASE("no text makes the parser fail", "[csv]") {
  CHECK(rc::check("parsing any text ends, with errors on lines of the file", [] {
    auto text = "Title,Price,Option1 name,Option1 value\n" + awkward_text() + awkward_text();
    auto lines = static_cast<std::int64_t>(
                   std::count_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }))
               + 1;
    for (const auto& error : parse_product_csv(text, 2).errors)
      RC_ASSERT((error.line >= 1 && error.line <= lines));
  }));
}

TEST_CASE("what back-orders took below zero is left as it is", "[csv]") {
  auto product = parse_product_csv("Title,Price\nTee,1\n", 2).products.at(0);
  product.variants[0].stock = -3;
  auto parsed = parse_product_csv(format_product_csv({product}, 2), 2);
  CHECK(parsed.errors_total == 0);
  CHECK(parsed.products.at(0).variants.at(0).stock == std::nullopt);
}

TEST_CASE("removed variants are not exported", "[csv]") {
  auto product =
    parse_product_csv("Title,Price,Option1 name,Option1 value\nTee,1,Size,S\n", 2).products.at(0);
  product.variants.push_back(product.variants[0]);
  product.variants[1].row.option_values = {"M"};
  product.variants[1].row.removed = true;
  auto parsed = parse_product_csv(format_product_csv({product}, 2), 2);
  CHECK(parsed.products.at(0).variants.size() == 1);
}

TEST_CASE("catalogs of the world and our own are read without an error", "[csv]") {
  // Shopify's published sample catalogs are not ours to ship; where they lie beside the checkout they are
  // read too.
  std::vector<fs::path> folders{"examples/catalogs", "../shared/data"};
  if (const auto* named = std::getenv("SOUK_SAMPLE_CATALOGS"))
    folders = {"examples/catalogs", named};
  // The checkout is around the program or around where it was started; where the source was compiled says nothing (ccache).
  fs::path root;
  for (auto from : {fs::current_path(), fs::read_symlink("/proc/self/exe").parent_path()})
    for (; root.empty() && from != from.root_path(); from = from.parent_path())
      if (fs::exists(from / "examples/catalogs"))
        root = from;
  REQUIRE(!root.empty());
  int files = 0;
  for (const auto& folder : folders) {
    auto place = folder.is_absolute() ? folder : root / folder;
    std::error_code missing;
    for (const auto& entry : fs::directory_iterator{place, missing}) {
      if (entry.path().extension() != ".csv")
        continue;
      ++files;
      INFO(entry.path());
      auto parsed = parse_product_csv(read_file(entry.path()), 2);
      for (const auto& error : parsed.errors)
        UNSCOPED_INFO("line " << error.line << ": " << error.reason);
      CHECK(parsed.errors_total == 0);
      CHECK(parsed.products.size() >= 10);
      for (auto generation : {csv_generation::current, csv_generation::legacy})
        CHECK(parse_product_csv(format_product_csv(parsed.products, 2, generation), 2).products
              == parsed.products);
    }
  }
  CHECK(files >= 2);
}
