#include "http/csv/product_csv.hpp"

#include "actors/money/currency.hpp"
#include "actors/product/product_checks.hpp"
#include "actors/text.hpp"
#include "http/csv/csv_reader.hpp"
#include "http/csv/product_header.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace souk::http {

namespace {

using std::string;
using std::string_view;

namespace checks = actors::product_checks;

constexpr std::size_t option_count = 3;

/// Why a row, or the product it begins, cannot be used. Thrown and caught within this file: a row has a dozen
/// places to fail.
struct bad_row {
  string reason;
};

[[noreturn]] void refuse(string reason) {
  throw bad_row{std::move(reason)};
}

string quoted(string_view text) {
  constexpr std::size_t shown = 60;
  if (text.size() <= shown)
    return '"' + string{text} + '"';
  auto end = shown;
  while (end > 0
         && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) // not in the middle of a character
    --end;
  return '"' + string{text.substr(0, end)} + "…\"";
}

string line_ref(std::int64_t line) {
  return "line " + std::to_string(line);
}

/// What an actor would refuse the whole product for is found here, where it costs one row and has a line.
void refuse_if(const std::optional<actors::rejection>& no) {
  if (no)
    refuse(no->field + ": " + no->message);
}

std::optional<bool> parse_flag(string_view text) {
  auto lower = lowered(text);
  if (lower == "true" || lower == "yes" || lower == "1")
    return true;
  if (lower == "false" || lower == "no" || lower == "0")
    return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_integer(string_view text) {
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::vector<string> split_tags(string_view text) {
  std::vector<string> tags;
  while (!text.empty()) {
    auto comma = text.find(',');
    auto tag = trimmed(text.substr(0, comma));
    if (!tag.empty() && std::find(tags.begin(), tags.end(), tag) == tags.end())
      tags.emplace_back(tag);
    if (comma == string_view::npos)
      break;
    text.remove_prefix(comma + 1);
  }
  return tags;
}

/// A product whose rows are still coming.
struct growing_product {
  actors::import_product draft;
  std::int64_t refused_at = 0;                    ///< the line that made it unusable; 0 = it is usable
  std::unordered_map<string, std::int64_t> lines; ///< of each variant, by what tells it from the others
  std::vector<std::pair<std::int64_t, storage::product_image>> images; ///< position in the file, or 0
};

class product_parser {
public:
  explicit product_parser(int currency_exponent) : exponent_{currency_exponent} {}

  void row(csv_row& row) {
    if (header_broken_)
      return;
    if (!header_read_) {
      header_read_ = true;
      if (auto reason = header_.read(row.fields)) {
        header_broken_ = true;
        report(row.line, *reason);
      }
      return;
    }
    try {
      data_row(row);
    } catch (const bad_row& bad) {
      report(row.line, bad.reason);
    }
  }

  void report(std::int64_t line, string reason) {
    if (!header_read_) { // the header's own quotes are broken
      header_read_ = header_broken_ = true;
      reason = "the header " + reason;
    } else if (header_broken_ && result_.errors_total > 0) {
      return;
    }
    ++result_.errors_total;
    if (result_.errors.size() < reported_errors_max)
      result_.errors.push_back({line, std::move(reason)});
  }

  parsed_products finish() && {
    if (!header_read_)
      report(1, "is missing: the file is empty");
    for (auto& growing : products_) {
      if (growing.refused_at != 0 || growing.draft.variants.empty())
        continue; // why is in the errors of its rows
      std::stable_sort(growing.images.begin(), growing.images.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      for (auto& [position, image] : growing.images)
        growing.draft.product.images.push_back(std::move(image));
      result_.products.push_back(std::move(growing.draft));
    }
    std::stable_sort(result_.errors.begin(), result_.errors.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
    return std::move(result_);
  }

private:
  using column = product_column;

  string_view cell(const csv_row& row, column which) const { return header_.cell(row.fields, which); }

  void data_row(const csv_row& row) {
    const auto& fields = row.fields;
    if (std::all_of(fields.begin(), fields.end(), [](const string& field) { return trimmed(field).empty(); }))
      return; // spreadsheets leave rows of commas behind
    if (fields.size() != header_.size())
      refuse("has " + std::to_string(fields.size()) + " columns, the header has "
             + std::to_string(header_.size()));
    for (const auto& field : fields)
      if (!actors::characters(field) || field.find('\0') != string::npos)
        refuse("is not UTF-8, or contains a NUL character");

    auto title = cell(row, column::title);
    auto named = cell(row, column::handle);
    if (named.empty() && title.empty())
      refuse("has neither a handle nor a title, so it belongs to no product");
    auto handle = checks::make_handle(named.empty() ? title : named);
    if (handle.empty())
      refuse("a handle cannot be made of " + quoted(named.empty() ? title : named));
    auto& growing = product_of(row, handle, title);

    bool used = read_image(row, growing);
    if (is_variant(row)) {
      used = true;
      read_variant(row, growing);
    } else if (growing.draft.line == row.line) {
      refuse("has no price"); // a product's first row is its first variant, even if it gives nothing of it
    }
    if (!used)
      refuse("has neither a variant nor an image");
  }

  /// The product the row belongs to; the first row of a handle begins it.
  growing_product& product_of(const csv_row& row, const string& handle, string_view title) {
    if (auto known = by_handle_.find(handle); known != by_handle_.end()) {
      auto& growing = products_[known->second];
      if (growing.refused_at != 0)
        refuse("belongs to the product of " + line_ref(growing.refused_at) + ", which cannot be used");
      if (!title.empty() && title != growing.draft.product.title)
        refuse("the handle " + quoted(handle) + " already belongs to " + quoted(growing.draft.product.title)
               + " of " + line_ref(growing.draft.line));
      check_option_names(row, growing.draft.product.options);
      return growing;
    }
    by_handle_.emplace(handle, products_.size());
    auto& growing = products_.emplace_back();
    growing.draft.line = row.line;
    growing.draft.product.handle = handle;
    try {
      read_product(row, growing.draft.product);
    } catch (const bad_row&) {
      growing.refused_at = row.line;
      throw;
    }
    return growing;
  }

  void read_product(const csv_row& row, storage::product_row& product) const {
    product.title = cell(row, column::title);
    if (product.title.empty())
      refuse("has no title, which the first row of a product needs");
    product.description = header_.raw(row.fields, column::description);
    product.vendor = cell(row, column::vendor);
    product.category = cell(row, column::category);
    product.product_type = cell(row, column::product_type);
    product.seo_title = cell(row, column::seo_title);
    product.seo_description = cell(row, column::seo_description);
    product.tags = split_tags(cell(row, column::tags));
    product.status = read_status(row);
    product.options = read_options(row);
    refuse_if(checks::check_product(product));
  }

  /// Shopify keeps "active" and "published" apart; souk has one status, so what is not published is not
  /// shown: a draft.
  storage::product_status read_status(const csv_row& row) const {
    auto published = flag_cell(row, column::published, "published", true);
    auto text = lowered(cell(row, column::status));
    if (text == "draft")
      return storage::product_status::draft;
    if (text == "archived")
      return storage::product_status::archived;
    if (!text.empty() && text != "active")
      refuse("the status " + quoted(cell(row, column::status)) + " is none of active, draft and archived");
    return published ? storage::product_status::active : storage::product_status::draft;
  }

  bool flag_cell(const csv_row& row, column which, const char* what, bool otherwise) const {
    auto text = cell(row, which);
    if (text.empty())
      return otherwise;
    auto flag = parse_flag(text);
    if (!flag)
      refuse(string{what} + " is " + quoted(text) + ", neither TRUE nor FALSE");
    return *flag;
  }

  static bool is_default(string_view name, string_view value) {
    return lowered(name) == "title" && lowered(value) == "default title";
  }

  std::vector<storage::product_option> read_options(const csv_row& row) const {
    check_surplus_options(row);
    std::vector<storage::product_option> options;
    if (is_default(cell(row, option_name(0)), cell(row, option_value(0))))
      return options;
    for (std::size_t n = 0; n < option_count; ++n) {
      string name{cell(row, option_name(n))};
      auto number = std::to_string(n + 1);
      if (name.empty()) {
        if (!cell(row, option_value(n)).empty())
          refuse("option " + number + " has a value but no name");
        continue;
      }
      if (options.size() < n)
        refuse("option " + number + " has a name, but the option before it has none");
      options.push_back({std::move(name)});
    }
    return options;
  }

  void check_surplus_options(const csv_row& row) const {
    for (auto position : header_.surplus_options())
      if (!trimmed(row.fields[position]).empty())
        refuse("has more than 3 options");
  }

  /// Later rows leave the names out or repeat them.
  void check_option_names(const csv_row& row, const std::vector<storage::product_option>& options) const {
    check_surplus_options(row);
    for (std::size_t n = 0; n < option_count; ++n) {
      auto name = cell(row, option_name(n));
      bool default_name = options.empty() && n == 0 && lowered(name) == "title";
      if (!name.empty() && !default_name && (n >= options.size() || options[n].name != name))
        refuse("the option " + quoted(name) + " is not one that the product's first row names");
    }
  }

  bool is_variant(const csv_row& row) const {
    for (auto which : {column::sku, column::barcode, column::price, column::compare_at, column::quantity,
                       column::grams, column::option1_value, column::option2_value, column::option3_value})
      if (!cell(row, which).empty())
        return true;
    return false;
  }

  bool read_image(const csv_row& row, growing_product& growing) const {
    auto url = cell(row, column::image_url);
    if (url.empty())
      return false;
    storage::product_image image{string{url}, string{cell(row, column::image_alt)}};
    storage::product_row only_image;
    only_image.title = only_image.handle = "x";
    only_image.images = {image};
    refuse_if(checks::check_product(only_image));
    std::int64_t position = 0;
    if (auto text = cell(row, column::image_position); !text.empty()) {
      auto number = parse_integer(text);
      if (!number || *number < 1)
        refuse("the image position " + quoted(text) + " is not a number from 1");
      position = *number;
    }
    bool known = std::any_of(growing.images.begin(), growing.images.end(), [&](const auto& other) {
      return other.second == image && other.first == position;
    });
    if (known)
      return true;
    if (growing.images.size() == checks::images_max)
      refuse("a product has at most " + std::to_string(checks::images_max) + " images");
    growing.images.emplace_back(position, std::move(image));
    return true;
  }

  std::int64_t read_price(const csv_row& row, column which, const char* what) const {
    auto text = cell(row, which);
    auto price = actors::parse_amount(text, exponent_);
    if (!price)
      refuse(string{what} + " " + quoted(text) + " is not an amount like "
             + actors::format_amount(exponent_ == 0 ? 20 : 1999, exponent_));
    if (*price < 0)
      refuse(string{what} + " " + quoted(text) + " is negative");
    if (*price > actors::amount_max)
      refuse(string{what} + " " + quoted(text) + " is too high");
    return *price;
  }

  void read_variant(const csv_row& row, growing_product& growing) {
    actors::variant_draft variant;
    const auto& options = growing.draft.product.options;
    if (growing.draft.variants.size() == checks::variants_max)
      refuse("a product has at most " + std::to_string(checks::variants_max) + " variants");
    if (options.empty()) {
      auto value = cell(row, option_value(0));
      bool none = (value.empty() || lowered(value) == "default title") && cell(row, option_value(1)).empty()
               && cell(row, option_value(2)).empty();
      if (!none)
        refuse("has an option value, but the product's first row names no option");
    }
    for (std::size_t n = 0; n < options.size(); ++n) {
      auto value = cell(row, option_value(n));
      if (value.empty())
        refuse("has no value for the option " + quoted(options[n].name));
      variant.row.option_values.emplace_back(value);
    }
    for (auto n = options.size(); n < option_count && !options.empty(); ++n)
      if (!cell(row, option_value(n)).empty())
        refuse("option " + std::to_string(n + 1) + " has a value but no name");
    if (cell(row, column::price).empty())
      refuse("has no price");
    variant.row.price = read_price(row, column::price, "the price");
    if (!cell(row, column::compare_at).empty())
      if (auto compare_at = read_price(row, column::compare_at, "the compare-at price"); compare_at > 0)
        variant.row.compare_at = compare_at;
    read_stock(row, variant);
    if (auto text = cell(row, column::grams); !text.empty()) {
      auto milligrams = actors::parse_amount(text, 3);
      if (!milligrams || *milligrams < 0)
        refuse("the weight " + quoted(text) + " is not a number of grams");
      variant.row.grams = (*milligrams + 500) / 1000;
    }
    variant.row.requires_shipping = flag_cell(row, column::requires_shipping, "requires shipping", true);
    variant.row.taxable = flag_cell(row, column::taxable, "charge tax", true);
    variant.row.barcode = cell(row, column::barcode);
    variant.row.image_url = cell(row, column::variant_image);
    for (const auto& [name, position] : header_.attributes())
      if (auto value = trimmed(row.fields[position]); !value.empty())
        variant.row.attributes.emplace_back(name, value);
    variant.row.sku = cell(row, column::sku);
    refuse_if(checks::check_variant(variant.row, "variant"));

    auto identity = identity_of(variant.row);
    if (auto same = growing.lines.find(identity); same != growing.lines.end())
      refuse(options.empty()
               ? "differs neither in SKU nor in attributes from the variant of " + line_ref(same->second)
               : "has the same option values as " + line_ref(same->second));
    if (!variant.row.sku.empty())
      if (auto [other, fresh] = sku_lines_.emplace(variant.row.sku, row.line); !fresh)
        refuse("the SKU " + quoted(variant.row.sku) + " is already used by " + line_ref(other->second));
    growing.lines.emplace(std::move(identity), row.line);
    variant.row.position = static_cast<std::int32_t>(growing.draft.variants.size() + 1);
    growing.draft.variants.push_back(std::move(variant));
  }

  /// What tells a variant from its siblings: its option values, else (options are optional in souk) its SKU
  /// and attributes.
  static string identity_of(const storage::variant_row& variant) {
    string identity;
    auto add = [&](string_view text) { identity.append(text).push_back('\0'); };
    for (const auto& value : variant.option_values)
      add(value);
    if (variant.option_values.empty()) {
      add(variant.sku);
      for (const auto& [name, value] : variant.attributes) {
        add(name);
        add(value);
      }
    }
    return identity;
  }

  void read_stock(const csv_row& row, actors::variant_draft& variant) const {
    if (auto text = cell(row, column::quantity); !text.empty()) {
      auto quantity = parse_integer(text);
      if (!quantity)
        refuse("the quantity " + quoted(text) + " is not a whole number");
      if (*quantity < 0)
        refuse("the quantity " + quoted(text) + " is negative");
      if (*quantity > checks::stock_max)
        refuse("the quantity " + quoted(text) + " is above " + std::to_string(checks::stock_max));
      variant.stock = *quantity;
    }
    if (auto text = cell(row, column::policy); !text.empty()) {
      auto policy = lowered(text);
      if (policy == "continue" || policy == "deny")
        variant.backorder = policy == "continue";
      else if (auto flag = parse_flag(text))
        variant.backorder = *flag;
      else
        refuse("the inventory policy " + quoted(text) + " is neither deny nor continue");
    }
  }

  int exponent_;
  product_header header_;
  bool header_read_ = false;
  bool header_broken_ = false;
  std::vector<growing_product> products_;
  std::unordered_map<string, std::size_t> by_handle_;
  std::unordered_map<string, std::int64_t> sku_lines_;
  parsed_products result_;
};

} // namespace

parsed_products parse_product_csv(std::string_view text, int currency_exponent) {
  product_parser parser{currency_exponent};
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    parsed_products refused;
    refused.errors.push_back({1, "the file is UTF-16: save it as UTF-8"});
    refused.errors_total = 1;
    return refused;
  }
  if (text.starts_with("\xEF\xBB\xBF"))
    text.remove_prefix(3);
  read_csv(text, {[&](csv_row& row) { parser.row(row); },
                  [&](std::int64_t line, string reason) { parser.report(line, std::move(reason)); }});
  return std::move(parser).finish();
}

} // namespace souk::http
