#include "soukd/commands.hpp"
#include "storage/migrator.hpp"

#include <iostream>

namespace souk::server {

int migrate(const config::parsed& p) {
  for (const auto& url : p.settings.database_url) {
    auto report = storage::migrate(url);
    for (const auto& name : report.applied)
      std::cout << "applied " << name << "\n";
    std::cout << "the schema is at version " << report.version << "\n";
  }
  return 0;
}

} // namespace souk::server
