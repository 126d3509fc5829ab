#pragma once

#include "integrations/mail/mail_world.hpp"
#include "storage/postgres/postgres.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
#include <vector>

namespace souk::integrations {

/// The mail's world in PostgreSQL: each call goes to the database that holds the shard. A thread that reads takes an idle reader or
/// makes one, so there are as many connections per database as there are mail workers.
class stored_mail_world final : public mail_world {
public:
  using committer = std::function<bool(storage::shard_id shard, storage::write_set rows)>;

  /// @param all must outlive this
  /// @param commit writes through the shard's journal, which alone may
  stored_mail_world(const storage::postgres::databases& all, storage::postgres::reader_limits limits, committer commit);
  ~stored_mail_world() override;

  std::optional<storage::order_snapshot> load_order(const storage::ulid& order) override;
  std::optional<storage::store_row> load_store(const storage::ulid& store) override;
  std::optional<storage::user_snapshot> load_user(const storage::ulid& user) override;
  std::optional<storage::cart_row> load_cart(const storage::ulid& store, const storage::ulid& user) override;
  std::optional<storage::stock_snapshot> load_stock(const storage::ulid& variant) override;
  std::optional<storage::mail_template_row> load_template(const storage::ulid& store, const std::string& name,
                                                          const std::string& language) override;
  std::optional<storage::mail_suppression_row> load_suppression(const storage::ulid& store, const std::string& email) override;
  std::optional<storage::mail_row> load_mail(const storage::ulid& mail) override;
  bool commit(storage::shard_id shard, storage::write_set rows) override;

private:
  struct readers;

  template <class F>
  auto of(storage::shard_id shard, F&& ask);

  const storage::postgres::databases& all_;
  storage::postgres::reader_limits limits_;
  committer commit_;
  /// As many ask at once: links in mails and providers' events come from outside, and connections are few.
  static constexpr std::ptrdiff_t askers_max = 16;
  std::counting_semaphore<askers_max> askers_{askers_max};
  std::mutex guard_;
  std::vector<std::unique_ptr<readers>> idle_;
};

} // namespace souk::integrations
