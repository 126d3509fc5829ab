#include "storage/postgres/move_shard.hpp"

#include "storage/postgres/connection.hpp"
#include "storage/postgres/shard_copy.hpp"
#include "storage/postgres/shard_index.hpp"

#include <algorithm>
#include <map>
#include <thread>

namespace souk::storage::postgres {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds limit{10'000};

/// The shard's row in one database.
struct standing {
  residence where = residence::elsewhere;
  std::int64_t epoch = 0;
  std::int64_t seq = 0;
  std::string destination; ///< of a move that began here, deployment.database; empty: none
};

/// What every database that answers says of the shard.
struct survey {
  std::map<std::size_t, standing> rows;
  std::map<std::size_t, std::string> names; ///< deployment.database
  std::map<std::size_t, std::string> silent;

  std::optional<std::size_t> holder(residence where) const {
    for (const auto& [i, s] : rows)
      if (s.where == where)
        return i;
    return std::nullopt;
  }
};

// Not cut short like others: a read here decides what may be written there.
constexpr const char* standing_sql = R"(
  SELECT s.residence, s.epoch, s.seq, coalesce(m.destination::text, ''), coalesce(d.database::text, ''), coalesce(d.id::text, '')
  FROM shards s LEFT JOIN shard_moves m USING (shard) LEFT JOIN deployment d ON true WHERE s.shard = )";

survey look(const databases& all, shard_id shard) {
  survey out;
  std::string deployment;
  std::optional<std::size_t> here;
  for (std::size_t i = 0; i < all.all().size(); ++i) {
    try {
      bulk_session db(all.all()[i].url, "souk-move", "souk_writer");
      const auto r = db.ask(standing_sql + std::to_string(shard), limit).at(0);
      if (r[4].empty() || (!deployment.empty() && r[5] != deployment))
        throw storage_error("database " + all.name_of(i) + " is not of this deployment: run soukd migrate");
      deployment = r[5];
      out.rows[i] = {static_cast<residence>(std::stoi(r[0])), std::stoll(r[1]), std::stoll(r[2]), r[3]};
      out.names[i] = r[4];
      if (out.rows[i].where == residence::here) {
        if (here)
          throw storage_error("shard " + std::to_string(shard) + " lives in database " + all.name_of(*here) + " and in database "
                              + all.name_of(i) + ": neither may be believed, nothing was done");
        here = i;
      }
    } catch (const unavailable& e) {
      out.silent[i] = e.what();
    }
  }
  return out;
}

std::string in_words(milliseconds time) {
  const auto ms = time.count();
  return ms < 1000 ? std::to_string(ms) + " ms" : std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s";
}

milliseconds since(steady_clock::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
}

// The epoch rises above whatever the destination has seen of this shard.
const statement freeze_statement{"freeze_shard", R"(
  WITH frozen AS (
    UPDATE shards SET residence = 3, owner = NULL, owner_name = NULL, settle_token = NULL, epoch = greatest(epoch, $3::int8) + 1
    WHERE shard = $1::int2 AND residence = 1 RETURNING shard, epoch, seq),
  noted AS (
    INSERT INTO shard_moves (shard, destination) SELECT shard, $2::uuid FROM frozen
    ON CONFLICT (shard) DO UPDATE SET destination = EXCLUDED.destination, began_at = clock_timestamp())
  SELECT epoch, seq FROM frozen)"};
// A stopped abort may have spent the epoch under which the shard was frozen.
const statement refreeze_statement{"refreeze_shard", R"(
  UPDATE shards SET epoch = greatest(epoch, $3::int8) + 1 WHERE shard = $1::int2 AND residence = 3 AND epoch = $2::int8
  RETURNING epoch, seq)"};

class mover {
public:
  mover(const databases& all, shard_id shard, std::size_t to, const move_options& options)
    : all_(all), shard_(shard), to_(to), options_(options) {
    // nop
  }

  move_report run() {
    try {
      return go();
    } catch (const out_of_time& e) {
      throw unavailable("another run is at work on this shard: wait for it or end it (" + std::string{e.what()} + ")");
    }
  }

private:
  move_report go() {
    auto seen = look(all_, shard_);
    if (auto gone = seen.silent.find(to_); gone != seen.silent.end())
      throw unavailable("database " + all_.name_of(to_) + " does not answer: " + gone->second);
    if (seen.rows.at(to_).where == residence::here)
      return finish(seen);
    const auto from = source_of(seen);
    check_schemas(from);
    index(from);
    report_.deleted = delete_shard_rows(all_.all()[to_], shard_);
    tell(move_step::looked, "shard " + std::to_string(shard_) + " moves from database " + all_.name_of(from) + " to database "
                              + all_.name_of(to_)
                              + (report_.deleted > 0 ? "; " + std::to_string(report_.deleted) + " rows of an earlier stay deleted" : ""));
    report_.deleted = 0;

    const bool was_frozen = seen.rows.at(from).where == residence::moving;
    const auto frozen = freeze(from, seen.rows.at(from), seen.rows.at(to_), seen.names.at(to_));
    const auto began = steady_clock::now();
    tell(move_step::frozen, was_frozen ? "it was frozen by an earlier run, with epoch " + std::to_string(frozen.epoch)
                                       : "frozen with epoch " + std::to_string(frozen.epoch) + " and seq " + std::to_string(frozen.seq));
    copy(from, frozen);
    if (!was_frozen)
      report_.frozen = since(began);
    tell(move_step::switched, "it lives in database " + all_.name_of(to_)
                                + (was_frozen ? std::string{} : "; nobody could write to it for " + in_words(report_.frozen)));
    leave(from, frozen.epoch);
    delete_old({from});
    return report_;
  }

  void tell(move_step step, const std::string& sentence) { options_.told(step, sentence); }

  std::size_t source_of(const survey& seen) const {
    const auto name = "shard " + std::to_string(shard_);
    if (auto at = seen.holder(residence::here))
      return *at;
    if (auto at = seen.holder(residence::quarantined))
      throw storage_error(name + " is quarantined in database " + all_.name_of(*at) + ": decide about its rows first");
    auto at = seen.holder(residence::moving);
    if (!at) {
      if (!seen.silent.empty())
        throw unavailable(name + " may live in database " + all_.name_of(seen.silent.begin()->first)
                          + ", which does not answer: " + seen.silent.begin()->second);
      throw storage_error("no database of the settings holds " + name);
    }
    if (seen.rows.at(*at).destination != seen.names.at(to_)) {
      std::string where = "another database";
      for (const auto& [i, database] : seen.names)
        if (database == seen.rows.at(*at).destination)
          where = "database " + all_.name_of(i);
      throw storage_error(name + " is on its way from database " + all_.name_of(*at) + " to " + where
                          + ": finish that move, or end it with --abort");
    }
    return *at;
  }

  void check_schemas(std::size_t from) {
    bulk_session a(all_.all()[from].url, "souk-move", "souk_writer"), b(all_.all()[to_].url, "souk-move", "souk_writer");
    tables_ = shard_tables(a);
    const auto there = shard_tables(b);
    for (const auto& t : tables_)
      if (auto same = std::ranges::find(there, t.name, &shard_table::name);
          same == there.end() || same->columns != t.columns || same->types != t.types || same->shard != t.shard)
        throw storage_error("the table " + t.name + " differs between database " + all_.name_of(from) + " and database "
                            + all_.name_of(to_) + ": run soukd migrate");
    if (there.size() != tables_.size())
      throw storage_error("database " + all_.name_of(to_) + " has other tables than database " + all_.name_of(from)
                          + ": run soukd migrate");
  }

  /// Not needed, only faster: a database whose log-in role does not own the tables is read from beginning to end.
  void index(std::size_t from) {
    const auto begin = steady_clock::now();
    int made = 0;
    try {
      for (auto i : {from, to_})
        made += index_shard(all_.all()[i], tables_, shard_, options_.index_above);
    } catch (const storage_error& e) {
      tell(move_step::indexed, "tables are searched without an index: " + std::string{e.what()});
    }
    if (made > 0)
      tell(move_step::indexed, "indexed its rows in " + std::to_string(made) + " large tables in " + in_words(since(begin)));
  }

  /// Takes the shard from its owner. The row's lock waits for the commit in flight; the epoch refuses every later one.
  standing freeze(std::size_t from, const standing& source, const standing& destination, const std::string& database) {
    if (source.where == residence::moving && destination.epoch <= source.epoch)
      return source;
    // Called like a take-over: whoever ends sessions that block lets this one be.
    connection db({all_.all()[from].url, "souk-ownership-move", "souk_writer", milliseconds{5'000}, limit,
                   "SET lock_timeout = '10s'; SET statement_timeout = '12s'"});
    std::vector<call> calls;
    const auto shard = static_cast<std::int16_t>(shard_);
    if (source.where == residence::moving)
      calls.push_back({&refreeze_statement, parameters::of(shard, source.epoch, destination.epoch)});
    else
      calls.push_back({&freeze_statement, parameters::of(shard, id_of(database), destination.epoch)});
    const auto a = db.transact_ending_blockers(calls, limit, options_.patience);
    if (a.what != answer::kind::done)
      throw unavailable("the shard was not frozen, or its answer was lost (run the command again): " + a.message);
    const auto& r = a.results.front();
    if (r.rows() == 0)
      throw unavailable("somebody else moved the shard or ended its move meanwhile; look, and run the command again");
    return {residence::moving, r.int8(0, 0), r.int8(0, 1), database};
  }

  static ulid id_of(const std::string& uuid) {
    ulid out;
    std::size_t digits = 0;
    for (const char c : uuid)
      if (c != '-' && digits < 32) {
        const auto value = static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
        auto& byte = out.bytes[digits++ / 2];
        byte = static_cast<std::uint8_t>(byte << 4 | value);
      }
    return out;
  }

  /// Everything in one transaction of the destination, with the shard's row there locked from beginning to end: whoever wants to move
  /// it or to end the move meanwhile waits for that row, and decides by what it says then.
  void copy(std::size_t from, const standing& frozen) {
    bulk_session source(all_.all()[from].url, "souk-move", "souk_writer");
    bulk_session target(all_.all()[to_].url, "souk-move", "souk_writer");
    const auto shard = std::to_string(shard_), epoch = std::to_string(frozen.epoch);
    target.run("BEGIN");
    const auto row = target.ask("SELECT residence, epoch FROM shards WHERE shard = " + shard + " FOR UPDATE", limit * 2).at(0);
    if (row[0] != "2")
      throw storage_error("another run has just finished this move; run the command again to clean up");
    if (std::stoll(row[1]) > frozen.epoch)
      throw storage_error("the move was ended by --abort meanwhile");
    for (auto* db : {&source, &target})
      db->run("SET enable_seqscan = off"); // where an index finds the shard's rows
    source.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    if (source.ask("SELECT 1 FROM shards WHERE shard = " + shard + " AND residence = 3 AND epoch = " + epoch, limit).empty())
      throw storage_error("the shard is not frozen any more: somebody ended the move");

    std::vector<table_sum> sums;
    std::int64_t rows = 0;
    const auto began = steady_clock::now();
    for (const auto& t : tables_) {
      const auto begin = steady_clock::now();
      sums.push_back(copy_shard_rows(source, target, t, shard_));
      rows += sums.back().rows;
      if (sums.back().rows > 0)
        report_.tables.push_back({t.name, sums.back().rows, sums.back().bytes, since(begin)});
    }
    source.run("COMMIT");
    tell(move_step::copied, "copied " + std::to_string(rows) + " rows in " + in_words(since(began)));

    const auto compared = steady_clock::now();
    for (std::size_t i = 0; i < tables_.size(); ++i)
      if (const auto there = sum_shard_rows(target, tables_[i], shard_); !(there == sums[i]))
        throw storage_error("the table " + tables_[i].name + " has " + std::to_string(sums[i].rows) + " rows of the shard in database "
                            + all_.name_of(from) + " and " + std::to_string(there.rows) + " in the copy"
                            + (there.rows == sums[i].rows ? " with other contents" : "") + ": nothing was switched");
    tell(move_step::compared, "compared them in " + in_words(since(compared)));

    if (target.run("UPDATE shards SET residence = 1, epoch = " + std::to_string(frozen.epoch + 1) + ", seq = "
                     + std::to_string(frozen.seq) + ", owner = NULL, owner_name = NULL, settle_token = NULL WHERE shard = " + shard
                     + " AND residence = 2 AND epoch <= " + epoch)
        != 1)
      throw storage_error("the shard's row in database " + all_.name_of(to_) + " changed while it was locked");
    target.run("COMMIT");
  }

  void leave(std::size_t from, std::int64_t epoch) {
    bulk_session db(all_.all()[from].url, "souk-move", "souk_writer");
    const auto shard = std::to_string(shard_);
    db.run("BEGIN");
    db.run("UPDATE shards SET residence = 2 WHERE shard = " + shard + " AND residence = 3 AND epoch = " + std::to_string(epoch), limit);
    db.run("DELETE FROM shard_moves m USING shards s WHERE s.shard = m.shard AND s.residence = 2 AND m.shard = " + shard, limit);
    db.run("COMMIT");
    tell(move_step::left, "database " + all_.name_of(from) + " knows that it is elsewhere");
  }

  /// A run before this one has switched.
  move_report finish(const survey& seen) {
    std::vector<std::size_t> others;
    for (const auto& [i, s] : seen.rows) {
      if (i == to_)
        continue;
      if (s.where == residence::moving) {
        tell(move_step::switched, "it lives in database " + all_.name_of(to_) + " since an earlier run");
        leave(i, s.epoch);
      }
      others.push_back(i);
    }
    if (others.empty())
      tell(move_step::deleted, "it lives there already");
    else
      delete_old(others);
    return report_;
  }

  void delete_old(const std::vector<std::size_t>& from) {
    std::this_thread::sleep_for(options_.keep_old_rows);
    const auto begin = steady_clock::now();
    for (auto i : from) {
      bring_late_rows(i);
      report_.deleted += delete_shard_rows(all_.all()[i], shard_);
      drop_shard_indexes(all_.all()[i], shard_);
    }
    drop_shard_indexes(all_.all()[to_], shard_);
    tell(move_step::deleted, std::to_string(report_.deleted) + " old rows deleted in " + in_words(since(begin)));
  }

  /// Events are put aside without a fence: one that was, while the copy was made, is nowhere else.
  void bring_late_rows(std::size_t from) {
    bulk_session source(all_.all()[from].url, "souk-move", "souk_writer"), target(all_.all()[to_].url, "souk-move", "souk_writer");
    target.run("BEGIN");
    for (const auto& t : shard_tables(source))
      if (t.name == "outbox_parked")
        copy_shard_rows(source, target, t, shard_, rows_there::some);
    target.run("COMMIT");
  }

  const databases& all_;
  const shard_id shard_;
  const std::size_t to_;
  const move_options& options_;
  std::vector<shard_table> tables_;
  move_report report_;
};

} // namespace

move_report move_shard(const databases& all, shard_id shard, std::size_t to, const move_options& options) {
  if (to >= all.all().size())
    throw storage_error("there is no database " + std::to_string(to + 1) + ": the settings name " + std::to_string(all.all().size()));
  return mover(all, shard, to, options).run();
}

void abort_move(const databases& all, shard_id shard) {
  const auto name = "shard " + std::to_string(shard), number = std::to_string(shard);
  const auto seen = look(all, shard);
  const auto from = seen.holder(residence::moving);
  if (!from) {
    if (auto at = seen.holder(residence::here))
      throw storage_error(name + " is not on its way: it lives in database " + all.name_of(*at));
    if (!seen.silent.empty())
      throw unavailable("database " + all.name_of(seen.silent.begin()->first) + " does not answer: " + seen.silent.begin()->second);
    throw storage_error(name + " is not on its way");
  }
  const auto& source = seen.rows.at(*from);
  std::optional<std::size_t> to;
  for (const auto& [i, database] : seen.names)
    if (database == source.destination)
      to = i;
  if (!to)
    throw unavailable("the destination of " + name + " does not answer or is not in the settings, and only it knows whether it has taken "
                      "the shard. If it is lost for good, in database " + all.name_of(*from)
                      + ": UPDATE shards SET residence = 1 WHERE shard = " + number);

  // First the destination can no longer take the shard under this epoch, whoever is still copying; then it is unfrozen.
  bulk_session target(all.all()[*to].url, "souk-move", "souk_writer");
  target.run("BEGIN");
  std::vector<bulk_session::row> row;
  try {
    row = target.ask("SELECT residence FROM shards WHERE shard = " + number + " FOR UPDATE", limit * 2);
  } catch (const out_of_time& e) {
    throw storage_error("the copying is still under way: end that command first (" + std::string{e.what()} + ")");
  }
  if (row.at(0)[0] != "2")
    throw storage_error(name + " lives in database " + all.name_of(*to) + " already: finish with soukd move-shard " + number + " "
                        + std::to_string(*to + 1));
  const auto epoch = std::to_string(source.epoch);
  target.run("UPDATE shards SET epoch = greatest(epoch, " + epoch + " + 1) WHERE shard = " + number);
  target.run("COMMIT");

  bulk_session db(all.all()[*from].url, "souk-move", "souk_writer");
  db.run("BEGIN");
  if (db.run("UPDATE shards SET residence = 1, epoch = epoch + 2, settle_token = NULL WHERE shard = " + number
               + " AND residence = 3 AND epoch = " + epoch,
             limit)
      != 1)
    throw storage_error("somebody went on with the move or ended it at the same moment; look, and try again");
  db.run("DELETE FROM shard_moves WHERE shard = " + number, limit);
  db.run("COMMIT");
  for (auto i : {*from, *to})
    drop_shard_indexes(all.all()[i], shard);
}

} // namespace souk::storage::postgres
