#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct redisContext;

namespace souk::storage::redis {

/// `redis://[:password@]host[:port][/db]` or `unix:///path[?db=n]`. nullopt: not such a URL.
struct address {
  std::string host; ///< or the socket's path
  int port = 6379;
  bool is_socket = false;
  std::string user;
  std::string password;
  int db = 0;
};
std::optional<address> parse_address(std::string_view url);

struct client_limits {
  std::chrono::milliseconds connect{200};
  std::chrono::milliseconds command{100};
  /// After a failure nobody tries again for this long, doubled with every further failure up to the longest.
  std::chrono::milliseconds first_pause{100};
  std::chrono::milliseconds longest_pause{5'000};
};

/// The arguments of one command, binary safe.
using command = std::vector<std::string>;

struct reply {
  enum class kind : std::uint8_t { nil, text, integer, list, error };
  kind what = kind::nil;
  std::string text;       ///< of text and error
  std::int64_t integer = 0;
  std::vector<reply> list;
};

/// One connection to Redis for one thread. Redis is a cache and a stream, never the truth: no call throws, and while Redis is away
/// calls return at once with nothing.
class client {
public:
  explicit client(const std::string& url, client_limits limits = {});
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  /// Sends all commands in one go and reads their answers. nullopt when Redis is away or any answer is missing: some of the
  /// commands may have been done.
  std::optional<std::vector<reply>> run(const std::vector<command>& commands);
  std::optional<reply> run(const command& one);

  /// True while a pause after a failure lasts.
  bool is_away() const noexcept;

private:
  using clock = std::chrono::steady_clock;

  bool open();
  void fail(const std::string& why);

  std::optional<address> address_;
  client_limits limits_;
  redisContext* context_ = nullptr;
  std::chrono::milliseconds pause_{};
  clock::time_point next_attempt_{};
  bool reported_ = false; ///< one line in the log per outage
};

} // namespace souk::storage::redis
