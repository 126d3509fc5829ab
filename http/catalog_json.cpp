#include "http/catalog_json.hpp"

#include <algorithm>

namespace souk::http {

namespace {

using storage::variant_row;

std::string title_of(const variant_row& variant) {
  std::string title;
  for (const auto& value : variant.option_values) {
    if (!title.empty())
      title += " / ";
    title += value;
  }
  return title;
}

void write_amount(json::writer& out, std::string_view name, std::int64_t minor,
                  const actors::currency& unit) {
  out.key(name);
  if (minor < 0)
    out.null();
  else
    out.value(actors::format_amount(minor, unit.exponent()));
}

void write_variant_texts(json::writer& out, const storage::product_row& product, const variant_row& variant,
                         const actors::currency& unit) {
  out.field("variant_id", variant.id).field("title", title_of(variant)).field("sku", variant.sku);
  write_amount(out, "price", variant.price, unit);
  write_amount(out, "compare_at_price", variant.compare_at, unit);
  out.key("options").begin_object();
  for (std::size_t i = 0; i < std::min(product.options.size(), variant.option_values.size()); ++i)
    out.field(product.options[i].name, variant.option_values[i]);
  out.end_object().key("attributes").begin_object();
  for (const auto& [name, value] : variant.attributes)
    out.field(name, value);
  out.end_object()
    .field("barcode", variant.barcode)
    .field("weight_grams", variant.grams)
    .field("requires_shipping", variant.requires_shipping)
    .field("taxable", variant.taxable)
    .field_or_null("image_url", variant.image_url);
}

void write_head(json::writer& out, const storage::product_row& product,
                const std::vector<const variant_row*>& variants, const actors::currency& unit) {
  out.field("product_id", product.id)
    .field("store_id", product.store_id)
    .field("name", product.title)
    .field("handle", product.handle)
    .field("status", name_of(product.status));
  const auto cheaper = [](const variant_row* a, const variant_row* b) { return a->price < b->price; };
  const auto lowest = std::min_element(variants.begin(), variants.end(), cheaper);
  write_amount(out, "price", lowest == variants.end() ? -1 : (*lowest)->price, unit);
  const auto highest = std::max_element(variants.begin(), variants.end(), cheaper);
  write_amount(out, "price_max", highest == variants.end() ? -1 : (*highest)->price, unit);
  out.field("currency", unit.code())
    .field("category", product.category)
    .field("vendor", product.vendor)
    .field("type", product.product_type);
  out.key("tags").begin_array();
  for (const auto& tag : product.tags)
    out.value(tag);
  out.end_array().key("options").begin_array();
  for (const auto& option : product.options)
    out.value(option.name);
  out.end_array().key("images").begin_array();
  for (const auto& image : product.images)
    out.begin_object().field("url", image.url).field("alt", image.alt).end_object();
  out.end_array();
}

void write_long_texts(json::writer& out, const storage::product_row& product) {
  out.field("description", product.description)
    .field("seo_title", product.seo_title)
    .field("seo_description", product.seo_description)
    .field("version", product.version)
    .field("created_at", product.created_at)
    .field("updated_at", product.updated_at);
}

std::vector<const variant_row*> sold(const std::vector<variant_row>& variants) {
  std::vector<const variant_row*> all;
  for (const auto& variant : variants)
    if (!variant.removed)
      all.push_back(&variant);
  return all;
}

/// Writes the two figures of some variants: slots to fill in later, or what was read.
class figures {
public:
  figures(json::writer& out, figure_slots* slots) : out_(out), slots_(slots) {}

  void write(std::uint32_t first, const std::vector<const storage::level_row*>& levels) {
    std::int64_t sum = 0;
    bool backorder = false;
    for (const auto* level : levels) {
      sum += level == nullptr ? 0 : std::max<std::int64_t>(0, level->on_hand - level->reserved);
      backorder = backorder || (level != nullptr && level->backorder);
    }
    const auto count = static_cast<std::uint32_t>(levels.size());
    out_.key("stock");
    if (slots_ == nullptr)
      out_.value(sum).field("in_stock", sum > 0 || backorder);
    else {
      leave(page_text::figure::available, first, count, backorder);
      out_.key("in_stock");
      leave(page_text::figure::in_stock, first, count, backorder);
    }
    out_.field("backorder", backorder);
  }

private:
  void leave(page_text::figure what, std::uint32_t first, std::uint32_t count, bool backorder) {
    slots_->slots.push_back({out_.size(), what, first, count, backorder});
    out_.raw("");
  }

  json::writer& out_;
  figure_slots* slots_;
};

} // namespace

std::string_view name_of(storage::product_status status) noexcept {
  switch (status) {
    case storage::product_status::draft:
      return "draft";
    case storage::product_status::active:
      return "active";
    case storage::product_status::archived:
      break;
  }
  return "archived";
}

void write_product(json::writer& out, const storage::product_listing& listing, const actors::currency& unit,
                   detail how_much, figure_slots* slots) {
  const auto& snapshot = listing.product;
  const auto& product = snapshot.product;
  const auto variants = sold(snapshot.variants);
  std::vector<const storage::level_row*> levels;
  for (const auto* variant : variants) {
    const auto at = std::find_if(snapshot.levels.begin(), snapshot.levels.end(),
                                 [&](const auto& level) { return level.variant_id == variant->id; });
    levels.push_back(at == snapshot.levels.end() ? nullptr : &*at);
  }
  const auto first = slots == nullptr ? 0U : static_cast<std::uint32_t>(slots->variants.size());
  if (slots != nullptr)
    for (std::size_t i = 0; i < variants.size(); ++i) {
      slots->variants.push_back(variants[i]->id);
      slots->available.push_back(levels[i] == nullptr ? 0 : levels[i]->on_hand - levels[i]->reserved);
    }
  figures stock{out, slots};

  out.begin_object();
  write_head(out, product, variants, unit);
  out.key("variants").begin_array();
  for (std::size_t i = 0; i < variants.size(); ++i) {
    out.begin_object();
    write_variant_texts(out, product, *variants[i], unit);
    stock.write(first + static_cast<std::uint32_t>(i), {levels[i]});
    out.end_object();
  }
  out.end_array();
  stock.write(first, levels);
  out.key("rating").begin_object().field("count", listing.rating_count).key("average");
  if (listing.rating_count == 0)
    out.null();
  else // to one decimal, and never more than was given
    out.raw(actors::format_amount(listing.rating_sum * 10 / listing.rating_count, 1));
  out.end_object();
  if (how_much == detail::full)
    write_long_texts(out, product);
  out.end_object();
}

void write_product(json::writer& out, const actors::product_written& written, const actors::currency& unit) {
  const auto variants = sold(written.variants);
  out.begin_object();
  write_head(out, written.product, variants, unit);
  out.key("variants").begin_array();
  for (const auto* variant : variants) {
    out.begin_object();
    write_variant_texts(out, written.product, *variant, unit);
    out.end_object();
  }
  out.end_array();
  write_long_texts(out, written.product);
  out.field("changed", written.changed).end_object();
}

} // namespace souk::http
