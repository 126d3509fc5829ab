#pragma once

#include "storage/journal_store.hpp"
#include "storage/simulated/tables.hpp"
#include "storage/simulated/undo_log.hpp"

#include <bitset>
#include <stdexcept>

namespace souk::storage::simulated {

/// Deliberate bugs, with which a simulation proves that its checker would notice them.
struct mutants {
  bool ignore_fence = false;         ///< commits whatever the writer believes about epoch and seq
  bool skip_idempotency_row = false; ///< neither looks for a key nor keeps it
  /// The fence reads its row FOR KEY SHARE: a take-over does not wait for a transaction that has passed it, and what passed it a
  /// moment before the take-over lands after it.
  bool share_key_locks = false;
};

/// The database refuses something that no command asks for on purpose: a CHECK, a foreign key, a stale
/// version.
struct constraint_violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Applies write sets to the tables one after the other, each seeing what those before it did. Everything is
/// taken back unless keep() is called.
class transaction {
public:
  transaction(tables& rows, const mutants& bugs) : rows_(rows), bugs_(bugs) {}
  ~transaction() { undo_.back_to(0); }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  /// The first statement: advances `seq` of every shard. @returns the shards whose epoch or seq is another
  /// one.
  std::vector<shard_id> pass_fence(const std::vector<fence>& fences);

  /// Writes all of the set, or nothing of it and says why. Throws constraint_violation.
  write_result apply(const write_set& ws);

  /// The CHECKs and references that must hold once the whole batch is applied. Throws constraint_violation.
  void check_batch() const;

  void keep() { undo_ = {}; }

private:
  struct answer {
    refusal refused = refusal::none;
    std::string detail;
  };

  static answer taken(bool exists, const ulid& id);

  // Whether a mutation meets a predictable conflict; reads only.
  template <class M>
  answer refusal_of(const M&) const {
    return {};
  }
  answer refusal_of(const insert_user& m) const;
  answer refusal_of(const insert_session& m) const;
  answer refusal_of(const insert_store& m) const;
  answer refusal_of(const insert_product& m) const;
  answer refusal_of(const update_product& m) const;
  answer refusal_of(const put_variant& m) const;
  answer refusal_of(const insert_level& m) const;
  answer refusal_of(const insert_cart& m) const;
  answer refusal_of(const insert_order& m) const;
  answer refusal_of(const insert_reservation& m) const;
  answer refusal_of(const insert_payment& m) const;
  answer refusal_of(const insert_idempotency_key& m) const;
  answer refusal_of(const insert_review& m) const;
  answer refusal_of(const insert_review_vote& m) const;
  answer refusal_of(const insert_import& m) const;
  answer refusal_of(const insert_refund& m) const;
  answer refusal_of(const put_discount& m) const;
  answer refusal_of(const put_discount_use& m) const;
  answer refusal_of(const put_gift_card& m) const;
  answer refusal_of(const put_webhook& m) const;
  answer conflict(const mutation& m) const;

  void write(const insert_user& m);
  void write(const update_user& m);
  void write(const insert_session& m);
  void write(const delete_session& m);
  void write(const put_user_cart& m);
  void write(const delete_user_cart& m);
  void write(const put_user_order& m);
  void write(const insert_store& m);
  void write(const update_store& m);
  void write(const insert_product& m);
  void write(const update_product& m);
  void write(const put_variant& m);
  void write(const insert_level& m);
  void write(const set_level_policy& m);
  void write(const move_stock& m);
  void write(const insert_cart& m);
  void write(const update_cart& m);
  void write(const delete_cart& m);
  void write(const insert_order& m);
  void write(const update_order& m);
  void write(const insert_reservation& m);
  void write(const set_reservations& m);
  void write(const insert_payment& m);
  void write(const update_payment& m);
  void write(const insert_idempotency_key& m);
  void write(const insert_review& m);
  void write(const insert_review_vote& m);
  void write(const insert_import& m);
  void write(const update_import& m);
  void write(const emit_event& m);
  void write(const insert_refund& m);
  void write(const update_refund& m);
  void write(const put_order_life& m);
  void write(const put_discount& m);
  void write(const put_discount_use& m);
  void write(const put_gift_card& m);
  void write(const move_gift_card& m);
  void write(const put_webhook& m);
  void write(const delete_webhook& m);
  void write(const put_webhook_delivery& m);
  void write(const put_mail_template& m);
  void write(const delete_mail_template& m);
  void write(const put_suppression& m);
  void write(const delete_suppression& m);
  void write(const put_mail& m);

  void check_levels() const;
  void check_cards() const;
  /// A code may change hands in a batch: what counts is who uses it at the end.
  void check_discounts() const;
  /// Throws unless the id lies in the shard of the write set being applied.
  void at_home(const ulid& id, const char* what) const;
  void store_is_there(const ulid& store) const;
  /// The row, saved for undo. Throws when it is missing, another store's, or of another version.
  template <class Row>
  Row& row_of(std::map<ulid, Row>& table, const ulid& id, const ulid& store, const char* what);
  template <class Map>
  void put(Map& map, const typename Map::key_type& key, typename Map::mapped_type value);
  template <class Container>
  void erase(Container& container, const typename Container::key_type& key);
  void add(std::set<id_pair>& index, const id_pair& entry);

  tables& rows_;
  const mutants& bugs_;
  undo_log undo_;
  std::bitset<shard_count> fenced_;
  shard_id shard_ = 0;            ///< of the write set being applied
  std::int64_t order_number_ = 0; ///< drawn by it
  std::set<ulid> touched_levels_;
  std::set<id_pair> new_reservations_;
  std::set<ulid> new_payments_;
  std::set<ulid> touched_cards_;
  std::set<std::pair<ulid, std::string>> new_uses_; ///< order, code
};

} // namespace souk::storage::simulated
