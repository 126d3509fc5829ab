#pragma once

#include <stdexcept>

namespace souk::storage {

/// The database (or Redis) could not be asked: down, unreachable, over its time limit. Worth trying again later.
struct unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The database is there and ended the statement because it took too long. Asking it something else may well work.
struct out_of_time : unavailable {
  using unavailable::unavailable;
};

/// The database answered with an error that trying again does not cure.
struct storage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

} // namespace souk::storage
