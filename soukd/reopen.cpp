#include "soukd/commands.hpp"
#include "storage/postgres/quarantine.hpp"

#include <charconv>
#include <iostream>
#include <stdexcept>

namespace souk::server {

int reopen(const config::parsed& p) {
  std::vector<storage::shard_id> shards;
  const auto& text = p.arguments.at(0);
  if (text == "all") {
    for (int i = 0; i < storage::shard_count; ++i)
      shards.push_back(static_cast<storage::shard_id>(i));
  } else {
    int number = -1;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{} || end != text.data() + text.size() || number < 0 || number >= storage::shard_count)
      throw std::runtime_error("SHARD is a number from 0 to 255, or all; '" + text + "' is not");
    shards.push_back(static_cast<storage::shard_id>(number));
  }
  const storage::postgres::databases all{p.settings.database_url};
  std::size_t found = 0;
  for (std::size_t i = 0; i < all.all().size(); ++i)
    for (auto shard : storage::postgres::reopen(all.all()[i], shards)) {
      std::cout << "shard " << static_cast<int>(shard) << " of database " << all.name_of(i) << " is served again\n";
      ++found;
    }
  if (found == 0) {
    std::cerr << "no such shard is quarantined\n";
    return 1;
  }
  return 0;
}

} // namespace souk::server
