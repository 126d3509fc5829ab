#include "http/csv/product_columns.hpp"

namespace souk::http {

// Source of all names: the header rows of Shopify's own product exports, before and after the change of
// 2024/25.

const std::array<column_names, product_column_count>& product_column_names() {
  using enum product_column;
  static constexpr std::array<column_names, product_column_count> names{{
    {handle, "URL handle", "Handle"},
    {title, "Title", "Title"},
    {description, "Description", "Body (HTML)"},
    {vendor, "Vendor", "Vendor"},
    {category, "Product category", "Product Category"},
    {product_type, "Type", "Type"},
    {tags, "Tags", "Tags"},
    {published, "Published on online store", "Published"},
    {status, "Status", "Status"},
    {sku, "SKU", "Variant SKU"},
    {barcode, "Barcode", "Variant Barcode"},
    {option1_name, "Option1 name", "Option1 Name"},
    {option1_value, "Option1 value", "Option1 Value"},
    {option2_name, "Option2 name", "Option2 Name"},
    {option2_value, "Option2 value", "Option2 Value"},
    {option3_name, "Option3 name", "Option3 Name"},
    {option3_value, "Option3 value", "Option3 Value"},
    {price, "Price", "Variant Price"},
    {compare_at, "Compare-at price", "Variant Compare At Price"},
    {taxable, "Charge tax", "Variant Taxable"},
    {tracker, "Inventory tracker", "Variant Inventory Tracker"},
    {quantity, "Inventory quantity", "Variant Inventory Qty"},
    {policy, "Continue selling when out of stock", "Variant Inventory Policy"},
    {grams, "Weight value (grams)", "Variant Grams"},
    {weight_unit, "Weight unit for display", "Variant Weight Unit"},
    {requires_shipping, "Requires shipping", "Variant Requires Shipping"},
    {fulfilment, "Fulfillment service", "Variant Fulfillment Service"},
    {image_url, "Product image URL", "Image Src"},
    {image_position, "Image position", "Image Position"},
    {image_alt, "Image alt text", "Image Alt Text"},
    {variant_image, "Variant image URL", "Variant Image"},
    {gift_card, "Gift card", "Gift Card"},
    {seo_title, "SEO title", "SEO Title"},
    {seo_description, "SEO description", "SEO Description"},
  }};
  return names;
}

const std::vector<std::string_view>& headers_of(csv_generation generation) {
  // clang-format off
  static const std::vector<std::string_view> current{
    "Title", "URL handle", "Description", "Vendor", "Product category", "Type", "Tags", "Published on online store",
    "Status", "SKU", "Barcode", "Option1 name", "Option1 value", "Option1 Linked To", "Option2 name", "Option2 value",
    "Option2 Linked To", "Option3 name", "Option3 value", "Option3 Linked To", "Price", "Compare-at price",
    "Cost per item", "Charge tax", "Tax code", "Unit price total measure", "Unit price total measure unit",
    "Unit price base measure", "Unit price base measure unit", "Inventory tracker", "Inventory quantity",
    "Continue selling when out of stock", "Weight value (grams)", "Weight unit for display", "Requires shipping",
    "Fulfillment service", "Product image URL", "Image position", "Image alt text", "Variant image URL", "Gift card",
    "SEO title", "SEO description", "Color (product.metafields.shopify.color-pattern)",
    "Google Shopping / Google product category", "Google Shopping / Gender", "Google Shopping / Age group",
    "Google Shopping / Manufacturer part number (MPN)", "Google Shopping / Ad group name", "Google Shopping / Ads labels",
    "Google Shopping / Condition", "Google Shopping / Custom product", "Google Shopping / Custom label 0",
    "Google Shopping / Custom label 1", "Google Shopping / Custom label 2", "Google Shopping / Custom label 3",
    "Google Shopping / Custom label 4"};
  static const std::vector<std::string_view> legacy{
    "Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Type", "Tags", "Published", "Option1 Name",
    "Option1 Value", "Option2 Name", "Option2 Value", "Option3 Name", "Option3 Value", "Variant SKU", "Variant Grams",
    "Variant Inventory Tracker", "Variant Inventory Qty", "Variant Inventory Policy", "Variant Fulfillment Service",
    "Variant Price", "Variant Compare At Price", "Variant Requires Shipping", "Variant Taxable", "Variant Barcode",
    "Image Src", "Image Position", "Image Alt Text", "Gift Card", "SEO Title", "SEO Description",
    "Google Shopping / Google Product Category", "Google Shopping / Gender", "Google Shopping / Age Group",
    "Google Shopping / MPN", "Google Shopping / AdWords Grouping", "Google Shopping / AdWords Labels",
    "Google Shopping / Condition", "Google Shopping / Custom Product", "Google Shopping / Custom Label 0",
    "Google Shopping / Custom Label 1", "Google Shopping / Custom Label 2", "Google Shopping / Custom Label 3",
    "Google Shopping / Custom Label 4", "Variant Image", "Variant Weight Unit", "Variant Tax Code", "Cost per item",
    "Price / International", "Compare At Price / International", "Status"};
  // clang-format on
  return generation == csv_generation::current ? current : legacy;
}

} // namespace souk::http
