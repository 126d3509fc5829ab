#pragma once

#include "storage/postgres/write_plan.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace souk::storage::postgres {

/// Why a batch cannot be written: thrown by whoever collects its rows.
struct refused_batch {
  std::string why;
};

inline std::optional<ulid> unless_nil(const ulid& id) {
  return id.is_nil() ? std::nullopt : std::optional{id};
}
inline std::optional<timestamp> unless_epoch(timestamp at) {
  return at == timestamp{} ? std::nullopt : std::optional{at};
}
template <class E>
std::int16_t number_of(E e) {
  return static_cast<std::int16_t>(e);
}

/// The rows of a batch that come after an order is placed (refunds, parcels, returns), of discounts and gift cards, and of what
/// goes out (webhooks, mail). Most batches have none, and pay for none.
class life_rows {
public:
  life_rows();
  ~life_rows();
  life_rows(life_rows&&) noexcept;

  template <class M>
  void add(const M& m, shard_id shard, std::int64_t seq) {
    mutation_added(m, shard, seq);
  }
  /// Adds the calls that write them.
  void take(write_plan& plan);

private:
  struct parts;
  parts& made();

  void mutation_added(const insert_refund& m, shard_id shard, std::int64_t seq);
  void mutation_added(const update_refund& m, shard_id shard, std::int64_t seq);
  void mutation_added(const put_order_life& m, shard_id shard, std::int64_t seq);
  void mutation_added(const put_discount& m, shard_id shard, std::int64_t seq);
  void mutation_added(const put_discount_use& m, shard_id shard, std::int64_t seq);
  void mutation_added(const put_gift_card& m, shard_id shard, std::int64_t seq);
  void mutation_added(const move_gift_card& m, shard_id shard, std::int64_t seq);
  void mutation_added(const put_webhook& m, shard_id shard, std::int64_t seq);
  void mutation_added(const delete_webhook& m, shard_id shard, std::int64_t seq);
  void mutation_added(const put_webhook_delivery& m, shard_id shard, std::int64_t seq);
  void mutation_added(const put_mail_template& m, shard_id shard, std::int64_t seq);
  void mutation_added(const delete_mail_template& m, shard_id shard, std::int64_t seq);
  void mutation_added(const put_suppression& m, shard_id shard, std::int64_t seq);
  void mutation_added(const delete_suppression& m, shard_id shard, std::int64_t seq);
  void mutation_added(const put_mail& m, shard_id shard, std::int64_t seq);

  std::unique_ptr<parts> parts_;
};

} // namespace souk::storage::postgres
