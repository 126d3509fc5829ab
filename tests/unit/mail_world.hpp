#pragma once

#include "integrations/mail/mail_world.hpp"
#include "runtime/clock.hpp"
#include "storage/error.hpp"

#include <catch2/catch.hpp>
#include <map>

namespace mail_tests {

using namespace souk;
using storage::ulid;

/// An id in shard 77.
inline ulid id_of(int number) {
  ulid id = *ulid::parse("01HZX3J8QK0000000000000000");
  id.bytes[6] = 77;
  id.bytes[15] = static_cast<std::uint8_t>(number);
  return id;
}

struct set_clock : runtime::clock {
  storage::timestamp time{std::chrono::seconds{1'720'000'000}};
  storage::timestamp now() const override { return time; }
};

struct rows_of_a_shop : integrations::mail_world {
  std::map<ulid, storage::order_snapshot> orders;
  std::map<ulid, storage::store_row> stores;
  std::map<ulid, storage::user_snapshot> users;
  std::map<ulid, storage::cart_row> carts; ///< by user
  std::map<ulid, storage::stock_snapshot> stocks;
  std::map<std::pair<std::string, std::string>, storage::mail_template_row> templates;
  std::map<std::string, storage::mail_suppression_row> suppressions;
  std::map<ulid, storage::mail_row> mails;
  bool away = false, commits = true;

  template <class M, class K>
  std::optional<typename M::mapped_type> find(const M& map, const K& key) const {
    if (away)
      throw storage::unavailable("the database is away");
    auto at = map.find(key);
    return at == map.end() ? std::nullopt : std::optional{at->second};
  }
  std::optional<storage::order_snapshot> load_order(const ulid& order) override { return find(orders, order); }
  std::optional<storage::store_row> load_store(const ulid& store) override { return find(stores, store); }
  std::optional<storage::user_snapshot> load_user(const ulid& user) override { return find(users, user); }
  std::optional<storage::cart_row> load_cart(const ulid&, const ulid& user) override { return find(carts, user); }
  std::optional<storage::stock_snapshot> load_stock(const ulid& variant) override { return find(stocks, variant); }
  std::optional<storage::mail_template_row> load_template(const ulid&, const std::string& name, const std::string& language) override {
    return find(templates, std::pair{name, language});
  }
  std::optional<storage::mail_suppression_row> load_suppression(const ulid&, const std::string& email) override {
    return find(suppressions, email);
  }
  std::optional<storage::mail_row> load_mail(const ulid& mail) override { return find(mails, mail); }
  bool commit(storage::shard_id shard, storage::write_set rows) override {
    CHECK(shard == 77);
    for (auto& m : rows.mutations) {
      if (auto* put = std::get_if<storage::put_mail>(&m); put && commits) {
        CHECK(put->row.id.shard() == 77);
        mails[put->row.id] = put->row;
      }
      if (auto* put = std::get_if<storage::put_suppression>(&m); put && commits)
        suppressions[put->row.email] = put->row;
    }
    return commits;
  }
};

} // namespace mail_tests
