#include "runtime/tcp_dial.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace souk::runtime {

namespace {

using steady = std::chrono::steady_clock;

std::string text_of(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

/// 0, or why not as an errno.
int try_connect(tcp_socket& s, const addrinfo& at, steady::time_point until,
                const std::atomic<bool>& cancelled) {
  s = tcp_socket{::socket(at.ai_family, at.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at.ai_protocol)};
  if (s.fd() < 0)
    return errno;
  if (::connect(s.fd(), at.ai_addr, at.ai_addrlen) == 0)
    return 0;
  if (errno != EINPROGRESS)
    return errno;
  while (!cancelled) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now());
    if (left.count() <= 0)
      return ETIMEDOUT;
    pollfd waits{s.fd(), POLLOUT, 0};
    auto ready = ::poll(&waits, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 100)));
    if (ready < 0 && errno != EINTR)
      return errno;
    if (ready <= 0)
      continue;
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(s.fd(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
  }
  return ECANCELED;
}

} // namespace

std::optional<std::pair<std::string, std::uint16_t>> split_address(std::string_view address) {
  auto colon = address.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  auto host = address.substr(0, colon);
  auto digits = address.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.empty() || host.find_first_of(":[]") != std::string_view::npos)
    return std::nullopt;
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0)
    return std::nullopt;
  return std::pair{std::string{host}, port};
}

dialled dial_tcp(const std::string& address, std::chrono::milliseconds limit,
                 const std::atomic<bool>& cancelled) {
  const auto until = steady::now() + limit;
  dialled out;
  auto where = split_address(address);
  if (!where) {
    out.why = "\"" + address + "\" is not host:port";
    return out;
  }
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (auto no = getaddrinfo(where->first.c_str(), std::to_string(where->second).c_str(), &wanted, &found);
      no != 0) {
    out.why = "\"" + where->first + "\" has no address: " + gai_strerror(no);
    return out;
  }
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all{found, &freeaddrinfo};
  bool all_refuse = true;
  for (const auto* at = found; at != nullptr; at = at->ai_next) {
    tcp_socket socket;
    auto no = try_connect(socket, *at, until, cancelled);
    if (no == 0) {
      out.what = reach::yes;
      out.socket = std::move(socket);
      out.why.clear();
      return out;
    }
    all_refuse = all_refuse && no == ECONNREFUSED;
    out.why = address + ": " + text_of(no);
  }
  if (all_refuse)
    out.what = reach::refused;
  return out;
}

tcp_socket::~tcp_socket() {
  if (fd_ >= 0)
    ::close(fd_);
}

std::string socket_shelf::put(tcp_socket socket) {
  std::lock_guard lock{guard_};
  auto name = "socket " + std::to_string(++names_);
  sockets_.emplace(name, std::move(socket));
  return name;
}

tcp_socket socket_shelf::take(const std::string& name) {
  std::lock_guard lock{guard_};
  auto at = sockets_.find(name);
  if (at == sockets_.end())
    return {};
  auto out = std::move(at->second);
  sockets_.erase(at);
  return out;
}

} // namespace souk::runtime
