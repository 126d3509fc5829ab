#include "integrations/mail/stored_mail_world.hpp"

#include "storage/error.hpp"
#include "storage/postgres/by_shard.hpp"

namespace souk::integrations {

using storage::ulid;

struct stored_mail_world::readers {
  storage::postgres::by_shard<storage::entity_reader> by_shard;
};

stored_mail_world::stored_mail_world(const storage::postgres::databases& all, storage::postgres::reader_limits limits,
                                     committer commit)
  : all_(all), limits_(limits), commit_(std::move(commit)) {
  // nop
}

stored_mail_world::~stored_mail_world() = default;

// What failed is given back as well: a reader connects anew by itself.
template <class F>
auto stored_mail_world::of(storage::shard_id shard, F&& ask) {
  if (!askers_.try_acquire_for(limits_.query))
    throw storage::unavailable("too many ask about mails at once");
  const struct leave {
    std::counting_semaphore<askers_max>& askers;
    ~leave() { askers.release(); }
  } on_return{askers_};
  std::unique_ptr<readers> mine;
  {
    std::lock_guard lock{guard_};
    if (!idle_.empty()) {
      mine = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!mine)
    mine = std::make_unique<readers>(readers{storage::postgres::by_shard<storage::entity_reader>{
      all_, [limits = limits_](const storage::postgres::database& db) { return storage::postgres::make_entity_reader(db, limits); }}});
  auto give_back = [&] {
    std::lock_guard lock{guard_};
    idle_.push_back(std::move(mine));
  };
  try {
    auto out = mine->by_shard.of(shard, std::forward<F>(ask));
    give_back();
    return out;
  } catch (...) {
    give_back();
    throw;
  }
}

std::optional<storage::order_snapshot> stored_mail_world::load_order(const ulid& order) {
  return of(order.shard(), [&](storage::entity_reader& r) { return r.load_order(order); });
}

std::optional<storage::store_row> stored_mail_world::load_store(const ulid& store) {
  return of(store.shard(), [&](storage::entity_reader& r) { return r.load_store(store); });
}

std::optional<storage::user_snapshot> stored_mail_world::load_user(const ulid& user) {
  return of(user.shard(), [&](storage::entity_reader& r) { return r.load_user(user); });
}

std::optional<storage::cart_row> stored_mail_world::load_cart(const ulid& store, const ulid& user) {
  return of(store.shard(), [&](storage::entity_reader& r) { return r.load_cart(store, user); });
}

std::optional<storage::stock_snapshot> stored_mail_world::load_stock(const ulid& variant) {
  return of(variant.shard(), [&](storage::entity_reader& r) { return r.load_stock(variant); });
}

std::optional<storage::mail_template_row> stored_mail_world::load_template(const ulid& store, const std::string& name,
                                                                           const std::string& language) {
  return of(store.shard(), [&](storage::entity_reader& r) { return r.load_mail_template(store, name, language); });
}

std::optional<storage::mail_suppression_row> stored_mail_world::load_suppression(const ulid& store, const std::string& email) {
  return of(store.shard(), [&](storage::entity_reader& r) { return r.load_suppression(store, email); });
}

std::optional<storage::mail_row> stored_mail_world::load_mail(const ulid& mail) {
  return of(mail.shard(), [&](storage::entity_reader& r) { return r.load_mail(mail); });
}

bool stored_mail_world::commit(storage::shard_id shard, storage::write_set rows) {
  rows.shard = shard;
  return commit_(shard, std::move(rows));
}

} // namespace souk::integrations
