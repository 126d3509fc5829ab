#include "tests/bench/journal_writer.hpp"

#include "storage/postgres/postgres.hpp"

#include <chrono>
#include <stdexcept>

namespace souk::bench {

using namespace storage;

timestamp time_now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

ulid draw_id(shard_id shard, std::mt19937_64& random) {
  ulid id;
  auto ms = static_cast<std::uint64_t>(
    std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  for (std::size_t i = 6; i-- > 0; ms >>= 8)
    id.bytes[i] = static_cast<std::uint8_t>(ms);
  id.bytes[6] = shard;
  for (std::size_t i = 7; i < 16; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(random());
  return id;
}

journal_writer::journal_writer(const std::string& database_url)
  : journal_(postgres::make_journal_store({database_url}, "bench")),
    ownership_(postgres::make_ownership_store({database_url})) {
  self_.incarnation = {{9, 9, 9}};
  self_.name = "bench";
  self_.address = "nowhere";
  self_.started_at = time_now();
  ownership_->register_node(self_);
  std::vector<shard_id> all;
  for (int i = 0; i < shard_count; ++i)
    all.push_back(static_cast<shard_id>(i));
  for (const auto& f : ownership_->acquire(self_, all, std::chrono::seconds{0}))
    fences_[f.shard] = f;
}

journal_writer::~journal_writer() {
  try {
    ownership_->release({fences_.begin(), fences_.end()});
    ownership_->deregister(self_.incarnation);
  } catch (const std::exception&) {
    // whoever comes next waits until this writer is taken for dead
  }
}

void journal_writer::write(const std::vector<write_set>& sets) {
  batch b;
  std::array<bool, shard_count> used{};
  for (const auto& ws : sets) {
    b.write_sets.push_back(&ws);
    used[ws.shard] = true;
  }
  for (std::size_t s = 0; s < used.size(); ++s)
    if (used[s])
      b.fences.push_back(fences_[s]);
  const auto out = journal_->commit(b);
  if (out.what != commit_outcome::kind::committed)
    throw std::runtime_error("commit failed: " + out.error);
  for (const auto& r : out.results)
    if (r.refused != refusal::none)
      throw std::runtime_error("a write set was refused: " + r.detail);
  for (std::size_t s = 0; s < used.size(); ++s)
    if (used[s])
      ++fences_[s].seq;
}

} // namespace souk::bench
