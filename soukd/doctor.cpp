#include "soukd/commands.hpp"
#include "storage/postgres/doctor.hpp"

#include <functional>
#include <iostream>

namespace souk::server {

namespace {

using storage::postgres::finding;

/// @returns how many are violated; what cannot be examined counts as one
int tell(const std::function<std::vector<finding>()>& examine) {
  int violated = 0;
  try {
    for (const auto& f : examine()) {
      std::cout << (f.ok ? "ok   " : "FAIL ") << f.check << " (" << f.took.count() << " ms)\n";
      for (const auto& row : f.rows)
        std::cout << "       " << row << "\n";
      if (!f.ok)
        ++violated;
    }
  } catch (const std::exception& e) {
    std::cout << "FAIL this cannot be examined: " << e.what() << "\n";
    ++violated;
  }
  return violated;
}

} // namespace

int doctor(const config::parsed& p) {
  const storage::postgres::databases all{p.settings.database_url};
  int violated = 0;
  for (std::size_t i = 0; i < all.all().size(); ++i) {
    if (all.all().size() > 1)
      std::cout << "database " << all.name_of(i) << "\n";
    violated += tell([&] { return storage::postgres::examine(all.all()[i]); });
  }
  if (all.all().size() > 1)
    std::cout << "all databases together\n";
  violated += tell([&] { return storage::postgres::examine_together(all); });
  if (violated == 0)
    std::cout << "every invariant holds\n";
  else
    std::cout << violated << " invariants are violated\n";
  return violated == 0 ? 0 : 1;
}

} // namespace souk::server
