#pragma once

#include "storage/error.hpp"
#include "storage/postgres/binary.hpp"
#include "storage/postgres/dialer.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

struct pg_conn;
struct pg_result;

namespace souk::storage::postgres {

/// A prepared statement. Objects are static: a connection remembers by address which ones it has prepared.
struct statement {
  const char* name;
  const char* sql;
};

/// One execution of a statement.
struct call {
  const statement* what = nullptr;
  parameters arguments;
};

/// Rows of one answer, in binary.
class result {
public:
  result() = default;
  explicit result(pg_result* owned);

  int rows() const noexcept;
  bool is_null(int row, int column) const noexcept;
  std::string_view raw(int row, int column) const noexcept;

  bool boolean(int row, int column) const { return raw(row, column).at(0) != '\0'; }
  std::int16_t int2(int row, int column) const { return integer<std::int16_t>(row, column); }
  std::int32_t int4(int row, int column) const { return integer<std::int32_t>(row, column); }
  std::int64_t int8(int row, int column) const { return integer<std::int64_t>(row, column); }
  std::string text(int row, int column) const { return std::string{raw(row, column)}; }
  /// null is nil.
  ulid id(int row, int column) const;
  timestamp time(int row, int column) const;
  /// JSON text of a json or jsonb column.
  std::string_view json(int row, int column) const;
  std::string_view jsonb(int row, int column) const { return raw(row, column).substr(1); }

private:
  template <class T>
  T integer(int row, int column) const {
    auto bytes = raw(row, column);
    if (bytes.size() != sizeof(T))
      throw storage_error("a column has another width than the code expects");
    return read_integer<T>(bytes.data());
  }

  std::shared_ptr<pg_result> rows_;
};

/// How a round trip ended. `lost` alone leaves in doubt whether the transaction was committed.
struct answer {
  enum class kind : std::uint8_t {
    done,     ///< all calls answered and the transaction committed
    refused,  ///< the database answered with an error: nothing is written
    not_sent, ///< no connection, or the end of the transaction never left this process: nothing is written
    lost      ///< sent whole, no answer
  };
  kind what = kind::not_sent;
  std::vector<result> results; ///< one per call when done
  std::string sqlstate;        ///< five characters when refused
  std::string message;
  std::string detail;
  std::string constraint;

  /// The error says that the server, not the statement, is the trouble: stopping, starting, out of room, deadlock.
  bool try_later() const noexcept;
};

/// For sessions whose statements find a few rows each. Left alone, the planner looks at a still empty or just analysed small table
/// and chooses to read or hash all of it, and that plan stays while the table grows, until the next ANALYZE (measured on the
/// journal: seven times slower after a minute of orders). jit would compile for the inflated cost of what is switched off.
inline constexpr const char* find_by_index_sql
  = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; ";

struct connection_options {
  std::string url; ///< libpq URL or keywords
  std::string application_name;
  std::string role; ///< taken with SET ROLE; empty keeps the log-in role
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds time_limit{5000}; ///< of one round trip
  /// Sent once after connecting, before SET ROLE ("SET enable_seqscan = off; …").
  std::string session_sql;
};

/// One libpq connection: opens itself when needed, prepares statements on first use, and runs any number of calls as one
/// implicit transaction in one round trip (pipeline mode, a single Sync). Used by one thread at a time.
class connection {
public:
  explicit connection(connection_options options);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// One round trip, one transaction. Never throws; a broken connection is closed and the next call opens a new one.
  answer transact(const std::vector<call>& calls) { return transact(calls, options_.time_limit); }
  answer transact(const std::vector<call>& calls, std::chrono::milliseconds limit);

  /// The same for readers. @throws unavailable, storage_error
  std::vector<result> read(const std::vector<call>& calls);
  result read(const statement& what, parameters arguments);

  /// Runs SQL text (several statements allowed, no parameters). @throws unavailable, storage_error
  void execute(const std::string& sql, std::chrono::milliseconds limit);

  /// Like transact, but while it waits for a lock, sessions that block it are ended from a second connection: a paused or
  /// half-dead writer would otherwise keep its rows locked for as long as its socket lives. @param patience before that
  answer transact_ending_blockers(const std::vector<call>& calls, std::chrono::milliseconds limit,
                                  std::chrono::milliseconds patience);

  void close() noexcept;
  bool is_open() const noexcept { return conn_ != nullptr; }
  const connection_options& options() const noexcept { return options_; }

private:
  using clock = std::chrono::steady_clock;

  bool open(std::string& error);
  bool run_session_sql(clock::time_point deadline, std::string& error);
  bool prepare_missing(const std::vector<call>& calls, clock::time_point deadline, answer& out);
  bool wait(bool for_writing, clock::time_point deadline);
  /// Next result or null; false when the connection broke or time is up.
  bool next(clock::time_point deadline, pg_result*& out);
  bool drain(clock::time_point deadline);
  /// @param may_be_out set when it is not known how much has left: libpq sends by itself while it reads
  bool flush(clock::time_point deadline, bool* may_be_out = nullptr);
  void collect(const std::vector<call>& calls, clock::time_point deadline, answer& out);
  void note_error(const pg_result* r, answer& out) const;
  bool gone_while_idle();
  void end_blockers();

  connection_options options_;
  dialer dialer_;
  pg_conn* conn_ = nullptr;
  std::unordered_set<const statement*> prepared_;
  clock::time_point next_attempt_{}; ///< do not hammer a server that is down
  std::unique_ptr<connection> side_; ///< ends blockers
  clock::time_point end_blockers_at_ = clock::time_point::max();
};

} // namespace souk::storage::postgres
