#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace souk::runtime {

/// "host:port", "192.0.2.1:7000", "[2001:db8::1]:7000" → host (without brackets) and port 1 to 65535.
std::optional<std::pair<std::string, std::uint16_t>> split_address(std::string_view address);

/// Owns a socket.
class tcp_socket {
public:
  tcp_socket() = default;
  explicit tcp_socket(int fd) : fd_(fd) {}
  ~tcp_socket();
  tcp_socket(tcp_socket&& other) noexcept : fd_(other.release()) {}
  tcp_socket& operator=(tcp_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int fd() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

private:
  int fd_ = -1;
};

enum class reach : std::uint8_t {
  yes = 1,
  refused = 2, ///< the machine answers that nobody listens there
  no = 3       ///< no answer within the time limit, no such name, no route
};

struct dialled {
  reach what = reach::no;
  tcp_socket socket; ///< connected and non-blocking, when the answer is yes
  std::string why;   ///< when it is not
};

/// Connects to host:port. Blocks for at most `limit` plus what the name server takes; a caller that sets
/// `cancelled` gets an answer within a tenth of a second.
dialled dial_tcp(const std::string& address, std::chrono::milliseconds limit,
                 const std::atomic<bool>& cancelled);

/// Where connected sockets wait for the one who was told their name. Thread-safe.
class socket_shelf {
public:
  /// @returns a name that no other socket has had.
  std::string put(tcp_socket socket);
  /// @returns no socket when there is none of that name (any more).
  tcp_socket take(const std::string& name);

private:
  std::mutex guard_;
  std::uint64_t names_ = 0;
  std::map<std::string, tcp_socket> sockets_;
};

} // namespace souk::runtime
