#include "http/csv/product_columns.hpp"
#include "http/csv/product_csv.hpp"

#include <catch2/catch.hpp>
#include <set>

using souk::http::parse_product_csv;
using souk::http::parsed_products;
using souk::storage::product_status;

namespace {

using errors = std::vector<souk::storage::import_error>;

parsed_products parse(const std::string& text) {
  return parse_product_csv(text, 2);
}

/// Rows under a header that has what most tests need.
parsed_products parse_rows(const std::string& rows) {
  return parse("Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n"
               + rows);
}

/// Rows of a product file of which one, on the line given, is refused.
void check_refused(const parsed_products& parsed, std::int64_t line, const std::string& part_of_reason) {
  REQUIRE(parsed.errors.size() == 1);
  CHECK(parsed.errors[0].line == line);
  CHECK_THAT(parsed.errors[0].reason, Catch::Contains(part_of_reason));
}

} // namespace

TEST_CASE("a product is read from the current header", "[csv]") {
  auto parsed = parse(
    "title,URL HANDLE,Description,Vendor,Product category,Type,Tags,Published on online "
    "store,Status,SKU,Barcode,"
    "Option1 name,Option1 value,Price,Compare-at price,Charge tax,Inventory tracker,Inventory quantity,"
    "Continue selling when out of stock,Weight value (grams),Requires shipping,Product image URL,"
    "Image position,Image alt text,Variant image URL,SEO title,SEO description,Attribute / Harvest,Tax code\n"
    "Sencha,sencha,\"<p>Green,\nfresh</p>\",Uji,Food > Tea,Green tea,\"tea, green,tea\",TRUE,active,S-50,401,"
    "Size,50 "
    "g,9.90,12,FALSE,shopify,7,CONTINUE,55.6,TRUE,http://x/1.jpg,2,Leaves,http://x/v.jpg,Buy,Tea,2024,X\n"
    ",sencha,,,,,,,,S-100,,,100 g,18.00,,,,,DENY,,,http://x/0.jpg,1,,,,,,\n");
  CHECK(parsed.errors == errors{});
  REQUIRE(parsed.products.size() == 1);
  const auto& [line, product, variants] = parsed.products[0];
  CHECK(line == 2);
  CHECK(product.handle == "sencha");
  CHECK(product.title == "Sencha");
  CHECK(product.description == "<p>Green,\nfresh</p>");
  CHECK(product.vendor == "Uji");
  CHECK(product.category == "Food > Tea");
  CHECK(product.product_type == "Green tea");
  CHECK(product.tags == std::vector<std::string>{"tea", "green"});
  CHECK(product.status == product_status::active);
  CHECK(product.options == std::vector<souk::storage::product_option>{{"Size"}});
  CHECK(product.images
        == std::vector<souk::storage::product_image>{{"http://x/0.jpg", ""}, {"http://x/1.jpg", "Leaves"}});
  CHECK(product.seo_title == "Buy");
  CHECK(product.seo_description == "Tea");
  REQUIRE(variants.size() == 2);
  const auto& first = variants[0];
  CHECK(first.row.sku == "S-50");
  CHECK(first.row.barcode == "401");
  CHECK(first.row.option_values == std::vector<std::string>{"50 g"});
  CHECK(first.row.price == 990);
  CHECK(first.row.compare_at == 1200);
  CHECK_FALSE(first.row.taxable);
  CHECK(first.row.grams == 56);
  CHECK(first.row.image_url == "http://x/v.jpg");
  CHECK(first.row.attributes == decltype(first.row.attributes){{"Harvest", "2024"}});
  CHECK(first.stock == 7);
  CHECK(first.backorder == true);
  const auto& second = variants[1];
  CHECK(second.row.position == 2);
  CHECK(second.row.price == 1800);
  CHECK(second.row.compare_at == -1);
  CHECK(second.row.taxable);
  CHECK(second.stock == std::nullopt); // blank: the file does not say
  CHECK(second.backorder == false);
}

TEST_CASE("the headers are Shopify's own, and souk's columns are among them", "[csv]") {
  using namespace souk::http;
  CHECK(headers_of(csv_generation::current).size() == 57);
  for (auto generation : {csv_generation::current, csv_generation::legacy}) {
    std::set<std::string_view> headers(headers_of(generation).begin(), headers_of(generation).end());
    CHECK(headers.size() == headers_of(generation).size());
    for (const auto& known : product_column_names())
      CHECK(headers.count(generation == csv_generation::current ? known.current : known.legacy) == 1);
  }
}

TEST_CASE("variants of a product without options differ in SKU or attributes", "[csv]") {
  auto parsed = parse_rows("pot,Pot,Title,Default Title,P1,3,20\npan,Pan,,,P2,4,30\npan,,,,P3,4,35\n");
  CHECK(parsed.errors == errors{});
  REQUIRE(parsed.products.size() == 2);
  for (const auto& product : parsed.products) {
    CHECK(product.product.options.empty());
    for (const auto& variant : product.variants)
      CHECK(variant.row.option_values.empty());
  }
  CHECK(parsed.products[1].variants.size() == 2);
  check_refused(parse_rows("pot,Pot,Title,Default Title,,3,20\npot,,,Default Title,,1,1\n"), 3,
                "differs neither in SKU nor in attributes from the variant of line 2");
  check_refused(parse_rows("pot,Pot,Title,Default Title,P1,3,20\npot,,,Large,P2,1,1\n"), 3,
                "names no option");
}

TEST_CASE("a title alone names the product", "[csv]") {
  auto parsed = parse("Title,Price\n\"Earl Grey, No. 7!\",5\n");
  CHECK(parsed.errors == errors{});
  REQUIRE(parsed.products.size() == 1);
  CHECK(parsed.products[0].product.handle == "earl-grey-no-7");
}

TEST_CASE("rows of a product need not be neighbours, and images may stand alone", "[csv]") {
  auto parsed = parse("Handle,Title,Option1 Name,Option1 Value,Variant Price,Image Src,Image Position\n"
                      "a,A,Size,S,1,http://x/a,1\nb,B,,,2,,\na,,,M,3,,\na,,,,,http://x/b,2\n");
  CHECK(parsed.errors == errors{});
  REQUIRE(parsed.products.size() == 2);
  CHECK(parsed.products[0].variants.size() == 2);
  CHECK(parsed.products[0].product.images.size() == 2);
}

TEST_CASE("status and published decide together what is shown", "[csv]") {
  auto status_of = [](const std::string& published, const std::string& status) {
    auto parsed = parse("Title,Price,Published,Status\nA,1," + published + "," + status + "\n");
    REQUIRE(parsed.errors == errors{});
    return parsed.products.at(0).product.status;
  };
  CHECK(status_of("", "") == product_status::active);
  CHECK(status_of("true", "") == product_status::active);
  CHECK(status_of("FALSE", "") == product_status::draft);
  CHECK(status_of("FALSE", "active") == product_status::draft);
  CHECK(status_of("TRUE", "Draft") == product_status::draft);
  CHECK(status_of("TRUE", "archived") == product_status::archived);
  check_refused(parse("Title,Price,Status\nA,1,sold\n"), 2, "status \"sold\"");
  check_refused(parse("Title,Price,Published\nA,1,maybe\n"), 2, "neither TRUE nor FALSE");
}

TEST_CASE("a bad row is reported with its line and reason, and the rest goes in", "[csv]") {
  const std::string good = "pot,Pot,,,P1,3,20\n";
  auto [row, reason] = GENERATE(table<std::string, std::string>({
    {"x,X,,,S,1,abc\n", "the price \"abc\" is not an amount like 19.99"},
    {"x,X,,,S,1,-5\n", "the price \"-5\" is negative"},
    {"x,X,,,S,1,1.999\n", "the price \"1.999\""},
    {"x,X,,,S,1,\n", "has no price"},
    {"x,X,,,,,\n", "has no price"},
    {"x,X,,,S,1.5,9\n", "the quantity \"1.5\" is not a whole number"},
    {"x,X,,,S,many,9\n", "the quantity \"many\" is not a whole number"},
    {"x,X,,,S,-1,9\n", "the quantity \"-1\" is negative"},
    {"x,X,,,S,9999999999999999999,9\n", "the quantity"},
    {",,Size,S,S,1,9\n", "has neither a handle nor a title"},
    {"x,,,,S,1,9\n", "has no title"},
    {"x,X,,,S,1\n", "has 6 columns, the header has 7"},
    {"x,X,,,S,1,9,\n", "has 8 columns, the header has 7"},
    {"x,X,,,P1,1,9\n", "the SKU \"P1\" is already used by line 2"},
    {"x,X,,S,S,1,9\n", "option 1 has a value but no name"},
    {"x,X,Size,,S,1,9\n", "has no value for the option \"Size\""},
    {"!?,X,,,S,1,9\n", "a handle cannot be made of \"!?\""},
    {"pot,Kettle,,,S,1,9\n", "the handle \"pot\" already belongs to \"Pot\" of line 2"},
    {"x,Caf\xE9,,,S,1,9\n", "is not UTF-8"},
    {"x,\"X,,,S,1,9\n", "opens a quote that is never closed"},
    {"x,X\"Y,,,S,1,9\n", "has a quote where none belongs"},
    {"x," + std::string(300, 'x') + ",,,S,1,9\n", "title: has more than 255 characters"},
  }));
  auto parsed = parse_rows(good + row + "pan,Pan,,,P3,4,30\n");
  check_refused(parsed, 3, reason);
  REQUIRE(parsed.products.size() == 2);
  CHECK(parsed.products[0].product.handle == "pot");
  CHECK(parsed.products[1].product.handle == "pan");
  CHECK(parsed.products[1].line == 4);
}

TEST_CASE("one bad variant leaves its product and its siblings", "[csv]") {
  auto parsed = parse_rows(
    "tee,Tee,Size,S,T1,1,oops\ntee,,,M,T2,1,9\ntee,,,M,T3,1,9\ntee,,Colour,Red,T4,1,9\ntee,,,L,T5,1,9\n");
  REQUIRE(parsed.products.size() == 1);
  REQUIRE(parsed.products[0].variants.size() == 2);
  CHECK(parsed.products[0].variants[0].row.sku == "T2");
  CHECK(parsed.products[0].variants[0].row.position == 1);
  CHECK(parsed.products[0].variants[1].row.sku == "T5");
  REQUIRE(parsed.errors.size() == 3);
  CHECK(parsed.errors[0].line == 2);
  CHECK_THAT(parsed.errors[1].reason, Catch::Contains("same option values as line 3"));
  CHECK_THAT(parsed.errors[2].reason, Catch::Contains("\"Colour\""));
}

TEST_CASE("a refused variant does not keep its SKU from others", "[csv]") {
  auto parsed = parse_rows("a,A,,,S1,1,oops\nb,B,,,S1,1,9\n");
  check_refused(parsed, 2, "price");
  REQUIRE(parsed.products.size() == 1);
  CHECK(parsed.products[0].variants[0].row.sku == "S1");
}

TEST_CASE("every row of a refused product is reported", "[csv]") {
  auto parsed =
    parse("Handle,Title,Status,Option1 Name,Option1 Value,Price\na,A,gone,Size,S,1\na,,,,M,2\nb,B,,,,3\n");
  REQUIRE(parsed.errors.size() == 2);
  CHECK(parsed.errors[0].line == 2);
  CHECK(parsed.errors[1].line == 3);
  CHECK_THAT(parsed.errors[1].reason, Catch::Contains("the product of line 2, which cannot be used"));
  CHECK(parsed.products.size() == 1);
}

TEST_CASE("more than three options are refused, not cut off", "[csv]") {
  auto parsed = parse(
    "Title,Price,Option1 name,Option1 value,Option4 name,Option4 value\nA,1,Size,S,,\nB,1,Size,S,Cut,Slim\n");
  check_refused(parsed, 3, "more than 3 options");
  CHECK(parsed.products.size() == 1);
  check_refused(
    parse("Title,Price,Option1 name,Option1 value,Option2 name,Option2 value\nA,1,Size,S,Size,M\n"), 2,
    "another option is called Size");
  check_refused(
    parse("Title,Price,Option1 name,Option1 value,Option3 name,Option3 value\nA,1,Size,S,Cut,M\n"), 2,
    "option before it has none");
}

TEST_CASE("policies and weights are checked", "[csv]") {
  check_refused(parse("Title,Price,Continue selling when out of stock\nA,1,perhaps\n"), 2,
                "neither deny nor continue");
  check_refused(parse("Title,Price,Weight value (grams)\nA,1,heavy\n"), 2, "not a number of grams");
  check_refused(parse("Title,Price,Weight value (grams)\nA,1,-4\n"), 2, "not a number of grams");
  check_refused(parse("Title,Price,Product image URL,Image position\nA,1,http://x,0\n"), 2, "image position");
  check_refused(parse("Title,Price,Product image URL\nA,1,javascript:alert(1)\n"), 2, "images[0].url");
  check_refused(parse("Title,Price,Variant image URL\nA,1,ftp://x\n"), 2, "variant.image_url");
}

TEST_CASE("handles are made as the shop makes them", "[csv]") {
  auto parsed = parse_rows("Big Pot,Pot,Size,S,P1,3,20\nbig-pot,,,M,P2,1,20\n");
  CHECK(parsed.errors == errors{});
  REQUIRE(parsed.products.size() == 1);
  CHECK(parsed.products[0].product.handle == "big-pot");
  CHECK(parsed.products[0].variants.size() == 2);
}

TEST_CASE("limits of the shop are found while reading, on their line", "[csv]") {
  std::string rows = "tee,Tee,Size,0,,1,9\n";
  for (int i = 1; i <= 100; ++i)
    rows += "tee,,," + std::to_string(i) + ",,1,9\n";
  check_refused(parse_rows(rows), 102, "at most 100 variants");
  check_refused(parse_rows("x,X,,,S,1,99999999999999\n"), 2, "is too high");
  check_refused(parse_rows("x,X,,,S,2000000000,1\n"), 2, "is above 1000000000");
  check_refused(parse_rows("x,X,,," + std::string(300, 'S') + ",1,1\n"), 2, "variant.sku");
  check_refused(parse_rows("x,\"X\nY\",,,S,1,1\n"), 2, "title: contains control characters");
}

TEST_CASE("a row that says nothing is reported, one of commas is not", "[csv]") {
  auto parsed = parse_rows("pot,Pot,,,P1,3,20\npot,,,,,,\n,,,,,,\n\n");
  check_refused(parsed, 3, "neither a variant nor an image");
  CHECK(parsed.products.size() == 1);
}

TEST_CASE("a file that cannot be used says why, once", "[csv]") {
  auto [text, reason] = GENERATE(table<std::string, std::string>({
    {"", "the file is empty"},
    {"\n\n", "the file is empty"},
    {"\xEF\xBB\xBF", "the file is empty"},
    {"Handle,Body (HTML)\na,b\n", "the column \"Title\" is missing"},
    {"Title,URL handle\na,b\nc,d\n", "the column \"Price\" (or \"Variant Price\") is missing"},
    {"Title;Price\nA;1\n", "separated by commas"},
    {"Title,Price,Variant Price\na,1,2\n", "mean the same"},
    {"Title,title,Price\na,1,2\n", "mean the same"},
    {"Title,Price,Attribute / A,attribute / A\na,1,2,3\n", "appears twice"},
    {"Title,Pr\"ice\nA,1\nB,\"2\nC,3\n", "the header has a quote"},
    {"Title,Pr\xE9is,Price\nA,1,1\n", "the header is not UTF-8"},
    {std::string{"\xFF\xFET\0i\0", 6}, "UTF-16"},
  }));
  auto parsed = parse(text);
  check_refused(parsed, 1, reason);
  CHECK(parsed.products.empty());
}

TEST_CASE("line numbers stay right after fields of several lines, a BOM and CRLF", "[csv]") {
  auto parsed = parse("\xEF\xBB\xBFTitle,Description,Price\r\nA,\"one\r\ntwo\r\nthree\",1\r\nB,,x\r\n");
  check_refused(parsed, 5, "price");
  REQUIRE(parsed.products.size() == 1);
  CHECK(parsed.products[0].product.description == "one\r\ntwo\r\nthree");
}

TEST_CASE("prices follow the currency's decimals", "[csv]") {
  CHECK(parse_product_csv("Title,Price\nA,1500\n", 0).products.at(0).variants[0].row.price == 1500);
  CHECK(parse_product_csv("Title,Price\nA,1.234\n", 3).products.at(0).variants[0].row.price == 1234);
  check_refused(parse_product_csv("Title,Price\nA,15.50\n", 0), 2, "not an amount like 20");
}

TEST_CASE("errors are counted beyond those that are kept", "[csv]") {
  std::string text = "Title,Price\n";
  for (int i = 0; i < 1500; ++i)
    text += "A,x\n";
  auto parsed = parse(text);
  CHECK(parsed.errors.size() == souk::http::reported_errors_max);
  CHECK(parsed.errors_total == 1500);
}
