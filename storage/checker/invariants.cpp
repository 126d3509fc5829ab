#include "storage/checker/parts.hpp"

namespace souk::storage::checker {

std::vector<violation> check(const simulated::tables& rows, const observations& seen) {
  findings out;
  check_stock(rows, out);
  check_orders(rows, seen, out);
  check_payments(rows, seen, out);
  check_later_lives(rows, out);
  check_shards(rows, out);
  check_events(rows, seen, out);
  check_tenants(rows, out);
  return out.take();
}

std::string report(const std::vector<violation>& violations, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i < violations.size() && i < limit; ++i)
    out += violations[i].invariant + ": " + violations[i].what + '\n';
  if (violations.size() > limit)
    out += "and " + std::to_string(violations.size() - limit) + " more\n";
  return out;
}

} // namespace souk::storage::checker
