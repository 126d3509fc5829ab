#include "http/csv/product_csv.hpp"

#include "actors/money/currency.hpp"
#include "http/csv/product_columns.hpp"

#include <algorithm>
#include <array>

namespace souk::http {

namespace {

using column = product_column;

constexpr std::string_view to_string(storage::product_status status) {
  switch (status) {
    case storage::product_status::draft:
      return "draft";
    case storage::product_status::archived:
      return "archived";
    case storage::product_status::active:
      break;
  }
  return "active";
}

void append_field(std::string& out, std::string_view text) {
  bool plain =
    text.find_first_of(",\"\r\n") == std::string_view::npos
    && (text.empty()
        || (text.front() != ' ' && text.front() != '\t' && text.back() != ' ' && text.back() != '\t'));
  if (plain) {
    out += text;
    return;
  }
  out += '"';
  for (char c : text) {
    if (c == '"')
      out += '"';
    out += c;
  }
  out += '"';
}

/// One row's cells of the columns that souk fills.
struct cells {
  std::array<std::string, product_column_count> text;
  std::string& operator[](column which) { return text[index_of(which)]; }
};

void fill_product(cells& row, const storage::product_row& product) {
  row[column::title] = product.title;
  row[column::description] = product.description;
  row[column::vendor] = product.vendor;
  row[column::category] = product.category;
  row[column::product_type] = product.product_type;
  for (const auto& tag : product.tags)
    row[column::tags] += (row[column::tags].empty() ? "" : ", ") + tag;
  row[column::published] = product.status == storage::product_status::active ? "TRUE" : "FALSE";
  row[column::status] = to_string(product.status);
  row[column::gift_card] = "FALSE";
  row[column::seo_title] = product.seo_title;
  row[column::seo_description] = product.seo_description;
  for (std::size_t n = 0; n < product.options.size(); ++n)
    row[option_name(n)] = product.options[n].name;
  if (product.options.empty())
    row[column::option1_name] = "Title";
}

void fill_variant(cells& row, const actors::variant_draft& variant, int exponent) {
  const auto& v = variant.row;
  for (std::size_t n = 0; n < v.option_values.size(); ++n)
    row[option_value(n)] = v.option_values[n];
  if (v.option_values.empty())
    row[column::option1_value] = "Default Title";
  row[column::sku] = v.sku;
  row[column::barcode] = v.barcode;
  row[column::price] = actors::format_amount(v.price, exponent);
  if (v.compare_at > 0)
    row[column::compare_at] = actors::format_amount(v.compare_at, exponent);
  row[column::taxable] = v.taxable ? "TRUE" : "FALSE";
  row[column::requires_shipping] = v.requires_shipping ? "TRUE" : "FALSE";
  row[column::grams] = std::to_string(v.grams);
  row[column::weight_unit] = "g";
  row[column::fulfilment] = "manual";
  // Shopify ignores the quantity of what it is not told to count.
  row[column::tracker] = "shopify";
  // Below zero only back-orders bring it, and no file may set that: left blank, it stays as it is.
  if (variant.stock && *variant.stock >= 0)
    row[column::quantity] = std::to_string(*variant.stock);
  if (variant.backorder)
    row[column::policy] = *variant.backorder ? "continue" : "deny";
  row[column::variant_image] = v.image_url;
}

/// What column of souk stands at each place of the file; -1 for those left empty.
std::vector<int> places(csv_generation generation) {
  std::vector<int> found;
  for (auto header : headers_of(generation)) {
    int place = -1;
    for (const auto& known : product_column_names())
      if (header == (generation == csv_generation::current ? known.current : known.legacy))
        place = static_cast<int>(index_of(known.column));
    found.push_back(place);
  }
  return found;
}

std::vector<std::string> attribute_names(const std::vector<actors::import_product>& products) {
  std::vector<std::string> names;
  for (const auto& product : products)
    for (const auto& variant : product.variants)
      for (const auto& [name, value] : variant.row.attributes)
        if (std::find(names.begin(), names.end(), name) == names.end())
          names.push_back(name);
  return names;
}

} // namespace

std::string format_product_csv(const std::vector<actors::import_product>& products, int currency_exponent,
                               csv_generation generation) {
  auto order = places(generation);
  auto attributes = attribute_names(products);
  std::string out;
  for (auto header : headers_of(generation)) {
    if (!out.empty())
      out += ',';
    append_field(out, header);
  }
  for (const auto& name : attributes) {
    out += ',';
    append_field(out, std::string{attribute_prefix} + name);
  }
  out += '\n';

  for (const auto& draft : products) {
    std::vector<const actors::variant_draft*> variants;
    for (const auto& variant : draft.variants)
      if (!variant.row.removed)
        variants.push_back(&variant);
    const auto& images = draft.product.images;
    for (std::size_t i = 0; i < std::max(variants.size(), images.size()); ++i) {
      cells row;
      row[column::handle] = draft.product.handle;
      if (i == 0)
        fill_product(row, draft.product);
      if (i < variants.size())
        fill_variant(row, *variants[i], currency_exponent);
      if (i < images.size()) {
        row[column::image_url] = images[i].url;
        row[column::image_alt] = images[i].alt;
        row[column::image_position] = std::to_string(i + 1);
      }
      bool first = true;
      for (auto place : order) {
        if (!first)
          out += ',';
        first = false;
        if (place >= 0)
          append_field(out, row.text[static_cast<std::size_t>(place)]);
      }
      for (const auto& name : attributes) {
        out += ',';
        if (i >= variants.size())
          continue;
        for (const auto& [known, value] : variants[i]->row.attributes)
          if (known == name)
            append_field(out, value);
      }
      out += '\n';
    }
  }
  return out;
}

} // namespace souk::http
