#include "actors/discount/uses.hpp"

#include <algorithm>

namespace souk::actors {

bool uses::customer_holds(const std::string& customer, const storage::ulid& but_for) const {
  return std::any_of(holds_.begin(), holds_.end(),
                     [&](const auto& hold) { return hold.second == customer && hold.first != but_for; });
}

bool uses::hold(const storage::ulid& order, const std::string& customer, std::int64_t limit) {
  if (holds_.contains(order))
    return true;
  if (limit >= 0 && taken() >= limit)
    return false;
  holds_.emplace(order, customer);
  return true;
}

void uses::use(const storage::ulid& order) {
  if (holds_.erase(order) > 0)
    ++used_;
}

// An order that never told that it was written still has its hold here: that is the use which goes.
void uses::give_back(const storage::ulid& order) {
  if (holds_.erase(order) == 0 && used_ > 0)
    --used_;
}

} // namespace souk::actors
