#include "storage/fixtures.hpp"

namespace souk::tests {

std::unique_ptr<store_under_test> make_postgres_store() {
  return nullptr;
}

} // namespace souk::tests
