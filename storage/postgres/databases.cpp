#include "storage/error.hpp"
#include "storage/postgres/postgres.hpp"
#include "storage/postgres/reachability.hpp"

#include <libpq-fe.h>
#include <spdlog/spdlog.h>

#include <stdexcept>

namespace souk::storage::postgres {

databases::databases(const std::vector<std::string>& urls) {
  if (urls.empty())
    throw std::invalid_argument("at least one database is needed");
  if (urls.size() > unknown)
    throw std::invalid_argument("at most 255 databases are possible");
  for (const auto& url : urls) {
    all_.push_back({url});
    lines_.push_back(std::make_unique<reachability>());
  }
  for (auto& index : index_of_)
    index = unknown;
}

databases::~databases() = default;

std::string databases::name_of(std::size_t index) const {
  std::string host, port, name;
  if (auto* options = PQconninfoParse(all_.at(index).url.c_str(), nullptr)) {
    for (const auto* o = options; o->keyword != nullptr; ++o) {
      const std::string_view key = o->keyword;
      if (o->val == nullptr)
        continue;
      if (key == "host")
        host = o->val;
      else if (key == "port")
        port = o->val;
      else if (key == "dbname")
        name = o->val;
    }
    PQconninfoFree(options);
  }
  return std::to_string(index + 1) + " (" + host + (port.empty() ? "" : ":" + port) + "/" + name + ")";
}

std::optional<std::size_t> databases::find(shard_id shard) const noexcept {
  const auto index = index_of_[shard].load(std::memory_order_acquire);
  return index == unknown ? std::nullopt : std::optional<std::size_t>{index};
}

std::size_t databases::index_of(shard_id shard) const {
  if (auto index = find(shard))
    return *index;
  throw unavailable("no database has said yet that shard " + std::to_string(shard) + " lives in it");
}

void databases::place(shard_id shard, std::size_t index) noexcept {
  if (index < all_.size())
    index_of_[shard].store(static_cast<std::uint8_t>(index), std::memory_order_release);
}

places_found load_places(databases& all) {
  places_found out;
  std::array<std::optional<std::size_t>, shard_count> here, held;
  for (std::size_t i = 0; i < all.all().size(); ++i) {
    try {
      for (const auto& row : make_ownership_store(all.all()[i])->shards()) {
        if (row.where == residence::elsewhere)
          continue;
        if (row.where == residence::here) {
          if (here[row.shard])
            throw storage_error("shard " + std::to_string(row.shard) + " lives in database " + all.name_of(*here[row.shard])
                                + " and in database " + all.name_of(i)
                                + ": one of them is not of this deployment, or was restored from a backup");
          here[row.shard] = i;
        } else if (!held[row.shard]) {
          held[row.shard] = i;
        }
      }
    } catch (const unavailable& e) {
      spdlog::warn("database {} does not say which shards live in it: {}", all.name_of(i), e.what());
      out.silent.push_back(i);
    }
  }
  for (std::size_t shard = 0; shard < here.size(); ++shard)
    if (here[shard])
      all.place(static_cast<shard_id>(shard), *here[shard]);
    else if (held[shard] && out.silent.empty()) // a silent one may be where it went
      all.place(static_cast<shard_id>(shard), *held[shard]);
    else
      out.unplaced.push_back(static_cast<shard_id>(shard));
  return out;
}

} // namespace souk::storage::postgres
