#pragma once

#include "storage/rows/store.hpp"

#include <string>

namespace souk::actors {

/// What is taken where an order goes.
struct applied_tax {
  std::string title; ///< "VAT"
  std::int32_t rate_ppm = 0;
  bool shipping_taxed = false;
};

/// The tax of a place: that of the zone which names its region ("US-CA"), else its country, else the rest of the world ("*"); the
/// store's own rate when there is none, or the country is not known yet.
/// @param country ISO 3166-1 alpha-2, or empty @param region as in ISO 3166-2 behind the dash, in any case, or empty
applied_tax tax_for(const storage::store_row& store, const std::string& country, const std::string& region);

} // namespace souk::actors
