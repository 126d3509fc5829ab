#pragma once

#include "storage/entity_reader.hpp"

#include <cstdint>
#include <optional>
#include <unordered_map>

namespace souk::actors {

/// The rules of one variant's stock, without a mailbox around them.
///
/// Take early, give late: what lowers `available` (a hold, a negative adjustment) acts at once, so that the next command sees it;
/// what raises it (a release, a positive adjustment) acts when its rows are committed. Deltas then commute, and any part of a
/// batch that fails leaves the rest valid.
class stock {
public:
  stock() = default;
  explicit stock(const storage::stock_snapshot& rows);

  std::int64_t on_hand() const noexcept { return level_.on_hand; }
  std::int64_t reserved() const noexcept { return reserved_; }
  std::int64_t available() const noexcept { return level_.on_hand - reserved_; }
  const storage::level_row& level() const noexcept { return level_; }
  std::size_t open_holds() const noexcept { return holds_.size(); }
  std::optional<std::int64_t> held_for(const storage::ulid& order) const;

  /// Holds goods for an order. Asked again by the same order it is the same hold.
  /// @returns false when there is not enough and the variant does not allow back-orders.
  bool hold(const storage::ulid& order, std::int64_t quantity);
  /// Gives a hold back that was never written, or whose release is committed.
  void release(const storage::ulid& order);
  /// The order's goods are sold and the rows say so: on_hand and reserved fall together.
  void claim(const storage::ulid& order);

  /// Whether on_hand may change by `delta`: what is reserved must stay covered unless back-orders are allowed, and on_hand
  /// never falls below zero by an adjustment.
  bool may_adjust(std::int64_t delta) const noexcept;
  /// A negative delta, when the command is accepted; `give` undoes it when its rows were not written.
  void take(std::int64_t quantity) noexcept { level_.on_hand -= quantity; }
  /// A positive delta, when its rows are committed (or a negative one that was not).
  void give(std::int64_t quantity) noexcept { level_.on_hand += quantity; }

  /// Back-orders can only be turned off while what is reserved is there.
  bool may_deny_backorder() const noexcept { return reserved_ <= level_.on_hand; }
  void set_policy(bool backorder, std::int64_t low_stock_threshold) noexcept;

  /// Whether `available` falling from `before` to what it is now crosses the threshold: the alert is sent once per crossing.
  bool crosses_threshold(std::int64_t before) const noexcept;

private:
  storage::level_row level_;
  std::int64_t reserved_ = 0;
  std::unordered_map<storage::ulid, std::int64_t> holds_; ///< by order
};

} // namespace souk::actors
