#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace souk::runtime {

/// "host:port", "192.0.2.1:7000", "[2001:db8::1]:7000" → host (without brackets) and port 1 to 65535.
std::optional<std::pair<std::string, std::uint16_t>> split_address(std::string_view address);

enum class reach : std::uint8_t {
  yes = 1,
  refused = 2, ///< the machine answers that nobody listens there
  no = 3       ///< no answer within the time limit, no such name, no route
};

struct probe_result {
  reach what = reach::no;
  std::string host; ///< the numeric address that answered; no name server is needed to dial it
  std::uint16_t port = 0;
  std::string why; ///< when the answer is not yes
};

/// Whether somebody accepts TCP connections at host:port. Blocks for at most `limit` plus what the name
/// server takes; a caller that sets `cancelled` gets an answer within a tenth of a second.
probe_result probe_tcp(const std::string& address, std::chrono::milliseconds limit,
                       const std::atomic<bool>& cancelled);

} // namespace souk::runtime
