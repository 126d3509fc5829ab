#include "http/page_cache.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace souk::http {

namespace {

/// Longer than any read of the database takes: a cell that changed this lately may still be needed to correct
/// what it reads.
constexpr std::chrono::seconds slow_reader{10};

std::size_t counter_of(const storage::ulid& id, std::size_t count) {
  return std::hash<storage::ulid>{}(id) % count;
}

} // namespace

page_cache::page_cache(std::size_t bytes_max, std::chrono::milliseconds ttl)
  : ttl_(ttl), pages_(bytes_max), generations_(counter_count) {
  // nop
}

page_cache::ticket page_cache::before_read(const scope& what) const {
  const auto counter = counter_of(what.product.is_nil() ? what.store : what.product, counter_count);
  return {counter, generations_[counter].load(), stock_clock_.load()};
}

bool page_cache::still_good(const ticket& t) const {
  return generations_[t.counter].load() == t.generation;
}

page_cache::found page_cache::find(std::string_view key) {
  const auto hit = pages_.find(key);
  if (!hit || !still_good((*hit)->taken))
    return {};
  auto& e = **hit;
  std::uint64_t figures = 0;
  for (const auto& cell : e.cells)
    figures += cell->changes.load(
      std::memory_order_acquire); // each only grows, so an equal sum means none has changed
  auto bytes = e.rendered.load();
  if (bytes->figures != figures) {
    bytes = render(e);
    e.rendered.store(bytes);
  }
  const auto now = std::chrono::steady_clock::now();
  auto until = e.fresh_until.load();
  // One reader at a time; should it fail, the next is chosen a second later, and the old bytes do until then.
  const bool refresh =
    now > until && e.fresh_until.compare_exchange_strong(until, now + std::chrono::seconds{1});
  return {std::move(bytes), refresh};
}

std::shared_ptr<const page> page_cache::render(const entry& e) {
  auto out = std::make_shared<page>();
  // The counts are read before the figures: a change in between is then seen as one still to be rendered.
  std::vector<std::int64_t> available;
  available.reserve(e.cells.size());
  for (const auto& cell : e.cells) {
    out->figures += cell->changes.load(std::memory_order_acquire);
    available.push_back(cell->available.load(std::memory_order_acquire));
  }
  const auto& text = e.text.text;
  out->body.reserve(text.size() + e.text.slots.size() * 6);
  std::size_t kept = 0;
  for (const auto& slot : e.text.slots) {
    out->body.append(text, kept, slot.at - kept);
    kept = slot.at;
    std::int64_t sum = 0;
    for (auto i = slot.first; i < slot.first + slot.count; ++i)
      sum += std::max<std::int64_t>(0, available[i]);
    if (slot.what == page_text::figure::in_stock)
      out->body += sum > 0 || slot.backorder ? "true" : "false";
    else {
      std::array<char, 24> digits; // NOLINT: to_chars writes it
      const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), sum);
      out->body.append(digits.data(), end);
    }
  }
  out->body.append(text, kept);
  out->etag = fmt::format("\"{:016x}\"", std::hash<std::string_view>{}(out->body));
  out->link = e.text.link;
  return out;
}

page_cache::stock_part& page_cache::part_of(const storage::ulid& variant) {
  return stock_[std::hash<storage::ulid>{}(variant) % stock_part_count];
}

void page_cache::evict(stock_part& part) {
  if (part.cells.size() <= cells_per_part)
    return;
  const auto limit = std::chrono::steady_clock::now() - slow_reader;
  for (int tries = 0; tries < 8 && part.cells.size() > cells_per_part; ++tries) {
    const auto id = part.oldest.front();
    part.oldest.pop_front();
    const auto at = part.cells.find(id);
    if (at->second.use_count() == 1 && at->second->changed_at < limit)
      part.cells.erase(at);
    else
      part.oldest.push_back(id); // a page shows it, or a slow reader may still bring its old figure
  }
}

std::shared_ptr<const page> page_cache::put(std::string_view key, const ticket& taken, page_text text,
                                            const std::vector<std::int64_t>& figures) {
  auto e = std::make_shared<entry>();
  e->cells.reserve(text.variants.size());
  for (std::size_t i = 0; i < text.variants.size(); ++i) {
    auto& part = part_of(text.variants[i]);
    const std::lock_guard lock{part.guard};
    auto& cell = part.cells[text.variants[i]];
    if (!cell) {
      cell = std::make_shared<stock_cell>();
      part.oldest.push_back(text.variants[i]);
    }
    if (cell->stamp <= taken.stock) {
      if (cell->available.load() != figures[i]) {
        cell->available.store(figures[i], std::memory_order_release);
        cell->changes.fetch_add(1, std::memory_order_release);
      }
      cell->stamp = taken.stock;
    }
    e->cells.push_back(cell);
    evict(part);
  }
  e->text = std::move(text);
  e->taken = taken;
  e->fresh_until = std::chrono::steady_clock::now() + ttl_;
  auto bytes = render(*e);
  e->rendered.store(bytes);
  // If something changed between this check and put(), find() sees it: the entry carries the ticket.
  if (still_good(taken))
    pages_.put(std::string{key}, std::move(e), bytes->body.size() * 2 + key.size() + 512);
  return bytes;
}

void page_cache::product_changed(const storage::ulid& store, const storage::ulid& product) {
  generations_[counter_of(store, counter_count)].fetch_add(1);
  if (!product.is_nil())
    generations_[counter_of(product, counter_count)].fetch_add(1);
}

void page_cache::stock_changed(const storage::ulid& variant, std::int64_t available) {
  auto& part = part_of(variant);
  const std::lock_guard lock{part.guard};
  auto& cell = part.cells[variant];
  if (!cell) {
    cell = std::make_shared<stock_cell>();
    part.oldest.push_back(variant);
  }
  cell->available.store(available, std::memory_order_release);
  cell->changes.fetch_add(1, std::memory_order_release);
  cell->stamp = stock_clock_.fetch_add(1) + 1;
  cell->changed_at = std::chrono::steady_clock::now();
  evict(part);
}

} // namespace souk::http
