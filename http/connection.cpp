#include "http/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>

namespace souk::http {

namespace {

using clock = std::chrono::steady_clock;

/// Larger answers go out in pieces: copying them twice costs more than another send.
constexpr std::size_t gather_max = 64 * 1024;

/// @returns whether the socket became ready within the time
bool wait_for(socket_t sock, short events, std::chrono::milliseconds within) {
  pollfd what{sock, events, 0};
  while (true) {
    const int n = ::poll(&what, 1, static_cast<int>(within.count()));
    if (n >= 0)
      return n > 0;
    if (errno != EINTR)
      return false;
  }
}

} // namespace

connection::connection(socket_t sock, limits allowed) : sock_(sock), allowed_(allowed) {
  in_.reserve(4096);
}

bool connection::wait(std::chrono::milliseconds slice) {
  return taken_ < in_.size() || wait_for(sock_, POLLIN, slice);
}

ssize_t connection::fill(std::chrono::milliseconds within) {
  if (taken_ == in_.size()) {
    in_.clear();
    taken_ = 0;
  }
  char piece[16 * 1024]; // NOLINT: recv writes it
  while (true) {
    // A request is there most of the time: ask first, wait only when it is not.
    const auto n = ::recv(sock_, piece, sizeof piece, MSG_DONTWAIT);
    if (n > 0) {
      in_.append(piece, static_cast<std::size_t>(n));
      return n;
    }
    if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
      broken_ = true;
      return 0;
    }
    if (errno == EINTR)
      continue;
    if (!wait_for(sock_, POLLIN, within))
      return -1;
  }
}

connection::head connection::read_head() {
  const auto until = clock::now() + allowed_.head;
  in_.erase(0, taken_);
  taken_ = 0;
  std::size_t searched = 0;
  while (true) {
    // Empty lines before a request are to be skipped (RFC 9112, 2.2).
    if (searched == 0)
      in_.erase(0, std::min(in_.find_first_not_of("\r\n"), in_.size()));
    const auto end = in_.find("\r\n\r\n", searched < 3 ? 0 : searched - 3);
    if (end != std::string::npos) {
      head_end_ = end;
      return end > allowed_.head_max ? head::too_large : head::complete;
    }
    if (in_.size() > allowed_.head_max)
      return head::too_large;
    if (in_.find('\0', searched) != std::string::npos)
      return head::malformed;
    searched = in_.size();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now());
    if (left.count() <= 0)
      return head::timed_out;
    const auto n = fill(left);
    if (n == 0)
      return in_.empty() ? head::closed : head::malformed;
    if (n < 0)
      return head::timed_out;
  }
}

bool connection::head_names(std::string_view name) const {
  const std::string_view text{in_.data(), std::min(head_end_, in_.size())};
  for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    const auto line = text.substr(at + 1, name.size() + 1);
    if (line.size() > name.size() && line.back() == ':'
        && ::strncasecmp(line.data(), name.data(), name.size()) == 0)
      return true;
  }
  return false;
}

ssize_t connection::read(char* into, size_t size) {
  if (taken_ == in_.size()) {
    // What was written so far is for the client to act on: "100 Continue".
    if (!out_.empty() && !flush())
      return -1;
    const auto n = fill(allowed_.read);
    if (n <= 0) {
      close_after_ = true;
      return n;
    }
  }
  const auto n = std::min(size, in_.size() - taken_);
  std::memcpy(into, in_.data() + taken_, n);
  taken_ += n;
  return static_cast<ssize_t>(n);
}

ssize_t connection::write(const char* from, size_t size) {
  if (broken_)
    return -1;
  if (out_.size() + size <= gather_max)
    out_.append(from, size);
  else if (!flush() || !send_all({from, size}))
    return -1;
  return static_cast<ssize_t>(size);
}

bool connection::flush() {
  if (broken_)
    return false;
  const auto sent = send_all(out_);
  out_.clear();
  return sent;
}

bool connection::send_all(std::string_view bytes) {
  const auto until = clock::now() + allowed_.write;
  while (!bytes.empty()) {
    const auto n = ::send(sock_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (n < 0 && errno == EINTR)
      continue;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now());
    if ((errno != EAGAIN && errno != EWOULDBLOCK) || left.count() <= 0 || !wait_for(sock_, POLLOUT, left)) {
      broken_ = true;
      return false;
    }
  }
  return true;
}

void connection::linger() {
  if (broken_)
    return;
  ::shutdown(sock_, SHUT_WR);
  char piece[16 * 1024]; // NOLINT: recv writes it
  const auto until = clock::now() + std::chrono::milliseconds{500};
  while (clock::now() < until && wait_for(sock_, POLLIN, std::chrono::milliseconds{100}))
    if (::recv(sock_, piece, sizeof piece, MSG_DONTWAIT) <= 0)
      return;
}

// The addresses of haproxy and of ourselves: nobody asks, so no system call finds them out for every request.
void connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

void connection::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

} // namespace souk::http
