#include "actors/product/product_checks.hpp"

#include "actors/money/currency.hpp"
#include "actors/text.hpp"

#include <algorithm>
#include <set>

namespace souk::actors::product_checks {

namespace {

constexpr text_rule title_rule{1, title_max, lines::one};
constexpr text_rule name_rule{1, 255, lines::one};
constexpr text_rule note_rule{0, 255, lines::one};
constexpr text_rule long_rule{0, 1000, lines::many};

std::string at(const std::string& field, std::size_t i) {
  return field + "[" + std::to_string(i) + "]";
}

/// Pictures lie anywhere on the web, or on this shop's own host.
bool is_picture(std::string_view url) {
  return is_web_address(url)
      || (url.starts_with('/') && !url.starts_with("//")
          && is_web_address("https://souk" + std::string{url}));
}

// HTML as the merchant wrote it: only what the database could not keep is refused.
std::optional<rejection> check_description(const std::string& text) {
  if (text.size() > description_max)
    return invalid("description", "is longer than 64 KiB");
  if (!characters(text) || text.find('\0') != text.npos)
    return invalid("description", "is not well-formed UTF-8");
  return std::nullopt;
}

std::optional<rejection> check_options(const std::vector<storage::product_option>& options) {
  if (options.size() > options_max)
    return invalid("options", "a product has at most 3 options");
  std::set<std::string> seen;
  for (std::size_t i = 0; i < options.size(); ++i) {
    auto field = at("options", i) + ".name";
    if (auto no = check_text(options[i].name, field, name_rule))
      return no;
    if (!seen.insert(options[i].name).second)
      return invalid(field, "another option is called " + options[i].name);
  }
  return std::nullopt;
}

std::optional<rejection> check_images(const std::vector<storage::product_image>& images) {
  if (images.size() > images_max)
    return invalid("images", "a product has at most 250 images");
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (!is_picture(images[i].url))
      return invalid(at("images", i) + ".url", "an image is an http or https address");
    if (auto no = check_text(images[i].alt, at("images", i) + ".alt", long_rule))
      return no;
  }
  return std::nullopt;
}

std::optional<rejection> check_attributes(const std::vector<std::pair<std::string, std::string>>& attributes,
                                          const std::string& field) {
  if (attributes.size() > attributes_max)
    return invalid(field, "a variant has at most 50 attributes");
  std::set<std::string> seen;
  for (const auto& [key, value] : attributes) {
    if (auto no = check_text(key, field, name_rule))
      return no;
    if (auto no = check_text(value, field + "." + key, note_rule))
      return no;
    if (!seen.insert(key).second)
      return invalid(field + "." + key, "stands there twice");
  }
  return std::nullopt;
}

} // namespace

std::optional<rejection> check_product(const storage::product_row& row) {
  if (auto no = check_text(row.title, "title", title_rule))
    return no;
  if (auto no = check_text(row.handle, "handle", name_rule))
    return no;
  if (auto no = check_description(row.description))
    return no;
  for (const auto& [text, field] :
       {std::pair{&row.vendor, "vendor"}, std::pair{&row.category, "category"},
        std::pair{&row.product_type, "product_type"}, std::pair{&row.seo_title, "seo_title"}})
    if (auto no = check_text(*text, field, note_rule))
      return no;
  if (auto no = check_text(row.seo_description, "seo_description", long_rule))
    return no;
  if (row.status < storage::product_status::draft || row.status > storage::product_status::archived)
    return invalid("status", "a product is draft, active or archived");
  if (row.tags.size() > tags_max)
    return invalid("tags", "a product has at most 250 tags");
  for (std::size_t i = 0; i < row.tags.size(); ++i)
    if (auto no = check_text(row.tags[i], at("tags", i), name_rule))
      return no;
  if (auto no = check_options(row.options))
    return no;
  return check_images(row.images);
}

std::optional<rejection> check_variant(const storage::variant_row& row, const std::string& field) {
  if (auto no = check_text(row.sku, field + ".sku", note_rule))
    return no;
  if (auto no = check_text(row.barcode, field + ".barcode", note_rule))
    return no;
  if (row.price < 0 || row.price > amount_max)
    return invalid(field + ".price", "a price is 0 or more");
  if (row.compare_at < -1 || row.compare_at > amount_max)
    return invalid(field + ".compare_at", "a price to compare with is 0 or more");
  if (row.grams < 0 || row.grams > grams_max)
    return invalid(field + ".grams", "a weight is 0 or more");
  if (auto no = check_attributes(row.attributes, field + ".attributes"))
    return no;
  for (std::size_t i = 0; i < row.option_values.size(); ++i)
    if (auto no = check_text(row.option_values[i], at(field + ".option_values", i), name_rule))
      return no;
  if (!row.image_url.empty() && !is_picture(row.image_url))
    return invalid(field + ".image_url", "an image is an http or https address");
  return std::nullopt;
}

std::string make_handle(std::string_view text) {
  std::string out;
  bool gap = false;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
    // Letters of other scripts stay: browsers write them into addresses as they are.
    bool kept =
      (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    if (!kept) {
      gap = true;
      continue;
    }
    if (gap && !out.empty())
      out += '-';
    gap = false;
    out += c;
  }
  return out;
}

} // namespace souk::actors::product_checks
