#include "soukd/commands.hpp"
#include "storage/migrator.hpp"
#include "storage/postgres/deployment.hpp"

#include <iostream>

namespace souk::server {

int migrate(const config::parsed& p) {
  const storage::postgres::databases all{p.settings.database_url};
  for (std::size_t i = 0; i < all.all().size(); ++i) {
    const auto of_which = all.all().size() == 1 ? std::string{} : "database " + all.name_of(i) + ": ";
    auto report = storage::migrate(all.all()[i].url);
    for (const auto& name : report.applied)
      std::cout << of_which << "applied " << name << "\n";
    std::cout << of_which << "the schema is at version " << report.version << "\n";
  }
  for (const auto& sentence : storage::postgres::establish_deployment(all))
    std::cout << sentence << "\n";
  return 0;
}

} // namespace souk::server
