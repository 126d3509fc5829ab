#include "storage/postgres/move_shard.hpp"

#include "soukd/commands.hpp"
#include "storage/postgres/deployment.hpp"

#include <charconv>
#include <iostream>

namespace souk::server {

namespace {

int number_of(const std::string& text, int from, int to, const std::string& what) {
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || out < from || out > to)
    throw std::runtime_error(what + " is a number from " + std::to_string(from) + " to " + std::to_string(to));
  return out;
}

} // namespace

int move_shard(const config::parsed& p) {
  using namespace storage::postgres;
  const databases all{p.settings.database_url};
  const auto shard = static_cast<storage::shard_id>(number_of(p.arguments.at(0), 0, storage::shard_count - 1, "SHARD"));
  if (p.options.contains("abort")) {
    abort_move(all, shard);
    std::cout << "the move of shard " << int{shard} << " is ended; it lives where it was\n";
    return 0;
  }
  if (p.arguments.size() < 2)
    throw std::runtime_error("DATABASE is missing: its place in the settings, from 1");
  const auto to = number_of(p.arguments.at(1), 1, static_cast<int>(all.all().size()), "DATABASE");
  move_options options;
  options.told = [](move_step, const std::string& sentence) { std::cout << sentence << std::endl; };
  const auto report = storage::postgres::move_shard(all, shard, static_cast<std::size_t>(to - 1), options);
  for (const auto& t : report.tables)
    std::cout << "  " << t.name << ": " << t.rows << " rows, " << t.bytes << " bytes, " << t.took.count() << " ms\n";
  return 0;
}

} // namespace souk::server
