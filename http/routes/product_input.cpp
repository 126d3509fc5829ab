#include "http/routes/product_input.hpp"

#include <algorithm>
#include <array>

namespace souk::http::routes {

namespace {

using actors::text_rule;
using json::fields;

constexpr std::int64_t stock_max = 1'000'000'000;
constexpr std::size_t variants_max = 100;
constexpr text_rule short_text{0, 255};
constexpr text_rule name_text{1, 255};

const auto product_fields = {std::string_view{"name"},      std::string_view{"description"},
                             std::string_view{"price"},     std::string_view{"compare_at_price"},
                             std::string_view{"category"},  std::string_view{"vendor"},
                             std::string_view{"type"},      std::string_view{"tags"},
                             std::string_view{"handle"},    std::string_view{"status"},
                             std::string_view{"options"},   std::string_view{"images"},
                             std::string_view{"seo_title"}, std::string_view{"seo_description"},
                             std::string_view{"variants"},  std::string_view{"stock"},
                             std::string_view{"sku"}};
const auto change_fields = {std::string_view{"name"},      std::string_view{"description"},
                            std::string_view{"category"},  std::string_view{"vendor"},
                            std::string_view{"type"},      std::string_view{"tags"},
                            std::string_view{"handle"},    std::string_view{"status"},
                            std::string_view{"options"},   std::string_view{"images"},
                            std::string_view{"seo_title"}, std::string_view{"seo_description"},
                            std::string_view{"variants"},  std::string_view{"remove_variants"},
                            std::string_view{"version"}};
const auto variant_fields = {std::string_view{"variant_id"},   std::string_view{"sku"},
                             std::string_view{"price"},        std::string_view{"compare_at_price"},
                             std::string_view{"attributes"},   std::string_view{"options"},
                             std::string_view{"stock"},        std::string_view{"barcode"},
                             std::string_view{"weight_grams"}, std::string_view{"requires_shipping"},
                             std::string_view{"taxable"},      std::string_view{"image_url"},
                             std::string_view{"backorder"},    std::string_view{"low_stock_threshold"}};

std::optional<storage::product_status> read_status(const fields& f) {
  const auto text = f.maybe_text("status", {1, 20});
  if (!text)
    return std::nullopt;
  if (*text == "active")
    return storage::product_status::active;
  if (*text == "draft")
    return storage::product_status::draft;
  if (*text == "archived")
    return storage::product_status::archived;
  f.wrong("status", "must be \"draft\", \"active\" or \"archived\"");
}

std::optional<std::vector<storage::product_image>> read_images(const fields& f) {
  const auto images = f.maybe_objects("images", 250, {"url", "alt"});
  if (!images)
    return std::nullopt;
  std::vector<storage::product_image> out;
  for (const auto& image : *images)
    out.push_back({image.text("url", {1, 2048}), image.text_or_empty("alt", {0, 1000, actors::lines::many})});
  return out;
}

std::optional<std::vector<storage::product_option>> read_options(const fields& f) {
  const auto names = f.maybe_texts("options", 3, name_text);
  if (!names)
    return std::nullopt;
  std::vector<storage::product_option> out;
  for (const auto& name : *names)
    out.push_back({name});
  return out;
}

using option_values = std::vector<std::pair<std::string, std::string>>;

/// {"Size": "M"} by the product's options; nullopt options: taken from the first variant that has some.
void place_options(const fields& f, const option_values& given,
                   std::optional<std::vector<storage::product_option>>& options, storage::variant_row& row) {
  if (!options && !given.empty()) {
    options.emplace();
    for (const auto& [name, value] : given)
      options->push_back({name});
  }
  if (!options)
    return;
  for (const auto& option : *options) {
    const auto at =
      std::find_if(given.begin(), given.end(), [&](const auto& g) { return g.first == option.name; });
    if (at == given.end())
      f.wrong("options", "a value for \"" + option.name + "\" is missing");
    row.option_values.push_back(at->second);
  }
  for (const auto& [name, value] : given)
    if (std::none_of(options->begin(), options->end(), [&, n = name](const auto& o) { return o.name == n; }))
      f.wrong("options", "the product has no option \"" + name + "\"");
}

struct draft_defaults {
  std::optional<std::int64_t> price;
  std::optional<std::int64_t> compare_at;
};

actors::variant_draft read_variant(const fields& f, const store_facts& store, const draft_defaults& defaults,
                                   std::optional<std::vector<storage::product_option>>& options) {
  actors::variant_draft draft;
  auto& row = draft.row;
  row.id = f.maybe_id("variant_id").value_or(storage::ulid{});
  row.sku = f.text_or_empty("sku", short_text);
  const auto price = f.maybe_amount("price", store.unit);
  if (!price && !defaults.price)
    f.wrong("price", "is missing");
  row.price = price.value_or(defaults.price.value_or(0));
  row.compare_at = f.maybe_amount("compare_at_price", store.unit).value_or(defaults.compare_at.value_or(-1));
  row.attributes = f.maybe_map("attributes", 50, name_text, short_text).value_or(option_values{});
  row.barcode = f.text_or_empty("barcode", short_text);
  row.grams = f.maybe_integer("weight_grams", 0, 100'000'000).value_or(0);
  row.requires_shipping = f.maybe_boolean("requires_shipping").value_or(true);
  row.taxable = f.maybe_boolean("taxable").value_or(true);
  row.image_url = f.text_or_empty("image_url", {0, 2048});
  draft.stock = f.maybe_integer("stock", 0, stock_max);
  draft.backorder = f.maybe_boolean("backorder");
  draft.low_stock_threshold = f.maybe_integer("low_stock_threshold", -1, stock_max);
  place_options(f, f.maybe_map("options", 3, name_text, name_text).value_or(option_values{}), options, row);
  return draft;
}

} // namespace

actors::create_product read_new_product(const json::document& body, const store_facts& store) {
  const auto f = body.root(product_fields);
  actors::create_product out;
  out.store_id = store.id;
  auto& row = out.product;
  row.title = f.text("name", name_text);
  row.handle = f.text_or_empty("handle", short_text);
  row.description = f.text_or_empty("description", {0, 65'536, actors::lines::many});
  row.category = f.text_or_empty("category", short_text);
  row.vendor = f.text_or_empty("vendor", short_text);
  row.product_type = f.text_or_empty("type", short_text);
  row.tags = f.maybe_texts("tags", 250, name_text).value_or(std::vector<std::string>{});
  row.status = read_status(f).value_or(storage::product_status::active);
  row.images = read_images(f).value_or(std::vector<storage::product_image>{});
  row.seo_title = f.text_or_empty("seo_title", short_text);
  row.seo_description = f.text_or_empty("seo_description", {0, 1000, actors::lines::many});

  auto options = read_options(f);
  const draft_defaults defaults{f.maybe_amount("price", store.unit),
                                f.maybe_amount("compare_at_price", store.unit)};
  const auto stock = f.maybe_integer("stock", 0, stock_max);
  const auto sku = f.maybe_text("sku", short_text);
  const auto variants = f.maybe_objects("variants", variants_max, variant_fields);
  if (!variants || variants->empty()) { // a product without choices is its own only variant
    if (options && !options->empty())
      f.wrong("variants", "a product with options needs variants");
    actors::variant_draft only;
    only.row.price = f.amount("price", store.unit);
    only.row.compare_at = defaults.compare_at.value_or(-1);
    only.row.sku = sku.value_or(std::string{});
    only.stock = stock;
    out.variants.push_back(std::move(only));
    return out;
  }
  if (sku)
    f.wrong("sku", "belongs to the variants when there are some");
  if (stock && variants->size() > 1)
    f.wrong("stock", "belongs to the variants when there is more than one");
  for (const auto& variant : *variants)
    out.variants.push_back(read_variant(variant, store, defaults, options));
  if (stock && !out.variants.front().stock)
    out.variants.front().stock = stock;
  if (options)
    row.options = *std::move(options);
  return out;
}

actors::change_product read_product_change(const json::document& body, const store_facts& store,
                                           const std::function<storage::product_row()>& now) {
  const auto f = body.root(change_fields);
  actors::change_product out;
  out.store_id = store.id;
  out.title = f.maybe_text("name", name_text);
  out.handle = f.maybe_text("handle", name_text);
  out.description = f.maybe_text("description", {0, 65'536, actors::lines::many});
  out.category = f.maybe_text("category", short_text);
  out.vendor = f.maybe_text("vendor", short_text);
  out.product_type = f.maybe_text("type", short_text);
  out.tags = f.maybe_texts("tags", 250, name_text);
  out.status = read_status(f);
  out.images = read_images(f);
  out.seo_title = f.maybe_text("seo_title", short_text);
  out.seo_description = f.maybe_text("seo_description", {0, 1000, actors::lines::many});
  out.options = read_options(f);
  out.expected_version = f.maybe_integer("version", 1, std::numeric_limits<std::int64_t>::max());
  if (const auto variants = f.maybe_objects("variants", variants_max, variant_fields)) {
    auto options = out.options;
    if (!options) { // values are placed by the options that the product has, in its order
      const auto product = now();
      options = product.options;
      if (!out.expected_version)
        out.expected_version = product.version;
    }
    out.variants.emplace();
    for (const auto& variant : *variants)
      out.variants->push_back(read_variant(variant, store, {}, options));
  }
  if (const auto removed = f.maybe_texts("remove_variants", variants_max, {26, 26}))
    for (const auto& text : *removed) {
      const auto id = storage::ulid::parse(text);
      if (!id)
        f.wrong("remove_variants", "holds what is no id of 26 characters");
      out.remove_variants.push_back(*id);
    }
  return out;
}

refusal in_api_words(refusal why) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> words{{
    {"title", "name"},
    {"product_type", "type"},
    {"option_values", "options"},
    {"compare_at", "compare_at_price"},
    {"grams", "weight_grams"},
  }};
  auto& field = why.field;
  for (const auto& [row_word, api_word] : words) {
    const auto at = field.rfind(row_word);
    const bool whole = at != std::string::npos && (at == 0 || field[at - 1] == '.')
                    && (at + row_word.size() == field.size() || field[at + row_word.size()] == '[');
    if (whole)
      field.replace(at, row_word.size(), api_word);
  }
  return why;
}

} // namespace souk::http::routes
