#include "soukd/commands.hpp"
#include "storage/postgres/doctor.hpp"

#include <iostream>

namespace souk::server {

int doctor(const config::parsed& p) {
  int violated = 0;
  for (const auto& url : p.settings.database_url)
    for (const auto& f : storage::postgres::examine({url})) {
      std::cout << (f.ok ? "ok   " : "FAIL ") << f.check << " (" << f.took.count() << " ms)\n";
      for (const auto& row : f.rows)
        std::cout << "       " << row << "\n";
      if (!f.ok)
        ++violated;
    }
  if (violated == 0)
    std::cout << "every invariant holds\n";
  else
    std::cout << violated << " invariants are violated\n";
  return violated == 0 ? 0 : 1;
}

} // namespace souk::server
