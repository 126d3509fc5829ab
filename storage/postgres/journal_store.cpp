#include "storage/postgres/admission.hpp"
#include "storage/postgres/connection.hpp"
#include "storage/postgres/postgres.hpp"
#include "storage/postgres/write_plan.hpp"
#include "storage/postgres/write_statements.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <unordered_map>

namespace souk::storage::postgres {

namespace {

const statement numbers_statement{"order_numbers", "SELECT id, number FROM orders WHERE id = ANY ($1::uuid[])"};

// Rows come as arrays and each finds its row through an index, so one plan is right for every batch. Waiting has limits, writing has
// none: a commit that takes long is settled, never cancelled. synchronous_commit is never weaker than on; a stronger choice of the
// operator (remote_apply) stays.
const std::string session_sql
  = std::string{find_by_index_sql}
    + "SET plan_cache_mode = force_generic_plan; SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '5s'; "
      "SET statement_timeout = 0; "
      "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

constexpr std::string_view fenced_state = "SK001";
constexpr std::string_view unique_violation = "23505";

std::vector<shard_id> parse_shards(std::string_view list) {
  std::vector<shard_id> out;
  const char* at = list.data();
  const char* const end = list.data() + list.size();
  while (at < end) {
    int n = 0;
    const auto r = std::from_chars(at, end, n);
    if (r.ec != std::errc{})
      break;
    out.push_back(static_cast<shard_id>(n));
    at = r.ptr + 1;
  }
  return out;
}

ulid random_id() {
  std::random_device source;
  ulid out;
  for (auto& b : out.bytes)
    b = static_cast<std::uint8_t>(source());
  return out;
}

std::string describe(const answer& a) {
  auto out = a.message;
  if (!a.detail.empty())
    out += " (" + a.detail + ")";
  if (!a.sqlstate.empty())
    out += " [" + a.sqlstate + "]";
  return out;
}

class pg_journal_store final : public journal_store {
public:
  pg_journal_store(const database& db, std::string_view label, journal_limits limits)
    : limits_(limits), connection_({db.url, "souk-journal-" + std::string{label}, "souk_writer", limits.connect, limits.commit,
                                    session_sql}),
      settler_({db.url, "souk-settle-" + std::string{label}, "souk_writer", limits.connect, limits.settle,
                "SET lock_timeout = 0; SET statement_timeout = '" + std::to_string(limits.settle.count()) + "ms'"}) {
    // nop
  }

  commit_outcome commit(const batch& b) override;
  settlement settle(const batch& b) override;

private:
  commit_outcome attempt(const batch& b, plan_options options);
  static void number_orders(const batch& b, const result& numbers, std::vector<write_result>& results);

  journal_limits limits_;
  connection connection_;
  connection settler_;
  /// Refusals of the transaction last sent: if it is in doubt and turns out to have landed, these were part of it.
  std::vector<write_result> refusals_;
  bool warned_ = false;   ///< one line in the log per commit in doubt
  bool collided_ = false; ///< the last attempt met a unique index
  /// Recognises re-takes of the batch in doubt whose own answer was lost.
  std::optional<ulid> settle_token_;
};

void pg_journal_store::number_orders(const batch& b, const result& numbers, std::vector<write_result>& results) {
  std::unordered_map<ulid, std::int64_t> by_order;
  for (int i = 0; i < numbers.rows(); ++i)
    by_order.emplace(numbers.id(i, 0), numbers.int8(i, 1));
  for (std::size_t i = 0; i < b.write_sets.size(); ++i)
    if (results[i].refused == refusal::none)
      for (const auto& m : b.write_sets[i]->mutations)
        if (const auto* order = std::get_if<insert_order>(&m))
          if (auto found = by_order.find(order->row.id); found != by_order.end())
            results[i].drawn_number = found->second;
}

commit_outcome pg_journal_store::attempt(const batch& b, plan_options options) {
  commit_outcome out;
  collided_ = false;
  auto plan = plan_writes(b, refusals_, options);
  if (!plan.error.empty()) {
    out.what = commit_outcome::kind::failed;
    out.error = plan.error;
    return out;
  }
  const auto a = connection_.transact(plan.calls, limits_.commit);
  collided_ = a.sqlstate == unique_violation;
  out.error = describe(a);
  switch (a.what) {
    case answer::kind::done:
      out.what = commit_outcome::kind::committed;
      out.results = refusals_;
      if (plan.numbers_at >= 0)
        number_orders(b, a.results[static_cast<std::size_t>(plan.numbers_at)], out.results);
      break;
    case answer::kind::refused:
      if (a.sqlstate == fenced_state) {
        out.what = commit_outcome::kind::fenced;
        out.lost = parse_shards(a.detail);
      } else {
        out.what = a.try_later() ? commit_outcome::kind::unavailable : commit_outcome::kind::failed;
      }
      break;
    case answer::kind::not_sent:
      out.what = commit_outcome::kind::unavailable;
      break;
    case answer::kind::lost:
      out.what = commit_outcome::kind::unknown;
      break;
  }
  return out;
}

// Conflicts are rare and the unique indexes find them anyway, so the first try pays nothing for them. Only when the database
// refuses the batch it is asked about row by row; the write sets that conflict are left out and the rest is written. It may have
// refused for a stale version: a command that was done before meets rows that moved on, and then "done before" is the answer.
commit_outcome pg_journal_store::commit(const batch& b) {
  settle_token_.reset();
  warned_ = false;
  refusals_.assign(b.write_sets.size(), {});
  auto out = attempt(b, {});
  if (out.what != commit_outcome::kind::failed)
    return out;
  try {
    refusals_ = admit(connection_, b);
  } catch (const unavailable& e) {
    out.what = commit_outcome::kind::unavailable;
    out.error = e.what();
    return out;
  } catch (const storage_error& e) {
    out.error += std::string{"; "} + e.what();
    return out;
  }
  const bool any = std::any_of(refusals_.begin(), refusals_.end(), [](const auto& r) { return r.refused != refusal::none; });
  if (!any && !collided_)
    return out; // trying again would end the same way
  return attempt(b, {.careful = true});
}

settlement pg_journal_store::settle(const batch& b) {
  settlement out;
  connection_.close();
  if (!settle_token_)
    settle_token_ = random_id();
  refusals_.resize(b.write_sets.size());

  column_arrays shards;
  std::unordered_map<int, fence> believed;
  for (const auto& f : b.fences) {
    shards.row(static_cast<std::int16_t>(f.shard), f.epoch);
    believed[f.shard] = f;
  }
  auto arguments = shards.take();
  arguments.add(*settle_token_);
  std::vector<call> calls;
  calls.push_back({&writes::retake, std::move(arguments)});
  const auto taken = settler_.transact_ending_blockers(calls, limits_.settle, limits_.patience);
  if (taken.what != answer::kind::done) {
    if (!warned_)
      spdlog::warn("a commit in doubt cannot be settled yet: {}", describe(taken));
    warned_ = true;
    return out;
  }
  const auto& rows = taken.results.front();
  for (int i = 0; i < rows.rows(); ++i) {
    const auto shard = static_cast<shard_id>(rows.int2(i, 0));
    const auto seq = rows.int8(i, 3);
    // A row behind what was acknowledged is an older copy's: whoever wrote on there would sell the same things again.
    const bool forgot = seq < believed[shard].seq;
    if (rows.boolean(i, 1) && !forgot) {
      out.fences.push_back({shard, rows.int8(i, 2), seq});
      // All or nothing: what is true of one shard that is still ours is true of the batch.
      out.landed = seq == believed[shard].seq + 1;
    } else {
      out.lost.push_back(shard);
    }
  }
  if (out.landed) {
    out.results = refusals_;
    std::vector<ulid> orders;
    for (const auto* ws : b.write_sets)
      for (const auto& m : ws->mutations)
        if (const auto* order = std::get_if<insert_order>(&m))
          orders.push_back(order->row.id);
    if (!orders.empty()) {
      try {
        number_orders(b, settler_.read(numbers_statement, parameters::of(orders)), out.results);
      } catch (const std::exception& e) {
        spdlog::warn("a commit in doubt landed, but its order numbers cannot be read yet: {}", e.what());
        return {}; // ask again: the token makes the second re-take ours as well
      }
    }
  }
  settler_.close(); // it is needed once in a blue moon
  out.reachable = true;
  return out;
}

} // namespace

std::unique_ptr<journal_store> make_journal_store(const database& db, std::string_view label, journal_limits limits) {
  return std::make_unique<pg_journal_store>(db, label, limits);
}

} // namespace souk::storage::postgres
