#pragma once

#include <chrono>
#include <string>
#include <vector>

struct pg_conn;

namespace souk::storage::postgres {

/// Connects to one of the servers that a URL names ("postgresql://pg-1,pg-2/souk?target_session_attrs=read-write"). libpq tries them
/// one after the other as well, but in a connect that does not block it has no time limit of its own for each: a first host that is
/// silent would use up the whole of ours, every time. Here each has its share, and the next call begins with the one that answered.
/// https://www.postgresql.org/docs/15/libpq-connect.html, PQconnectStartParams and connect_timeout
class dialer {
public:
  using clock = std::chrono::steady_clock;

  explicit dialer(const std::string& url);

  /// @returns a connection that the caller owns, or null with `error` saying why, server by server
  pg_conn* connect(const std::string& application_name, clock::time_point deadline, std::string& error);

private:
  struct server {
    std::string host, address, port; ///< empty: as libpq has it
  };
  pg_conn* connect_to(const server& s, const std::string& application_name, clock::time_point deadline, std::string& error) const;

  std::string url_;
  std::vector<server> servers_; ///< at least one
  std::size_t first_ = 0;       ///< that answered last
};

} // namespace souk::storage::postgres
