#pragma once

#include "http/auth/session_cache.hpp"
#include "http/page_cache.hpp"
#include "storage/ulid.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

namespace souk::server {

/// What caches of other nodes should know: a product that changed, what is available of a variant, a session that ended. Told to all
/// nodes at once, or, stock being busy, within milliseconds and once per variant. Lost news costs nothing but freshness: pages are
/// read again after seconds anyway.
class cache_news {
public:
  /// @param tell sends to all other nodes; called on any thread
  cache_news(std::shared_ptr<http::page_cache> pages, std::function<void(const std::string& topic, const std::string& body)> tell);
  ~cache_news();

  /// Sessions are known once there is an edge.
  void sessions_are(std::function<void(const storage::token_hash&)> forget);

  // -- what happened here ---
  void product_changed(const storage::ulid& store, const storage::ulid& product);
  void stock_changed(const storage::ulid& variant, std::int64_t available);
  void session_forgotten(const storage::token_hash& token);
  /// What happened on another node. Unknown topics are a later release's and are ignored.
  void heard(const std::string& topic, const std::string& body);

private:
  void run();

  std::shared_ptr<http::page_cache> pages_;
  std::function<void(const std::string&, const std::string&)> tell_;
  std::function<void(const storage::token_hash&)> forget_;
  std::mutex guard_;
  std::condition_variable wake_;
  std::unordered_map<storage::ulid, std::int64_t> stock_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace souk::server
