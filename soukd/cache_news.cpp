#include "soukd/cache_news.hpp"

#include "runtime/wire_format.hpp"

#include <vector>

namespace souk::server {

namespace {

constexpr std::chrono::milliseconds stock_every{10};
constexpr std::size_t stock_per_notice = 4096;

/// The bodies of the notices: they grow at their ends only.
struct product_news {
  storage::ulid store;
  storage::ulid product;
};
struct stock_news {
  std::vector<std::pair<storage::ulid, std::int64_t>> available;
};
struct session_news {
  storage::token_hash token{};
};
template <class I>
typename I::result_type inspect(I& f, product_news& x) {
  return f(x.store, x.product);
}
template <class I>
typename I::result_type inspect(I& f, stock_news& x) {
  return f(x.available);
}
template <class I>
typename I::result_type inspect(I& f, session_news& x) {
  return f(x.token);
}

} // namespace

cache_news::cache_news(std::shared_ptr<http::page_cache> pages,
                       std::function<void(const std::string&, const std::string&)> tell)
  : pages_(std::move(pages)), tell_(std::move(tell)), thread_([this] { run(); }) {
  // nop
}

cache_news::~cache_news() {
  {
    std::lock_guard lock{guard_};
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void cache_news::sessions_are(std::function<void(const storage::token_hash&)> forget) {
  std::lock_guard lock{guard_};
  forget_ = std::move(forget);
}

void cache_news::product_changed(const storage::ulid& store, const storage::ulid& product) {
  pages_->product_changed(store, product);
  tell_("product", runtime::to_bytes(product_news{store, product}));
}

void cache_news::stock_changed(const storage::ulid& variant, std::int64_t available) {
  pages_->stock_changed(variant, available);
  bool first = false;
  {
    std::lock_guard lock{guard_};
    first = stock_.empty();
    stock_[variant] = available;
  }
  if (first)
    wake_.notify_all();
}

void cache_news::session_forgotten(const storage::token_hash& token) {
  tell_("session", runtime::to_bytes(session_news{token}));
}

void cache_news::heard(const std::string& topic, const std::string& body) {
  if (topic == "product") {
    if (product_news n; runtime::from_bytes(body, n))
      pages_->product_changed(n.store, n.product);
  } else if (topic == "stock") {
    if (stock_news n; runtime::from_bytes(body, n))
      for (const auto& [variant, available] : n.available)
        pages_->stock_changed(variant, available);
  } else if (topic == "session") {
    session_news n;
    std::lock_guard lock{guard_};
    if (forget_ && runtime::from_bytes(body, n))
      forget_(n.token);
  }
}

// A hot variant changes thousands of times a second, and the last figure is the only one that anybody needs.
void cache_news::run() {
  std::unique_lock lock{guard_};
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !stock_.empty(); });
    if (stopping_)
      return;
    wake_.wait_for(lock, stock_every, [this] { return stopping_; });
    auto all = std::exchange(stock_, {});
    lock.unlock();
    stock_news news;
    for (const auto& one : all) {
      news.available.emplace_back(one);
      if (news.available.size() == stock_per_notice) {
        tell_("stock", runtime::to_bytes(news));
        news.available.clear();
      }
    }
    if (!news.available.empty())
      tell_("stock", runtime::to_bytes(news));
    lock.lock();
  }
}

} // namespace souk::server
