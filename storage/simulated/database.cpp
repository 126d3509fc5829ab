#include "storage/simulated/database.hpp"

#include "storage/error.hpp"

#include <algorithm>

namespace souk::storage::simulated {

using namespace std::chrono_literals;

namespace {

batch batch_of(const std::vector<write_set>& write_sets, const std::vector<fence>& fences) {
  batch out;
  out.fences = fences;
  for (const auto& ws : write_sets)
    out.write_sets.push_back(&ws);
  return out;
}

commit_outcome without_results(commit_outcome::kind what, std::string error) {
  commit_outcome out;
  out.what = what;
  out.error = std::move(error);
  return out;
}

} // namespace

database::database(options o) : options_(std::move(o)) {
  for (int i = 0; i < shard_count; ++i)
    rows_.shards[static_cast<std::size_t>(i)].shard = static_cast<shard_id>(i);
}

void database::script(fault next) {
  std::lock_guard lock(mutex_);
  options_.faults.script(next);
}

void database::heal() {
  std::lock_guard lock(mutex_);
  options_.faults.stop();
  down_until_ = {};
}

void database::restart(std::chrono::microseconds away_for) {
  std::lock_guard lock(mutex_);
  go_down(away_for);
}

void database::go_down(std::chrono::microseconds away_for) {
  end_those_on([](shard_id) { return true; });
  down_until_ = options_.now() + away_for;
}

void database::take_away(shard_id shard, const ulid& by) {
  std::lock_guard lock(mutex_);
  end_those_on([=](shard_id s) { return s == shard; });
  take(shard, by);
}

void database::relocate(shard_id shard, residence where) {
  std::lock_guard lock(mutex_);
  end_those_on([=](shard_id s) { return s == shard; });
  take(shard, {});
  rows_.shards[shard].where = where;
}

void database::take(shard_id shard, const ulid& by) {
  auto& row = rows_.shards[shard];
  row.owner = by;
  ++row.epoch;
  after_[shard].retaken_by = 0;
  after_[shard].taken_at = options_.now();
  rows_.history.push_back({shard_event::kind::taken, shard, row.epoch, row.seq, options_.now()});
}

tables database::dump() {
  std::lock_guard lock(mutex_);
  end_due();
  return rows_;
}

database::access database::enter() {
  std::unique_lock lock(mutex_);
  auto now = options_.now();
  if (now < down_until_)
    throw unavailable("simulated database: away");
  if (options_.faults.next_read_fails())
    throw unavailable("simulated database: no answer in time");
  end_due();
  return {std::move(lock), rows_, now};
}

database::access database::enter_to_take(const std::vector<shard_id>& shards) {
  auto db = enter();
  if (!options_.bugs.share_key_locks)
    end_those_on([&](shard_id s) { return std::find(shards.begin(), shards.end(), s) != shards.end(); });
  return db;
}

commit_outcome database::commit(const batch& b, std::chrono::microseconds& delay) {
  using kind = commit_outcome::kind;
  std::lock_guard lock(mutex_);
  auto now = options_.now();
  auto& plan = options_.faults;
  if (now < down_until_)
    return without_results(kind::unavailable, "simulated database: away");
  end_due();
  delay += plan.next_delay();
  switch (plan.next_commit()) {
    case fault::none:
      break;
    case fault::unavailable:
      return without_results(kind::unavailable, "simulated fault: not sent");
    case fault::lost_ack_applied:
      run(b);
      return without_results(kind::unknown, "simulated fault: answer lost");
    case fault::lost_ack_dropped:
      return without_results(kind::unknown, "simulated fault: request lost");
    case fault::lost_ack_late: {
      late_transaction late;
      for (const auto* ws : b.write_sets)
        late.write_sets.push_back(*ws);
      late.fences = b.fences;
      late.lands = plan.random().chance(0.5);
      late.ends = now + std::chrono::microseconds{plan.random().below(2'000'000)};
      late_.push_back(std::move(late));
      return without_results(kind::unknown, "simulated fault: answer lost, transaction still running");
    }
    case fault::fenced:
      if (!b.fences.empty()) {
        auto thief = plan.random().id(0, now);
        auto shard = b.fences[plan.random().below(b.fences.size())].shard;
        end_those_on([=](shard_id s) { return s == shard; });
        take(shard, thief);
      }
      break;
    case fault::restart:
      go_down(plan.next_outage());
      return without_results(kind::unavailable, "simulated fault: the database is stopping");
    case fault::crash_in_commit:
      if (plan.random().chance(0.5))
        run(b);
      go_down(plan.next_outage());
      return without_results(kind::unknown, "simulated fault: the database stopped during the commit");
  }
  return run(b);
}

/// Runs the transaction to its end; the outcome is what its writer would be told if nothing went wrong on the
/// way back.
commit_outcome database::run(const batch& b) {
  // Its first statement waits for the transactions that hold these shards' rows.
  end_those_on([&](shard_id s) {
    return std::any_of(b.fences.begin(), b.fences.end(), [=](const fence& f) { return f.shard == s; });
  });
  commit_outcome out;
  try {
    auto bugs = options_.bugs;
    bugs.ignore_fence = bugs.ignore_fence || (bugs.share_key_locks && passed_before_take_over(b));
    transaction t(rows_, bugs);
    out.lost = t.pass_fence(b.fences);
    if (!out.lost.empty()) {
      out.what = commit_outcome::kind::fenced;
      return out;
    }
    out.results.reserve(b.write_sets.size());
    for (const auto* ws : b.write_sets)
      out.results.push_back(t.apply(*ws));
    t.check_batch();
    t.keep();
  } catch (const constraint_violation& e) {
    return without_results(commit_outcome::kind::failed, e.what());
  }
  out.what = commit_outcome::kind::committed;
  auto results = std::make_shared<const std::vector<write_result>>(out.results);
  for (const auto& f : b.fences) {
    auto seq = rows_.shards[f.shard].seq;
    rows_.history.push_back({shard_event::kind::committed, f.shard, f.epoch, seq, options_.now()});
    after_[f.shard].seq = seq;
    after_[f.shard].results = results;
  }
  return out;
}

bool database::passed_before_take_over(const batch& b) const {
  return std::all_of(b.fences.begin(), b.fences.end(), [this](const fence& f) {
    const auto epoch = rows_.shards[f.shard].epoch;
    return epoch == f.epoch || (epoch == f.epoch + 1 && options_.now() < after_[f.shard].taken_at + 2s);
  });
}

settlement database::settle(const batch& b, std::uint64_t lane, std::chrono::microseconds& delay) {
  std::lock_guard lock(mutex_);
  settlement out;
  if (options_.now() < down_until_)
    return out;
  end_due();
  auto& plan = options_.faults;
  delay += plan.next_delay();
  auto what = plan.next_commit();
  if (what == fault::restart || what == fault::crash_in_commit)
    go_down(plan.next_outage());
  if (what == fault::restart || what == fault::unavailable || what == fault::lost_ack_dropped)
    return out;

  end_those_on([&](shard_id s) {
    return std::any_of(b.fences.begin(), b.fences.end(), [=](const fence& f) { return f.shard == s; });
  });
  for (const auto& f : b.fences) {
    auto& row = rows_.shards[f.shard];
    // An earlier settle() whose answer was lost has moved the epoch already.
    const bool ours = row.epoch == f.epoch || after_[f.shard].retaken_by == lane;
    if (!ours || row.seq < f.seq) {
      out.lost.push_back(f.shard);
      continue;
    }
    if (row.seq == f.seq + 1) {
      out.landed = true;
      out.results = *after_[f.shard].results;
    }
    take(f.shard, row.owner);
    after_[f.shard].retaken_by = lane;
    out.fences.push_back({f.shard, row.epoch, row.seq});
  }
  if (what == fault::crash_in_commit || what == fault::lost_ack_applied || what == fault::lost_ack_late)
    return {}; // re-taken, but the answer is lost: the caller asks again
  out.reachable = true;
  return out;
}

void database::end(const late_transaction& t) {
  if (t.lands)
    run(batch_of(t.write_sets, t.fences));
}

void database::end_due() {
  for (std::size_t i = 0; i < late_.size();) {
    if (late_[i].ends > options_.now()) {
      ++i;
      continue;
    }
    auto t = std::move(late_[i]);
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
    end(t);
    i = 0; // ending one may have ended others
  }
}

void database::end_those_on(const std::function<bool(shard_id)>& wanted) {
  for (std::size_t i = 0; i < late_.size();) {
    const auto& fences = late_[i].fences;
    if (std::none_of(fences.begin(), fences.end(), [&](const fence& f) { return wanted(f.shard); })) {
      ++i;
      continue;
    }
    auto t = std::move(late_[i]);
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
    end(t);
    i = 0;
  }
}

} // namespace souk::storage::simulated
