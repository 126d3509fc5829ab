#include "storage/postgres/bulk_session.hpp"

#include "storage/error.hpp"
#include "storage/postgres/dialer.hpp"
#include "storage/postgres/libpq.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace souk::storage::postgres {

namespace {

constexpr std::chrono::milliseconds connect_limit{5'000};
/// A COPY that takes no byte for so long has a server that hangs.
constexpr std::chrono::milliseconds copy_silence{300'000};
constexpr std::size_t flush_after = 256 * 1024;

} // namespace

bulk_session::bulk_session(const std::string& url, const std::string& application_name, const std::string& role) {
  std::string error;
  conn_ = dialer{url}.connect(application_name, clock::now() + connect_limit, error);
  if (conn_ == nullptr)
    throw unavailable(error);
  try {
    PQsetNoticeProcessor(conn_, [](void*, const char*) {}, nullptr);
    if (!role.empty())
      run("SET ROLE " + role, connect_limit);
    // A session that waits while the other database works is not idle, and a statement has the limit it is given here.
    run("SET idle_in_transaction_session_timeout = 0", connect_limit);
    run("SET statement_timeout = 0", connect_limit);
    run("SET lock_timeout = '10s'", connect_limit);
  } catch (...) { // the destructor of a half-made object does not run
    PQfinish(conn_);
    throw;
  }
}

bulk_session::~bulk_session() {
  PQfinish(conn_);
}

void bulk_session::fail(const std::string& why) {
  auto message = conn_ == nullptr ? std::string{"out of memory"} : trimmed(PQerrorMessage(conn_));
  throw unavailable(message.empty() ? why : message);
}

void bulk_session::wait(bool for_writing, clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
    if (left <= 0)
      throw unavailable("the database did not answer in time");
    pollfd p{PQsocket(conn_), static_cast<short>(for_writing ? POLLIN | POLLOUT : POLLIN), 0};
    const int n = ::poll(&p, 1, static_cast<int>(std::min<long>(left, 60'000)));
    if (n > 0)
      return;
    if (n < 0 && errno != EINTR)
      throw unavailable(std::strerror(errno));
  }
}

void bulk_session::flush(clock::time_point deadline) {
  for (;;) {
    const int left = PQflush(conn_);
    if (left == 0) {
      unflushed_ = 0;
      return;
    }
    if (left < 0)
      fail("the connection was lost");
    wait(true, deadline);
    if (PQconsumeInput(conn_) == 0)
      fail("the connection was lost");
  }
}

pg_result* bulk_session::next(clock::time_point deadline) {
  while (PQisBusy(conn_) != 0) {
    wait(false, deadline);
    if (PQconsumeInput(conn_) == 0)
      fail("the connection was lost");
  }
  return PQgetResult(conn_);
}

void bulk_session::send(const std::string& sql, clock::time_point deadline) {
  if (PQsendQuery(conn_, sql.c_str()) == 0)
    fail("the statement could not be sent");
  flush(deadline);
}

pg_result* bulk_session::finish(clock::time_point deadline) {
  result_pointer kept;
  std::string refusal, sqlstate;
  for (;;) {
    result_pointer r{next(deadline)};
    if (!r)
      break;
    const auto status = PQresultStatus(r.get());
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
      refusal = trimmed(PQresultErrorMessage(r.get()));
      const char* code = PQresultErrorField(r.get(), PG_DIAG_SQLSTATE);
      sqlstate = code == nullptr ? "" : code;
    } else {
      kept = std::move(r);
      if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT)
        break;
    }
  }
  if (PQstatus(conn_) != CONNECTION_OK)
    throw unavailable(refusal.empty() ? "the connection was lost" : refusal);
  if (sqlstate == "55P03") // lock_not_available
    throw out_of_time(refusal);
  if (!refusal.empty())
    throw storage_error(refusal);
  return kept.release();
}

std::int64_t bulk_session::run(const std::string& sql, std::chrono::milliseconds limit) {
  const auto deadline = clock::now() + limit;
  send(sql, deadline);
  const result_pointer r{finish(deadline)};
  std::int64_t touched = 0;
  if (r) {
    const std::string_view text = PQcmdTuples(r.get());
    std::from_chars(text.data(), text.data() + text.size(), touched);
  }
  return touched;
}

std::vector<bulk_session::row> bulk_session::ask(const std::string& sql, std::chrono::milliseconds limit) {
  const auto deadline = clock::now() + limit;
  send(sql, deadline);
  const result_pointer r{finish(deadline)};
  std::vector<row> out;
  for (int i = 0; r && i < PQntuples(r.get()); ++i) {
    auto& cells = out.emplace_back();
    for (int k = 0; k < PQnfields(r.get()); ++k)
      cells.emplace_back(PQgetvalue(r.get(), i, k), static_cast<std::size_t>(PQgetlength(r.get(), i, k)));
  }
  return out;
}

void bulk_session::copy_out(const std::string& sql, const std::function<void(std::string_view)>& take) {
  // Between two rows the server may have to read all of a large table.
  auto deadline = clock::now() + bulk_limit;
  send(sql, deadline);
  const result_pointer begun{finish(deadline)};
  if (!begun || PQresultStatus(begun.get()) != PGRES_COPY_OUT)
    throw storage_error("this is no COPY TO STDOUT: " + sql);
  for (;;) {
    char* bytes = nullptr;
    const int n = PQgetCopyData(conn_, &bytes, 1);
    if (n > 0) {
      const std::unique_ptr<char, void (*)(void*)> owned{bytes, PQfreemem};
      take({bytes, static_cast<std::size_t>(n)});
      deadline = clock::now() + bulk_limit;
    } else if (n == 0) {
      wait(false, deadline);
      if (PQconsumeInput(conn_) == 0)
        fail("the connection was lost");
    } else {
      break; // the end, or an error that finish() reads
    }
  }
  const result_pointer end{finish(clock::now() + copy_silence)};
}

void bulk_session::begin_copy_in(const std::string& sql) {
  const auto deadline = clock::now() + copy_silence;
  send(sql, deadline);
  const result_pointer begun{finish(deadline)};
  if (!begun || PQresultStatus(begun.get()) != PGRES_COPY_IN)
    throw storage_error("this is no COPY FROM STDIN: " + sql);
}

void bulk_session::put(std::string_view bytes) {
  if (PQputCopyData(conn_, bytes.data(), static_cast<int>(bytes.size())) < 0)
    fail("the connection was lost");
  unflushed_ += bytes.size();
  if (unflushed_ >= flush_after)
    flush(clock::now() + copy_silence);
}

std::int64_t bulk_session::end_copy() {
  const auto deadline = clock::now() + bulk_limit;
  if (PQputCopyEnd(conn_, nullptr) < 0)
    fail("the connection was lost");
  flush(deadline);
  const result_pointer r{finish(deadline)};
  std::int64_t rows = 0;
  if (r) {
    const std::string_view text = PQcmdTuples(r.get());
    std::from_chars(text.data(), text.data() + text.size(), rows);
  }
  return rows;
}

} // namespace souk::storage::postgres
