#pragma once

#include "actors/money/currency.hpp"
#include "actors/product/messages.hpp"
#include "http/json/writer.hpp"
#include "http/page_cache.hpp"
#include "storage/catalog_reader.hpp"

#include <string>
#include <vector>

namespace souk::http {

/// Where stock figures are left out of a text, to be filled in when it is sent.
struct figure_slots {
  std::vector<page_text::slot> slots;
  std::vector<storage::ulid> variants;
  std::vector<std::int64_t> available; ///< as read, one per variant
};

enum class detail : bool {
  list, ///< what a shelf shows
  full  ///< also the long texts
};

/// One product with its variants, without removed ones. The figures go into `slots`, or into the text when
/// there are none.
void write_product(json::writer& out, const storage::product_listing& listing, const actors::currency& unit,
                   detail how_much, figure_slots* slots);

/// A product as its merchant just wrote it: no stock figures, which belong to the inventory.
void write_product(json::writer& out, const actors::product_written& written, const actors::currency& unit);

std::string_view name_of(storage::product_status status) noexcept;

} // namespace souk::http
