#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

namespace souk::storage::postgres {

/// One libpq session for work in bulk: statements as text, COPY in both directions. Unlike `connection` it never opens itself again:
/// what a transaction has done so far must not be mistaken for done after its session was lost. Used by one thread.
/// Everything throws storage::unavailable when the session is lost or silent for too long, storage::out_of_time when another session
/// keeps a lock for ten seconds, storage::storage_error when the database refuses.
class bulk_session {
public:
  using row = std::vector<std::string>;

  /// Opens the session and takes the role. @param role empty keeps the log-in role
  bulk_session(const std::string& url, const std::string& application_name, const std::string& role);
  ~bulk_session();
  bulk_session(const bulk_session&) = delete;
  bulk_session& operator=(const bulk_session&) = delete;

  /// One statement. @returns how many rows it touched
  std::int64_t run(const std::string& sql, std::chrono::milliseconds limit = bulk_limit);
  /// One query; null is an empty text.
  std::vector<row> ask(const std::string& sql, std::chrono::milliseconds limit = bulk_limit);

  /// `COPY (…) TO STDOUT`: each message of the answer, which is a row except for what the format puts before and behind.
  void copy_out(const std::string& sql, const std::function<void(std::string_view)>& take);
  /// `COPY … FROM STDIN`: then put() any number of times, then end_copy().
  void begin_copy_in(const std::string& sql);
  void put(std::string_view bytes);
  std::int64_t end_copy();

  /// A statement that reads or writes much; a vanished peer is noticed by keep-alives long before.
  static constexpr std::chrono::milliseconds bulk_limit = std::chrono::minutes{30};

private:
  using clock = std::chrono::steady_clock;

  void wait(bool for_writing, clock::time_point deadline);
  void flush(clock::time_point deadline);
  pg_result* next(clock::time_point deadline);
  /// Sends and reads until the statement's end or the beginning of a COPY. The caller owns the result.
  pg_result* finish(clock::time_point deadline);
  void send(const std::string& sql, clock::time_point deadline);
  [[noreturn]] void fail(const std::string& why);

  pg_conn* conn_ = nullptr;
  std::size_t unflushed_ = 0;
};

} // namespace souk::storage::postgres
