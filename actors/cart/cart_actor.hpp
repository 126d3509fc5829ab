#pragma once

#include "actors/cart/cart.hpp"
#include "actors/edit_line.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/owed_answer.hpp"

#include <functional>
#include <unordered_map>

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// One shopper's cart in one store, guests' too. It lives in the store's shard, beside the inventory it asks.
using cart_actor = caf::typed_actor<
  // The cart as it stands now.
  caf::replies_to<get_cart>::with<cart_view>,
  // Change it, durably.
  caf::replies_to<add_to_cart>::with<cart_view>, caf::replies_to<set_cart_line>::with<cart_view>,
  caf::replies_to<clear_cart>::with<cart_view>,
  // Takes a guest's cart in, in one write set with its end.
  caf::replies_to<merge_cart>::with<cart_view>,
  // What was ordered leaves.
  caf::reacts_to<lines_ordered>,
  // Ends the cart if its time is over.
  caf::reacts_to<expire_cart>,
  // Has its shopper reminded, if it was left.
  caf::reacts_to<remind_cart>,
  // Lends the cart to another one's merge, and hears how that ended.
  caf::replies_to<surrender_cart>::with<cart_handover>, caf::reacts_to<surrendered>,
  // Quits unless something is under way.
  caf::reacts_to<runtime::stop_atom>>;

/// What the shop said about a cart's lines.
struct shop_answers {
  std::unordered_map<storage::ulid, stock_view> offers; ///< by variant; those that exist
  std::shared_ptr<const storage::store_row> store;

  const stock_view* offer(const storage::ulid& variant) const {
    auto at = offers.find(variant);
    return at == offers.end() ? nullptr : &at->second;
  }
};
using shop_answers_ptr = std::shared_ptr<const shop_answers>;

struct cart_state {
  static inline const char* name = "cart";
  static constexpr int reads_max = 64;

  cart_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::chrono::hours life{0};
  std::chrono::seconds left_after{0}; ///< unchanged for so long it counts as left
  std::optional<storage::cart_row> row; ///< as committed; prices seen since are in memory only
  storage::ulid drawn;                  ///< the id for a cart that has no row yet
  edit_line edits;
  int reads = 0; ///< being asked for prices
  bool merging = false;
  caf::strong_actor_ptr lent_to;               ///< the cart whose merge holds this one still
  std::vector<storage::ulid> recently_ordered; ///< an order that tells twice takes its lines once

  caf::error check(const caller& by) const;
  void get(runtime::owed_answer answer);
  void add(const add_to_cart& c, runtime::owed_answer answer);
  void set(const set_cart_line& c, runtime::owed_answer answer);
  void clear(runtime::owed_answer answer);
  void merge(const merge_cart& c, runtime::owed_answer answer);
  void take_out(const lines_ordered& c);
  void expire();
  void remind();
  void lend(caf::strong_actor_ptr to, runtime::owed_answer answer);
  void returned(bool gone);
  void borrower_died(const caf::actor_addr& who);
  void stop();

private:
  using rule = std::function<std::optional<cart_rejection>(cart&, const shop_answers&)>;

  const storage::ulid& store() const noexcept { return context.who.id; }
  const storage::ulid& user() const noexcept { return context.who.sub; }
  /// The lines, unless their time is over.
  cart live() const;
  bool is_live() const;

  void ask_shop(const cart& about, std::optional<storage::ulid> and_of,
                std::function<void(shop_answers_ptr)> then, std::function<void(caf::error)> failed);
  void note(std::function<void()> then, std::function<void(caf::error)> failed);
  void change(runtime::owed_answer answer, std::optional<storage::ulid> and_of, rule apply);
  void merge_handed(const cart_handover& guest, const runtime::entity_address& from,
                    runtime::owed_answer answer);
  storage::emit_event event(std::string topic, std::vector<std::pair<std::string, std::string>> more) const;
  storage::cart_row next_row(const cart& next);
  void put(storage::write_set& rows, const storage::cart_row& to) const;
  void write(storage::write_set rows, std::vector<runtime::touch> touched, runtime::owed_answer answer,
             std::function<void(runtime::owed_answer&)> landed, std::function<void()> not_now = {});
  cart_view view(const cart& c, const shop_answers& shop) const;
  void turn_down(runtime::owed_answer& answer, caf::error why);
};

} // namespace souk::actors
