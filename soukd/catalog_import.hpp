#pragma once

#include "soukd/api_client.hpp"
#include "storage/rows/import.hpp"

#include <functional>
#include <vector>

namespace souk::server {

struct import_outcome {
  bool finished = false;
  std::int64_t products = 0;
  std::int64_t variants = 0;
  std::vector<storage::import_error> errors;
};

/// Imports a product CSV through the API and waits for its end.
/// @param told after every look, with the products done so far
import_outcome import_catalog(api_client& shop, const std::string& store_id, const std::string& csv,
                              const std::function<void(std::int64_t done, bool last)>& told);

} // namespace souk::server
