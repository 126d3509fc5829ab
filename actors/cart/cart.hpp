#pragma once

#include "actors/cart/messages.hpp"
#include "actors/inventory/messages.hpp"
#include "actors/outcome.hpp"

#include <optional>
#include <vector>

namespace souk::actors {

/// Why a cart does not take what it was given; `lines` says what is there when it is not enough.
struct cart_rejection {
  rejection why;
  std::vector<shortage> lines;
};

/// The lines of a cart and what may happen to them. The rules, pure: one line per variant, in the order in
/// which they came.
class cart {
public:
  static constexpr std::size_t lines_max = 100;
  static constexpr std::int64_t quantity_max = 10'000; ///< of one line

  cart() = default;
  explicit cart(std::vector<storage::cart_line> lines) : lines_(std::move(lines)) {}

  const std::vector<storage::cart_line>& lines() const noexcept { return lines_; }
  const storage::cart_line* find(const storage::ulid& variant) const noexcept;
  /// Sum of the quantities; at most 1,000,000.
  std::int64_t item_count() const noexcept;
  /// Whether both hold the same quantities of the same variants.
  bool same_goods(const cart& other) const noexcept;

  /// Puts more of a variant in. @param product nil: whichever it belongs to @param offer null: there is no
  /// such variant
  std::optional<cart_rejection> add(const storage::ulid& product, const storage::ulid& variant,
                                    std::int64_t quantity, const stock_view* offer, storage::timestamp now);
  /// Sets how much of a variant is in; 0 takes it out. Less is always possible, whatever became of the offer.
  std::optional<cart_rejection> set(const storage::ulid& variant, std::int64_t quantity,
                                    const stock_view* offer);
  void clear() noexcept { lines_.clear(); }

  /// Another cart's lines come in: of a variant that both have the larger quantity stays, so doing it again
  /// changes nothing. Of lines beyond the limit the other cart's last ones stay away.
  void merge(const std::vector<storage::cart_line>& other);
  /// What was ordered leaves; what was put in meanwhile stays.
  void take_out(const std::vector<storage::cart_line>& ordered);
  /// The shopper is being shown this price.
  void saw(const storage::ulid& variant, std::int64_t price) noexcept;

private:
  storage::cart_line* at(const storage::ulid& variant) noexcept;

  std::vector<storage::cart_line> lines_;
};

/// A line as the shopper sees it. @param offer null: the variant is gone; it is shown with the price last
/// seen
cart_view_line show(const storage::cart_line& line, const stock_view* offer);

} // namespace souk::actors
