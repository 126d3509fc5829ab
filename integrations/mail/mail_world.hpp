#pragma once

#include "storage/entity_reader.hpp"

namespace souk::integrations {

/// What the sender of mails reads and writes. Any thread; calls block within a time limit and throw storage::unavailable.
class mail_world {
public:
  virtual ~mail_world() = default;

  virtual std::optional<storage::order_snapshot> load_order(const storage::ulid& order) = 0;
  virtual std::optional<storage::store_row> load_store(const storage::ulid& store) = 0;
  virtual std::optional<storage::user_snapshot> load_user(const storage::ulid& user) = 0;
  virtual std::optional<storage::cart_row> load_cart(const storage::ulid& store, const storage::ulid& user) = 0;
  virtual std::optional<storage::stock_snapshot> load_stock(const storage::ulid& variant) = 0;
  virtual std::optional<storage::mail_template_row> load_template(const storage::ulid& store, const std::string& name,
                                                                  const std::string& language)
    = 0;
  virtual std::optional<storage::mail_suppression_row> load_suppression(const storage::ulid& store, const std::string& email) = 0;
  virtual std::optional<storage::mail_row> load_mail(const storage::ulid& mail) = 0;
  /// @returns whether the rows are durable
  virtual bool commit(storage::shard_id shard, storage::write_set rows) = 0;
};

} // namespace souk::integrations
