#pragma once

#include "actors/product/messages.hpp"
#include "storage/rows/import.hpp"

namespace souk::actors {

/// A product of an import: matched with what is there by its handle; its variants by SKU, then by option values.
struct import_product {
  std::int64_t line = 0; ///< where it starts in the file
  storage::product_row product;
  std::vector<variant_draft> variants;
};

/// Starts the import at this address (delivery::create). Answered when its row is committed; the work goes on. → import_row
struct start_import {
  caller by;
  storage::ulid store_id;
  std::vector<import_product> products;
  std::vector<storage::import_error> errors; ///< found while the file was read
};
/// Only to the store's merchant. → import_row
struct get_import {
  caller by;
  storage::ulid store_id;
};

template <class I>
typename I::result_type inspect(I& f, import_product& x) {
  return f(x.line, x.product, x.variants);
}
template <class I>
typename I::result_type inspect(I& f, start_import& x) {
  return f(x.by, x.store_id, x.products, x.errors);
}
template <class I>
typename I::result_type inspect(I& f, get_import& x) {
  return f(x.by, x.store_id);
}

} // namespace souk::actors
