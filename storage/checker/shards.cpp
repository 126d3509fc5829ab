#include "storage/checker/parts.hpp"

#include <algorithm>
#include <set>

namespace souk::storage::checker {

namespace {

using position = std::pair<std::int64_t, std::int32_t>; ///< seq, n

std::string of_shard(shard_id shard, std::int64_t seq) {
  return "shard " + std::to_string(shard) + " seq " + std::to_string(seq);
}

} // namespace

void check_shards(const simulated::tables& rows, findings& out) {
  struct state {
    std::int64_t epoch = 0; ///< as the takers left it
    std::int64_t last_writer = 0;
    std::int64_t seq = 0;
  };
  std::array<state, shard_count> shards{};
  for (const auto& event : rows.history) {
    auto& s = shards[event.shard];
    auto where = of_shard(event.shard, event.seq);
    if (event.what == simulated::shard_event::kind::taken) {
      if (event.epoch != s.epoch + 1)
        out.add("epochs_rise", where + ": taken with epoch " + std::to_string(event.epoch) + " after "
                                 + std::to_string(s.epoch));
      s.epoch = event.epoch;
      continue;
    }
    if (event.seq != s.seq + 1)
      out.add("seq_without_gaps", where + " follows " + std::to_string(s.seq));
    if (event.epoch < s.last_writer)
      out.add("epochs_rise", where + ": written by epoch " + std::to_string(event.epoch) + " after epoch "
                               + std::to_string(s.last_writer));
    if (event.epoch != s.epoch)
      out.add("no_commit_after_take_over", where + ": written by epoch " + std::to_string(event.epoch)
                                             + ", the owner has " + std::to_string(s.epoch));
    s.last_writer = std::max(s.last_writer, event.epoch);
    s.seq = event.seq;
  }
  for (const auto& row : rows.shards) {
    if ((row.where == residence::elsewhere || row.where == residence::quarantined) && !row.owner.is_nil())
      out.add("owned_where_it_lives", of_shard(row.shard, row.seq) + ": has an owner, but nobody may serve it here");
    if (row.seq != shards[row.shard].seq || row.epoch != shards[row.shard].epoch)
      out.add("seq_without_gaps", of_shard(row.shard, row.seq) + ": its row and its history differ");
  }
}

void check_events(const simulated::tables& rows, const observations& seen, findings& out) {
  std::array<std::set<position>, shard_count> committed;
  for (std::size_t i = 0; i < rows.outbox.size(); ++i) {
    const auto& events = rows.outbox[i];
    for (std::size_t k = 0; k < events.size(); ++k) {
      const auto& e = events[k];
      committed[i].insert({e.seq, e.n});
      const auto* before = k == 0 ? nullptr : &events[k - 1];
      auto same_commit = before && before->seq == e.seq;
      bool in_order = !before || position{before->seq, before->n} < position{e.seq, e.n};
      // Old events may be pruned; else n counts from 0 without gaps.
      bool counts_on = rows.pruned > 0 || e.n == (same_commit ? before->n + 1 : 0);
      if (!in_order || !counts_on || e.seq > rows.shards[i].seq)
        out.add("outbox_follows_commits",
                of_shard(e.shard, e.seq) + ": event " + std::to_string(e.n) + " is out of place");
    }
  }

  std::map<std::pair<std::string, shard_id>, std::set<position>> delivered;
  for (const auto& d : seen.deliveries) {
    position here{d.seq, d.n};
    auto& had = delivered[{d.consumer, d.shard}];
    if (rows.pruned == 0 && !committed[d.shard].contains(here))
      out.add("delivered_only_committed", of_shard(d.shard, d.seq) + ": " + d.consumer + " was given event "
                                            + std::to_string(d.n) + ", which is not there");
    // Again is fine (at least once); a new one must come after all others.
    if (had.insert(here).second && *had.rbegin() != here)
      out.add("delivered_in_order", of_shard(d.shard, d.seq) + ": " + d.consumer + " was given event "
                                      + std::to_string(d.n) + " after a later one");
  }
  if (!seen.at_rest)
    return;
  for (const auto& p : rows.parked)
    delivered[{p.consumer, p.event.shard}].insert({p.event.seq, p.event.n});
  for (const auto& consumer : seen.consumers)
    for (std::size_t i = 0; i < committed.size(); ++i)
      for (const auto& [seq, n] : committed[i])
        if (!delivered[{consumer, static_cast<shard_id>(i)}].contains({seq, n}))
          out.add("delivered_all", of_shard(static_cast<shard_id>(i), seq) + ": " + consumer
                                     + " never had event " + std::to_string(n));
}

} // namespace souk::storage::checker
