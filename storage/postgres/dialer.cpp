#include "storage/postgres/dialer.hpp"

#include "storage/postgres/libpq.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

namespace souk::storage::postgres {

namespace {

std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> out;
  for (std::size_t at = 0;;) {
    const auto comma = list.find(',', at);
    out.emplace_back(list.substr(at, comma - at));
    if (comma == std::string_view::npos)
      return out;
    at = comma + 1;
  }
}

bool wait(pg_conn* conn, bool for_writing, dialer::clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - dialer::clock::now()).count();
    if (left <= 0)
      return false;
    pollfd p{PQsocket(conn), static_cast<short>(for_writing ? POLLOUT : POLLIN), 0};
    const int n = ::poll(&p, 1, static_cast<int>(std::min<long>(left, 60'000)));
    if (n > 0)
      return true;
    if (n < 0 && errno != EINTR)
      return false;
  }
}

} // namespace

dialer::dialer(const std::string& url) : url_(url) {
  std::string hosts, addresses, ports;
  if (auto* options = PQconninfoParse(url.c_str(), nullptr)) { // what is wrong with it libpq says when it connects
    for (const auto* o = options; o->keyword != nullptr; ++o) {
      const std::string_view key = o->keyword;
      const std::string value = o->val != nullptr ? o->val : "";
      if (key == "host")
        hosts = value;
      else if (key == "hostaddr")
        addresses = value;
      else if (key == "port")
        ports = value;
    }
    PQconninfoFree(options);
  }
  const auto host = parts_of(hosts), address = parts_of(addresses), port = parts_of(ports);
  auto at = [](const std::vector<std::string>& list, std::size_t i) { return i < list.size() ? list[i] : list.front(); };
  const auto count = std::max(host.size(), address.size());
  const bool lists_agree = (hosts.empty() || host.size() == count) && (addresses.empty() || address.size() == count)
                           && (port.size() == 1 || port.size() == count);
  if (count == 1 || !lists_agree) { // libpq says that they do not
    servers_.emplace_back();
    return;
  }
  for (std::size_t i = 0; i < count; ++i)
    servers_.push_back({at(host, i), at(address, i), at(port, i)});
}

pg_conn* dialer::connect(const std::string& application_name, clock::time_point deadline, std::string& error) {
  error.clear();
  for (std::size_t tried = 0; tried < servers_.size(); ++tried) {
    const auto which = (first_ + tried) % servers_.size();
    const auto now = clock::now();
    const auto share = (deadline - now) / static_cast<long>(servers_.size() - tried);
    std::string why;
    if (auto* conn = connect_to(servers_[which], application_name, now + share, why)) {
      first_ = which;
      return conn;
    }
    error += (error.empty() ? "" : "; ") + why;
  }
  first_ = (first_ + 1) % servers_.size();
  return nullptr;
}

pg_conn* dialer::connect_to(const server& s, const std::string& application_name, clock::time_point deadline,
                            std::string& error) const {
  std::vector<const char*> keys, values;
  auto add = [&](const char* key, const std::string& value) {
    keys.push_back(key);
    values.push_back(value.c_str());
  };
  // Keep-alives: a peer that vanished without a word is noticed within seconds, not hours.
  const std::string on = "1", idle = "5", interval = "2", count = "3", user_timeout = "10000", encoding = "UTF8";
  add("dbname", url_); // expanded; what follows wins over it
  if (servers_.size() > 1) {
    add("host", s.host);
    add("hostaddr", s.address);
    add("port", s.port);
  }
  add("application_name", application_name);
  add("keepalives", on);
  add("keepalives_idle", idle);
  add("keepalives_interval", interval);
  add("keepalives_count", count);
  add("tcp_user_timeout", user_timeout);
  add("client_encoding", encoding);
  keys.push_back(nullptr);
  values.push_back(nullptr);
  std::unique_ptr<pg_conn, decltype(&PQfinish)> conn{PQconnectStartParams(keys.data(), values.data(), 1), &PQfinish};
  if (!conn || PQstatus(conn.get()) == CONNECTION_BAD) {
    error = conn ? trimmed(PQerrorMessage(conn.get())) : "out of memory";
    return nullptr;
  }
  for (auto want = PGRES_POLLING_WRITING; want != PGRES_POLLING_OK;) {
    if (!wait(conn.get(), want == PGRES_POLLING_WRITING, deadline)) {
      const auto& name = s.host.empty() ? s.address : s.host;
      error = (name.empty() ? "" : name + ": ") + "no answer to the connection request in time";
      return nullptr;
    }
    want = PQconnectPoll(conn.get());
    if (want == PGRES_POLLING_FAILED) {
      error = trimmed(PQerrorMessage(conn.get()));
      return nullptr;
    }
  }
  if (PQsetnonblocking(conn.get(), 1) != 0) {
    error = trimmed(PQerrorMessage(conn.get()));
    return nullptr;
  }
  return conn.release();
}

} // namespace souk::storage::postgres
