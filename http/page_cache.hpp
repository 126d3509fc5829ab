#pragma once

#include "http/lru_cache.hpp"
#include "storage/ulid.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace souk::http {

/// A page without its stock figures: text with slots where they go, so that a sale does not make the text
/// old.
struct page_text {
  enum class figure : std::uint8_t {
    available, ///< a number: the sum over the slot's variants, none counted below 0
    in_stock   ///< true or false: any of them is available, or may be back-ordered
  };
  struct slot {
    std::size_t at = 0; ///< offset in the text
    figure what = figure::available;
    std::uint32_t first = 0; ///< variants [first, first + count)
    std::uint32_t count = 0;
    bool backorder = false; ///< one of them may be
  };
  std::string text;
  std::vector<slot> slots; ///< by offset
  std::vector<storage::ulid> variants;
  std::string link; ///< the Link header, or empty
};

/// A page ready to send.
struct page {
  std::string body;
  std::string etag; ///< with its quotes
  std::string link;
  std::uint64_t figures = 0; ///< the state of the stock figures in it
};

/// Pages of the catalog as bytes. A page is old as soon as something in it has changed (product_changed), its
/// figures follow the stock by themselves (stock_changed), and after `ttl` it is read again, for changes that
/// other nodes made. Whoever reads a page from the database takes a ticket first: what changed after that is
/// newer than what was read, and is never overwritten by it. Safe from any thread.
class page_cache {
public:
  /// @param bytes_max of all pages together @param ttl how old a page may get without being read again
  page_cache(std::size_t bytes_max, std::chrono::milliseconds ttl);

  struct found {
    std::shared_ptr<const page> bytes; ///< nullptr: not here, or old
    bool refresh = false; ///< past its ttl: may be sent, and the caller (one of all) should read it again
  };
  found find(std::string_view key);

  /// Which part of the catalog a page shows: the lists of a store, or one product.
  struct scope {
    storage::ulid store;
    storage::ulid product; ///< nil: a list
  };
  struct ticket {
    std::size_t counter = 0;
    std::uint64_t generation = 0;
    std::uint64_t stock = 0;
    bool operator==(const ticket&) const = default;
  };
  /// Taken before the database is asked.
  ticket before_read(const scope& what) const;
  /// Whether nothing of the scope has changed since.
  bool still_good(const ticket& t) const;

  /// Keeps what was read, unless something of it has changed since; also renders it for the reader's own
  /// answer.
  /// @param figures what the database says is available, one per variant of the text
  std::shared_ptr<const page> put(std::string_view key, const ticket& taken, page_text text,
                                  const std::vector<std::int64_t>& figures);

  /// Hooks of the actors, called after a commit.
  void product_changed(const storage::ulid& store, const storage::ulid& product);
  void stock_changed(const storage::ulid& variant, std::int64_t available);

  std::size_t size() const { return pages_.size(); }

private:
  /// What is available of a variant, shared by all pages that show it.
  struct stock_cell {
    std::atomic<std::int64_t> available{0};
    std::atomic<std::uint64_t> changes{0};
    std::uint64_t stamp = 0;                            ///< of the stock clock; under the part's lock
    std::chrono::steady_clock::time_point changed_at{}; ///< under the part's lock
  };
  struct stock_part {
    std::mutex guard;
    std::unordered_map<storage::ulid, std::shared_ptr<stock_cell>> cells;
    std::deque<storage::ulid> oldest; ///< for eviction
  };
  struct entry {
    page_text text;
    std::vector<std::shared_ptr<stock_cell>> cells;
    ticket taken;
    std::atomic<std::chrono::steady_clock::time_point> fresh_until{};
    std::atomic<std::shared_ptr<const page>> rendered;
  };
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  static constexpr std::size_t counter_count = 1 << 16;
  static constexpr std::size_t stock_part_count = 64;
  static constexpr std::size_t cells_per_part = 4096;

  static std::shared_ptr<const page> render(const entry& e);
  stock_part& part_of(const storage::ulid& variant);
  static void evict(stock_part& part);

  std::chrono::milliseconds ttl_;
  lru_cache<std::string, std::shared_ptr<entry>, text_hash> pages_;
  /// Generations of stores and products, by hash: two that share a counter only make each other's pages old
  /// too early.
  std::vector<std::atomic<std::uint64_t>> generations_;
  std::atomic<std::uint64_t> stock_clock_{1};
  std::array<stock_part, stock_part_count> stock_;
};

} // namespace souk::http
