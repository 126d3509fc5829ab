#include "storage/redis/redis_client.hpp"

#include <hiredis/hiredis.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace souk::storage::redis {

namespace {

struct free_reply {
  void operator()(redisReply* r) const noexcept { freeReplyObject(r); }
};

timeval to_timeval(std::chrono::milliseconds ms) {
  timeval out{};
  out.tv_sec = static_cast<decltype(out.tv_sec)>(ms.count() / 1000);
  out.tv_usec = static_cast<decltype(out.tv_usec)>(ms.count() % 1000 * 1000);
  return out;
}

std::optional<int> number(std::string_view text) {
  int out = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), out);
  if (r.ec != std::errc{} || r.ptr != text.data() + text.size() || out < 0)
    return std::nullopt;
  return out;
}

reply to_reply(const redisReply& r) {
  reply out;
  switch (r.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      out.what = reply::kind::text;
      out.text.assign(r.str, r.len);
      break;
    case REDIS_REPLY_INTEGER:
      out.what = reply::kind::integer;
      out.integer = r.integer;
      break;
    case REDIS_REPLY_ERROR:
      out.what = reply::kind::error;
      out.text.assign(r.str, r.len);
      break;
    case REDIS_REPLY_ARRAY:
      out.what = reply::kind::list;
      for (std::size_t i = 0; i < r.elements; ++i)
        out.list.push_back(to_reply(*r.element[i]));
      break;
    default:
      break;
  }
  return out;
}

} // namespace

std::optional<address> parse_address(std::string_view url) {
  address out;
  if (url.starts_with("unix://")) {
    url.remove_prefix(7);
    if (const auto query = url.find('?'); query != std::string_view::npos) {
      const auto options = url.substr(query + 1);
      const auto db = options.starts_with("db=") ? number(options.substr(3)) : std::nullopt;
      if (!db)
        return std::nullopt;
      out.db = *db;
      url = url.substr(0, query);
    }
    out.is_socket = true;
    out.host = url;
    return out.host.empty() ? std::nullopt : std::optional{out};
  }
  if (!url.starts_with("redis://"))
    return std::nullopt;
  url.remove_prefix(8);
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    const auto credentials = url.substr(0, at);
    const auto colon = credentials.find(':');
    if (colon == std::string_view::npos)
      return std::nullopt;
    out.user = credentials.substr(0, colon);
    out.password = credentials.substr(colon + 1);
    url.remove_prefix(at + 1);
  }
  if (const auto slash = url.find('/'); slash != std::string_view::npos) {
    if (const auto db = url.substr(slash + 1); !db.empty()) {
      const auto n = number(db);
      if (!n)
        return std::nullopt;
      out.db = *n;
    }
    url = url.substr(0, slash);
  }
  if (const auto colon = url.rfind(':'); colon != std::string_view::npos && url.find(']', colon) == std::string_view::npos) {
    const auto port = number(url.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535)
      return std::nullopt;
    out.port = *port;
    url = url.substr(0, colon);
  }
  if (url.size() > 2 && url.front() == '[' && url.back() == ']')
    url = url.substr(1, url.size() - 2);
  out.host = url;
  return out.host.empty() ? std::nullopt : std::optional{out};
}

client::client(const std::string& url, client_limits limits) : address_(parse_address(url)), limits_(limits) {
  if (!address_ && !url.empty())
    spdlog::warn("redis: the URL is not understood; going on without Redis");
}

client::~client() {
  if (context_ != nullptr)
    redisFree(context_);
}

bool client::is_away() const noexcept {
  return !address_ || clock::now() < next_attempt_;
}

void client::fail(const std::string& why) {
  if (context_ != nullptr)
    redisFree(context_);
  context_ = nullptr;
  pause_ = pause_.count() == 0 ? limits_.first_pause : std::min(pause_ * 2, limits_.longest_pause);
  next_attempt_ = clock::now() + pause_;
  if (!reported_)
    spdlog::warn("redis is away: {}; everything works without it, slower", why);
  reported_ = true;
}

bool client::open() {
  if (context_ != nullptr)
    return true;
  if (is_away())
    return false;
  const auto timeout = to_timeval(limits_.connect);
  context_ = address_->is_socket ? redisConnectUnixWithTimeout(address_->host.c_str(), timeout)
                                 : redisConnectWithTimeout(address_->host.c_str(), address_->port, timeout);
  if (context_ == nullptr || context_->err != 0) {
    fail(context_ != nullptr ? context_->errstr : "out of memory");
    return false;
  }
  redisSetTimeout(context_, to_timeval(limits_.command));
  if (!address_->is_socket)
    redisEnableKeepAlive(context_);
  std::vector<command> greeting;
  if (!address_->password.empty())
    greeting.push_back(address_->user.empty() ? command{"AUTH", address_->password}
                                              : command{"AUTH", address_->user, address_->password});
  if (address_->db != 0)
    greeting.push_back({"SELECT", std::to_string(address_->db)});
  if (!greeting.empty()) {
    const auto answers = run(greeting);
    if (!answers)
      return false;
    for (const auto& a : *answers)
      if (a.what == reply::kind::error) {
        fail(a.text);
        return false;
      }
  }
  if (reported_)
    spdlog::info("redis is back");
  reported_ = false;
  pause_ = {};
  return true;
}

std::optional<std::vector<reply>> client::run(const std::vector<command>& commands) {
  if (!open())
    return std::nullopt;
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  for (const auto& c : commands) {
    words.clear();
    lengths.clear();
    for (const auto& w : c) {
      words.push_back(w.data());
      lengths.push_back(w.size());
    }
    if (redisAppendCommandArgv(context_, static_cast<int>(words.size()), words.data(), lengths.data()) != REDIS_OK) {
      fail(context_->errstr);
      return std::nullopt;
    }
  }
  std::vector<reply> out;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    void* raw = nullptr;
    if (redisGetReply(context_, &raw) != REDIS_OK) {
      fail(context_->errstr); // whatever is still under way on this connection dies with it
      return std::nullopt;
    }
    const std::unique_ptr<redisReply, free_reply> owned{static_cast<redisReply*>(raw)};
    out.push_back(to_reply(*owned));
  }
  return out;
}

std::optional<reply> client::run(const command& one) {
  auto answers = run(std::vector<command>{one});
  if (!answers)
    return std::nullopt;
  return std::move(answers->front());
}

} // namespace souk::storage::redis
