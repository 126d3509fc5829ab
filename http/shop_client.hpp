#pragma once

#include "actors/cart/messages.hpp"
#include "actors/checkout/messages.hpp"
#include "actors/discount/messages.hpp"
#include "actors/gift_card/messages.hpp"
#include "actors/importing/messages.hpp"
#include "actors/inventory/messages.hpp"
#include "actors/order/messages.hpp"
#include "actors/product/messages.hpp"
#include "actors/review/messages.hpp"
#include "actors/store/messages.hpp"
#include "actors/user/messages.hpp"
#include "actors/webhooks/messages.hpp"
#include "http/exchange.hpp"

#include <string>
#include <variant>
#include <vector>

namespace caf {
class actor_system;
class message;
} // namespace caf

namespace souk::runtime {
class router;
struct entity_address;
enum class delivery : std::uint8_t;
} // namespace souk::runtime

namespace souk::http {

/// What an actor answered: a value, or why not.
template <class T>
class answer {
public:
  answer(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  answer(refusal no) : held_(std::in_place_index<1>, std::move(no)) {}

  explicit operator bool() const noexcept { return held_.index() == 0; }
  /// @pre it is a value
  T& operator*() { return std::get<0>(held_); }
  T* operator->() { return &std::get<0>(held_); }
  /// @pre it is none
  const refusal& why() const { return std::get<1>(held_); }
  bool refused_with(const reason& code) const noexcept { return !*this && why().why == code; }
  /// The value; @throws refusal instead of an error.
  T take() && {
    if (!*this)
      throw std::get<1>(std::move(held_));
    return std::get<0>(std::move(held_));
  }

private:
  std::variant<T, refusal> held_;
};

/// The only place where HTTP meets actors: each function sends one command to the entity it is for, waits for
/// the answer until the request's deadline, and gives plain values back. No answer in time is errc::timeout:
/// the command may still be done. Safe to use from any number of threads that are not actors.
class shop_client {
public:
  shop_client(caf::actor_system& system, const runtime::router& routes) : system_(system), routes_(routes) {}

  // -- users -------------------------------------------------------------------
  answer<actors::user_view> sign_up(const storage::ulid& user, actors::sign_up command, deadline until) const;
  answer<actors::user_view> get_user(const storage::ulid& user, const actors::caller& by,
                                     deadline until) const;
  answer<std::string> get_credentials(const storage::ulid& user, deadline until) const;
  answer<actors::user_view> open_session(const storage::ulid& user, actors::open_session command,
                                         deadline until) const;
  answer<storage::session_row> authenticate(const storage::ulid& user, const storage::token_hash& hash,
                                            deadline until) const;
  answer<bool> close_session(const storage::ulid& user, actors::close_session command, deadline until) const;
  answer<std::vector<storage::session_row>> list_api_tokens(const storage::ulid& user,
                                                            actors::list_api_tokens command,
                                                            deadline until) const;
  answer<bool> ask_password_reset(const storage::ulid& user, actors::ask_password_reset command, deadline until) const;
  answer<std::vector<storage::session_row>> reset_password(const storage::ulid& user, actors::reset_password command,
                                                           deadline until) const;
  answer<bool> note_cart(const storage::ulid& user, actors::note_cart command, deadline until) const;
  answer<bool> forget_cart(const storage::ulid& user, actors::forget_cart command, deadline until) const;

  // -- stores and catalog ------------------------------------------------------
  answer<storage::store_row> open_store(const storage::ulid& store, actors::open_store command,
                                        deadline until) const;
  answer<storage::store_row> get_store(const storage::ulid& store, deadline until) const;
  answer<storage::store_row> change_store(actors::change_store command, deadline until) const;
  answer<storage::store_row> change_settings(actors::change_settings command, deadline until) const;
  answer<bool> note_mail(actors::note_mail command, deadline until) const;
  answer<bool> lift_suppression(actors::lift_suppression command, deadline until) const;
  answer<bool> change_mail_template(actors::change_mail_template command, deadline until) const;
  answer<actors::product_written> create_product(const storage::ulid& product, actors::create_product command,
                                                 deadline until) const;
  answer<actors::product_written> change_product(actors::change_product command, deadline until) const;
  answer<storage::import_row> start_import(const storage::ulid& import, actors::start_import command,
                                           deadline until) const;
  answer<storage::import_row> get_import(const storage::ulid& import, actors::get_import command,
                                         deadline until) const;

  // -- money -------------------------------------------------------------------
  /// What is asked of a discount: create_discount, get_discount, change_discount. @param code as discount_code_of gives it
  template <class Command>
  answer<storage::discount_row> tell_discount(const storage::ulid& store, std::string code, Command command, deadline until) const;
  answer<actors::discount_offer> check_discount(const storage::ulid& store, std::string code, std::string customer,
                                                deadline until) const;
  /// What is asked of a gift card: create_gift_card, get_gift_card, change_gift_card. @param hash of its code
  template <class Command>
  answer<storage::gift_card_row> tell_gift_card(const storage::ulid& store, std::string hash, Command command,
                                                deadline until) const;
  answer<actors::gift_card_balance> gift_card_balance(const storage::ulid& store, std::string hash, deadline until) const;

  // -- inventory ---------------------------------------------------------------
  answer<actors::stock_view> get_stock(const storage::ulid& variant, const storage::ulid& store,
                                       deadline until) const;
  answer<actors::stock_view> set_stock(const storage::ulid& variant, actors::set_stock command,
                                       deadline until) const;
  answer<actors::stock_view> adjust_stock(const storage::ulid& variant, actors::adjust_stock command,
                                          deadline until) const;
  answer<actors::stock_view> set_stock_policy(const storage::ulid& variant, actors::set_stock_policy command,
                                              deadline until) const;

  // -- carts -------------------------------------------------------------------
  answer<actors::cart_view> get_cart(const storage::ulid& store, const storage::ulid& user,
                                     actors::get_cart command, deadline until) const;
  answer<actors::cart_view> add_to_cart(const storage::ulid& store, const storage::ulid& user,
                                        actors::add_to_cart command, deadline until) const;
  answer<actors::cart_view> set_cart_line(const storage::ulid& store, const storage::ulid& user,
                                          actors::set_cart_line command, deadline until) const;
  answer<actors::cart_view> clear_cart(const storage::ulid& store, const storage::ulid& user,
                                       actors::clear_cart command, deadline until) const;
  answer<actors::cart_view> merge_cart(const storage::ulid& store, const storage::ulid& user,
                                       actors::merge_cart command, deadline until) const;

  // -- orders ------------------------------------------------------------------
  /// @param order a fresh id beside the store
  answer<actors::order_view> place_order(const storage::ulid& order, actors::place_order command,
                                         deadline until) const;
  /// The same under an id that always comes out the same: an order that is there already is answered as it is.
  answer<actors::order_view> place_once(const storage::ulid& order, actors::place_order command, deadline until) const;
  /// The same under an Idempotency-Key. @pre command.key
  answer<actors::order_view> check_out(actors::place_order command, deadline until) const;
  answer<actors::order_view> get_order(const storage::ulid& order, const actors::caller& by,
                                       deadline until) const;
  answer<actors::order_view> cancel_order(const storage::ulid& order, actors::cancel_order command,
                                          deadline until) const;
  answer<actors::order_view> confirm_payment(const storage::ulid& order, const actors::caller& by,
                                             deadline until) const;
  answer<bool> provider_told(const storage::ulid& order, actors::provider_told news, deadline until) const;
  answer<bool> parcel_left(const storage::ulid& order, actors::parcel_left news, deadline until) const;
  /// What is done with an order later: capture_payment, refund_order, mark_shipped, mark_delivered, request_return, step_return,
  /// receive_return.
  template <class Command>
  answer<actors::order_view> tell_order(const storage::ulid& order, Command command, deadline until) const;

  // -- reviews -----------------------------------------------------------------
  answer<storage::review_row> post_review(const storage::ulid& product, actors::post_review command,
                                          deadline until) const;
  answer<storage::review_row> vote_helpful(const storage::ulid& product, actors::vote_helpful command,
                                           deadline until) const;

  // -- webhooks ----------------------------------------------------------------
  answer<storage::webhook_row> create_webhook(actors::create_webhook command, deadline until) const;
  answer<storage::webhook_row> change_webhook(actors::change_webhook command, deadline until) const;
  answer<bool> remove_webhook(actors::remove_webhook command, deadline until) const;
  answer<std::vector<storage::webhook_row>> get_webhooks(actors::get_webhooks command, deadline until) const;
  answer<storage::webhook_delivery_row> redeliver_webhook(actors::redeliver_webhook command, deadline until) const;

private:
  template <class T>
  answer<T> ask(const runtime::entity_address& whom, runtime::delivery how, caf::message command,
                deadline until) const;

  caf::actor_system& system_;
  const runtime::router& routes_;
};

} // namespace souk::http
