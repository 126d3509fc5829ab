#include "storage/postgres/connection.hpp"

#include "storage/postgres/libpq.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace souk::storage::postgres {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds reconnect_pause{50};
constexpr milliseconds blocker_interval{200};

const statement end_blockers_statement{
  "end_blockers",
  // A settlement or take-over that waits in front of us is no blocker to end: it will be done in a moment.
  "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids($1::int4))"
  " AND NOT (a.wait_event_type IS NOT DISTINCT FROM 'Lock'"
  " AND (a.application_name LIKE 'souk-settle%' OR a.application_name LIKE 'souk-ownership%'))"};

std::string field(const pg_result* r, int code) {
  return trimmed(PQresultErrorField(r, code));
}

} // namespace

// -- result ------------------------------------------------------------------------------------------------------------------

result::result(pg_result* owned) : rows_(owned, clear_result{}) {
  // nop
}

int result::rows() const noexcept {
  return rows_ ? PQntuples(rows_.get()) : 0;
}

bool result::is_null(int row, int column) const noexcept {
  return PQgetisnull(rows_.get(), row, column) != 0;
}

std::string_view result::raw(int row, int column) const noexcept {
  return {PQgetvalue(rows_.get(), row, column), static_cast<std::size_t>(PQgetlength(rows_.get(), row, column))};
}

ulid result::id(int row, int column) const {
  ulid out;
  auto bytes = raw(row, column);
  if (bytes.size() == out.bytes.size())
    std::memcpy(out.bytes.data(), bytes.data(), out.bytes.size());
  return out;
}

timestamp result::time(int row, int column) const {
  return timestamp{std::chrono::microseconds{int8(row, column) + postgres_epoch_us}};
}

std::string_view result::json(int row, int column) const {
  return raw(row, column);
}

bool answer::try_later() const noexcept {
  if (what == kind::not_sent || what == kind::lost)
    return true;
  // 08 connection, 40 deadlock or serialization, 53 resources, 57 operator intervention, 58 I/O; 55P03 lock not available,
  // 25006 read-only: a standby that is about to become the primary
  const auto group = std::string_view{sqlstate}.substr(0, 2);
  return group == "08" || group == "40" || group == "53" || group == "57" || group == "58" || sqlstate == "55P03"
         || sqlstate == "25006";
}

// -- opening ------------------------------------------------------------------------------------------------------------------

connection::connection(connection_options options) : options_(std::move(options)), dialer_(options_.url) {
  // nop
}

connection::~connection() {
  close();
}

void connection::close() noexcept {
  if (conn_ != nullptr)
    PQfinish(conn_);
  conn_ = nullptr;
  prepared_.clear();
}

bool connection::open(std::string& error) {
  const auto now = clock::now();
  if (now < next_attempt_) {
    error = "the database was unreachable a moment ago";
    return false;
  }
  const auto deadline = now + options_.connect_timeout;
  conn_ = dialer_.connect(options_.application_name, deadline, error);
  if (conn_ == nullptr || !run_session_sql(deadline, error)) {
    if (error.empty())
      error = trimmed(PQerrorMessage(conn_));
    close();
    next_attempt_ = clock::now() + reconnect_pause;
    return false;
  }
  PQsetNoticeProcessor(conn_, [](void*, const char* message) { spdlog::debug("postgresql: {}", trimmed(message)); }, nullptr);
  return true;
}

bool connection::run_session_sql(clock::time_point deadline, std::string& error) {
  std::string sql = options_.session_sql;
  if (!options_.role.empty())
    sql += "; SET ROLE " + options_.role;
  if (sql.empty())
    return true;
  pg_result* r = nullptr;
  if (PQsendQuery(conn_, sql.c_str()) == 0 || !flush(deadline))
    return false;
  for (;;) {
    if (!next(deadline, r))
      return false;
    if (r == nullptr)
      return true;
    result_pointer owned{r};
    if (PQresultStatus(r) == PGRES_FATAL_ERROR) {
      error = trimmed(PQresultErrorMessage(r));
      return false;
    }
  }
}

// -- waiting -------------------------------------------------------------------------------------------------------------------

bool connection::wait(bool for_writing, clock::time_point deadline) {
  for (;;) {
    const auto now = clock::now();
    if (now >= deadline)
      return false;
    if (now >= end_blockers_at_) {
      end_blockers();
      end_blockers_at_ = clock::now() + blocker_interval;
    }
    const auto until = std::min(deadline, end_blockers_at_);
    const auto left = std::chrono::ceil<milliseconds>(until - now).count();
    pollfd p{PQsocket(conn_), static_cast<short>(for_writing ? POLLIN | POLLOUT : POLLIN), 0};
    const int n = ::poll(&p, 1, static_cast<int>(std::clamp<long>(left, 1, 60'000)));
    if (n > 0)
      return true;
    if (n < 0 && errno != EINTR)
      return false;
  }
}

bool connection::next(clock::time_point deadline, pg_result*& out) {
  while (PQisBusy(conn_) != 0) {
    if (!wait(false, deadline) || PQconsumeInput(conn_) == 0)
      return false;
  }
  out = PQgetResult(conn_);
  return true;
}

bool connection::flush(clock::time_point deadline, bool* may_be_out) {
  for (;;) {
    const int left = PQflush(conn_);
    if (left == 0)
      return true;
    if (left < 0 || !wait(true, deadline))
      return false;
    // Read while writing: the server may answer before it has read everything, and both sides would stop with full buffers.
    if (PQconsumeInput(conn_) == 0) {
      if (may_be_out != nullptr)
        *may_be_out = true;
      return false;
    }
  }
}

bool connection::gone_while_idle() {
  // A server that ends a session says so first: the end of the stream is behind that message.
  for (int i = 0; i < 3; ++i) {
    pollfd p{PQsocket(conn_), POLLIN, 0};
    if (::poll(&p, 1, 0) <= 0)
      return false;
    if (PQconsumeInput(conn_) == 0 || PQstatus(conn_) != CONNECTION_OK)
      return true;
  }
  return false;
}

// -- round trips -----------------------------------------------------------------------------------------------------------------

void connection::note_error(const pg_result* r, answer& out) const {
  out.sqlstate = field(r, PG_DIAG_SQLSTATE);
  out.message = field(r, PG_DIAG_MESSAGE_PRIMARY);
  if (out.message.empty())
    out.message = trimmed(PQresultErrorMessage(r));
  out.detail = field(r, PG_DIAG_MESSAGE_DETAIL);
  out.constraint = field(r, PG_DIAG_CONSTRAINT_NAME);
}

bool connection::prepare_missing(const std::vector<call>& calls, clock::time_point deadline, answer& out) {
  for (const auto& c : calls) {
    if (prepared_.contains(c.what))
      continue;
    pg_result* r = nullptr;
    if (PQsendPrepare(conn_, c.what->name, c.what->sql, 0, nullptr) == 0 || !flush(deadline) || !next(deadline, r)) {
      out.message = trimmed(PQerrorMessage(conn_));
      close();
      return false;
    }
    result_pointer owned{r};
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
      note_error(r, out);
      out.what = out.sqlstate.empty() ? answer::kind::not_sent : answer::kind::refused;
      if (!drain(deadline))
        close();
      return false;
    }
    if (!drain(deadline)) {
      close();
      return false;
    }
    prepared_.insert(c.what);
  }
  return true;
}

bool connection::drain(clock::time_point deadline) {
  pg_result* r = nullptr;
  do {
    if (!next(deadline, r))
      return false;
    PQclear(r);
  } while (r != nullptr);
  return PQstatus(conn_) == CONNECTION_OK;
}

answer connection::transact(const std::vector<call>& calls, milliseconds limit) {
  answer out;
  if (conn_ != nullptr && gone_while_idle())
    close();
  if (conn_ == nullptr && !open(out.message))
    return out;
  const auto deadline = clock::now() + limit;
  if (!prepare_missing(calls, deadline, out))
    return out;
  bool queued = PQenterPipelineMode(conn_) == 1;
  std::vector<const char*> values;
  std::vector<int> lengths, formats;
  for (const auto& c : calls) {
    const auto& arguments = c.arguments.values();
    values.clear();
    lengths.clear();
    for (const auto& a : arguments) {
      values.push_back(a ? a->data() : nullptr);
      lengths.push_back(a ? static_cast<int>(a->size()) : 0);
    }
    formats.assign(arguments.size(), 1);
    queued = queued
             && PQsendQueryPrepared(conn_, c.what->name, static_cast<int>(arguments.size()), values.data(), lengths.data(),
                                    formats.data(), 1)
                  == 1;
  }
  queued = queued && PQpipelineSync(conn_) == 1;
  bool may_be_out = false;
  if (!queued || !flush(deadline, &may_be_out)) {
    // The Sync is the last message: unless it was handed over, the server cannot commit.
    out.what = may_be_out ? answer::kind::lost : answer::kind::not_sent;
    out.message = trimmed(PQerrorMessage(conn_));
    if (out.message.empty())
      out.message = "could not send in time";
    close();
    return out;
  }
  collect(calls, deadline, out);
  if (conn_ != nullptr && PQexitPipelineMode(conn_) != 1)
    close();
  return out;
}

void connection::collect(const std::vector<call>& calls, clock::time_point deadline, answer& out) {
  out.what = answer::kind::lost;
  bool refused = false;
  bool synced = false;
  while (!synced) {
    pg_result* r = nullptr;
    if (!next(deadline, r))
      break;
    if (r == nullptr) {
      if (PQstatus(conn_) != CONNECTION_OK)
        break;
      continue; // the end of one call's results
    }
    result_pointer owned{r};
    switch (PQresultStatus(r)) {
      case PGRES_PIPELINE_SYNC:
        synced = true;
        break;
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK:
        out.results.emplace_back(owned.release());
        break;
      case PGRES_PIPELINE_ABORTED:
        break;
      default:
        // An error with an SQLSTATE comes from the server. While a call is unanswered, the Sync behind it was not reached, so
        // nothing is committed. Without one, libpq tells of a broken connection.
        if (!refused && !field(r, PG_DIAG_SQLSTATE).empty() && (out.results.size() < calls.size() || field(r, PG_DIAG_SEVERITY_NONLOCALIZED) == "ERROR")) {
          note_error(r, out);
          refused = true;
        } else if (!refused) {
          out.message = trimmed(PQresultErrorMessage(r));
        }
    }
    if (PQstatus(conn_) != CONNECTION_OK)
      break;
  }
  if (refused)
    out.what = answer::kind::refused;
  else if (synced)
    out.what = answer::kind::done;
  if (!synced) {
    if (out.message.empty())
      out.message = trimmed(PQerrorMessage(conn_));
    if (out.message.empty())
      out.message = "no answer in time";
    close();
  } else if (out.sqlstate == "26000" || out.sqlstate == "0A000" || out.sqlstate == "25006") {
    close(); // a prepared statement is gone, its plan no longer fits, or this server does not write: start afresh
  }
}

std::vector<result> connection::read(const std::vector<call>& calls) {
  auto a = transact(calls);
  if (a.what == answer::kind::done)
    return std::move(a.results);
  if (a.what == answer::kind::refused && a.sqlstate == "57014") // query_canceled
    throw out_of_time(a.message);
  if (a.try_later())
    throw unavailable(a.message);
  throw storage_error(a.message + (a.detail.empty() ? "" : " (" + a.detail + ")") + " [" + a.sqlstate + "]");
}

result connection::read(const statement& what, parameters arguments) {
  std::vector<call> calls;
  calls.push_back({&what, std::move(arguments)});
  return std::move(read(calls).front());
}

void connection::execute(const std::string& sql, milliseconds limit) {
  std::string error;
  if (conn_ == nullptr && !open(error))
    throw unavailable(error);
  const auto deadline = clock::now() + limit;
  if (PQsendQuery(conn_, sql.c_str()) == 0 || !flush(deadline)) {
    error = trimmed(PQerrorMessage(conn_));
    close();
    throw unavailable(error);
  }
  answer failure;
  for (;;) {
    pg_result* r = nullptr;
    if (!next(deadline, r)) {
      error = trimmed(PQerrorMessage(conn_));
      close();
      throw unavailable(error.empty() ? "no answer in time" : error);
    }
    if (r == nullptr)
      break;
    result_pointer owned{r};
    if (PQresultStatus(r) == PGRES_FATAL_ERROR && failure.message.empty()) {
      note_error(r, failure);
      failure.what = failure.sqlstate.empty() ? answer::kind::lost : answer::kind::refused;
    }
  }
  if (PQstatus(conn_) != CONNECTION_OK)
    close();
  if (failure.message.empty())
    return;
  if (failure.try_later())
    throw unavailable(failure.message);
  throw storage_error(failure.message + (failure.detail.empty() ? "" : " (" + failure.detail + ")"));
}

// -- blockers --------------------------------------------------------------------------------------------------------------------

answer connection::transact_ending_blockers(const std::vector<call>& calls, milliseconds limit, milliseconds patience) {
  end_blockers_at_ = clock::now() + patience;
  auto out = transact(calls, limit);
  end_blockers_at_ = clock::time_point::max();
  return out;
}

void connection::end_blockers() {
  if (conn_ == nullptr || PQstatus(conn_) != CONNECTION_OK)
    return;
  if (!side_) {
    auto options = options_;
    options.application_name += "-side";
    options.role.clear(); // ending a session needs the log-in role that started it
    options.session_sql.clear();
    options.connect_timeout = milliseconds{1000};
    options.time_limit = milliseconds{1000};
    side_ = std::make_unique<connection>(std::move(options));
  }
  std::vector<call> calls;
  calls.push_back({&end_blockers_statement, parameters::of(static_cast<std::int32_t>(PQbackendPID(conn_)))});
  auto a = side_->transact(calls);
  if (a.what == answer::kind::done && a.results.front().rows() > 0)
    spdlog::warn("ended {} session(s) that kept rows locked", a.results.front().rows());
  else if (a.what != answer::kind::done)
    spdlog::warn("could not end the sessions that keep rows locked: {}", a.message);
}

} // namespace souk::storage::postgres
