#include "http/shop_client.hpp"

#include "actors/kinds.hpp"
#include "actors/type_ids.hpp"
#include "runtime/entity.hpp"

#include <thread>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>
#include <spdlog/spdlog.h>

namespace souk::http {

namespace {

using runtime::delivery;

constexpr std::chrono::milliseconds moved_pause{25};

refusal refusal_of(const caf::error& why) {
  if (why.category() == caf::detail::error_factory<actors::errc>::category) {
    auto problem = actors::problem_of(why);
    return {.why = static_cast<actors::errc>(why.code()),
            .message = std::move(problem.message),
            .field = std::move(problem.field),
            .lines = std::move(problem.lines)};
  }
  if (why.category() == caf::detail::error_factory<runtime::errc>::category) {
    auto problem = actors::problem_of(why);
    return {.why = static_cast<runtime::errc>(why.code()), .message = std::move(problem.message)};
  }
  if (why == caf::sec::request_timeout)
    return {.why = errc::timeout};
  if (why == caf::sec::request_receiver_down) // its shard was taken away or is shutting down
    return {.why = runtime::errc::moved};
  spdlog::error("an actor answered {}", caf::to_string(why));
  return {.why = errc::internal};
}

} // namespace

template <class T>
answer<T> shop_client::ask(const runtime::entity_address& whom, delivery how, caf::message command,
                           deadline until) const {
  // A shard that moves answers `moved` when a command came at the wrong moment: it was not done, so it is simply asked again, by
  // then elsewhere. Everything else is for the caller to decide.
  for (;;) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::milliseconds{1})
      return refusal{.why = errc::timeout};
    const auto& shard = routes_.shard_of(whom);
    if (!shard)
      return refusal{.why = runtime::errc::moved};
    // One hidden actor per request: a long-lived one hoards answers that come after their deadline.
    caf::scoped_actor self{system_, true};
    std::optional<answer<T>> got;
    bool moved = false;
    self
      ->request(shard, std::chrono::duration_cast<caf::timespan>(left), runtime::deliver_atom_v, whom, how, command)
      .receive([&](T& value) { got.emplace(std::move(value)); },
               [&](caf::error& why) {
                 moved = why == runtime::errc::moved;
                 got.emplace(refusal_of(why));
               });
    if (!got)
      return refusal{.why = errc::internal};
    if (!moved || std::chrono::steady_clock::now() + 2 * moved_pause > until)
      return *std::move(got);
    std::this_thread::sleep_for(moved_pause);
  }
}

namespace {

template <class T>
caf::message pack(T&& command) {
  return caf::make_message(std::forward<T>(command));
}

} // namespace

answer<actors::user_view> shop_client::sign_up(const storage::ulid& user, actors::sign_up command,
                                               deadline until) const {
  return ask<actors::user_view>(actors::user_at(user), delivery::create, pack(std::move(command)), until);
}
answer<actors::user_view> shop_client::get_user(const storage::ulid& user, const actors::caller& by,
                                                deadline until) const {
  return ask<actors::user_view>(actors::user_at(user), delivery::activate, pack(actors::get_user{by}), until);
}
answer<std::string> shop_client::get_credentials(const storage::ulid& user, deadline until) const {
  return ask<std::string>(actors::user_at(user), delivery::activate, pack(actors::get_credentials{}), until);
}
answer<actors::user_view> shop_client::open_session(const storage::ulid& user, actors::open_session command,
                                                    deadline until) const {
  return ask<actors::user_view>(actors::user_at(user), delivery::activate, pack(std::move(command)), until);
}
answer<storage::session_row> shop_client::authenticate(const storage::ulid& user,
                                                       const storage::token_hash& hash,
                                                       deadline until) const {
  return ask<storage::session_row>(actors::user_at(user), delivery::activate,
                                   pack(actors::authenticate{hash}), until);
}
answer<bool> shop_client::close_session(const storage::ulid& user, actors::close_session command,
                                        deadline until) const {
  return ask<bool>(actors::user_at(user), delivery::activate, pack(std::move(command)), until);
}
answer<std::vector<storage::session_row>> shop_client::list_api_tokens(const storage::ulid& user,
                                                                       actors::list_api_tokens command,
                                                                       deadline until) const {
  return ask<std::vector<storage::session_row>>(actors::user_at(user), delivery::activate,
                                                pack(std::move(command)), until);
}
answer<bool> shop_client::ask_password_reset(const storage::ulid& user, actors::ask_password_reset command, deadline until) const {
  return ask<bool>(actors::user_at(user), delivery::activate, pack(std::move(command)), until);
}
answer<std::vector<storage::session_row>> shop_client::reset_password(const storage::ulid& user, actors::reset_password command,
                                                                      deadline until) const {
  return ask<std::vector<storage::session_row>>(actors::user_at(user), delivery::activate, pack(std::move(command)), until);
}
answer<bool> shop_client::note_cart(const storage::ulid& user, actors::note_cart command,
                                    deadline until) const {
  return ask<bool>(actors::user_at(user), delivery::activate, pack(std::move(command)), until);
}
answer<bool> shop_client::forget_cart(const storage::ulid& user, actors::forget_cart command,
                                      deadline until) const {
  return ask<bool>(actors::user_at(user), delivery::activate, pack(std::move(command)), until);
}

answer<storage::store_row> shop_client::open_store(const storage::ulid& store, actors::open_store command,
                                                   deadline until) const {
  return ask<storage::store_row>(actors::store_at(store), delivery::create, pack(std::move(command)), until);
}
answer<storage::store_row> shop_client::get_store(const storage::ulid& store, deadline until) const {
  return ask<storage::store_row>(actors::store_at(store), delivery::activate, pack(actors::get_store{store}),
                                 until);
}
answer<storage::store_row> shop_client::change_store(actors::change_store command, deadline until) const {
  const auto whom = actors::store_at(command.store_id);
  return ask<storage::store_row>(whom, delivery::activate, pack(std::move(command)), until);
}
answer<storage::store_row> shop_client::change_settings(actors::change_settings command, deadline until) const {
  const auto whom = actors::store_at(command.store_id);
  return ask<storage::store_row>(whom, delivery::activate, pack(std::move(command)), until);
}
answer<bool> shop_client::note_mail(actors::note_mail command, deadline until) const {
  const auto whom = actors::store_at(command.store_id);
  return ask<bool>(whom, delivery::activate, pack(std::move(command)), until);
}
answer<bool> shop_client::lift_suppression(actors::lift_suppression command, deadline until) const {
  const auto whom = actors::store_at(command.store_id);
  return ask<bool>(whom, delivery::activate, pack(std::move(command)), until);
}
answer<bool> shop_client::change_mail_template(actors::change_mail_template command, deadline until) const {
  const auto whom = actors::store_at(command.row.store_id);
  return ask<bool>(whom, delivery::activate, pack(std::move(command)), until);
}
answer<actors::product_written> shop_client::create_product(const storage::ulid& product,
                                                            actors::create_product command,
                                                            deadline until) const {
  return ask<actors::product_written>(actors::product_at(product), delivery::create, pack(std::move(command)),
                                      until);
}
answer<actors::product_written> shop_client::change_product(actors::change_product command,
                                                            deadline until) const {
  const auto whom = actors::product_at(command.product_id);
  return ask<actors::product_written>(whom, delivery::activate, pack(std::move(command)), until);
}
answer<storage::import_row> shop_client::start_import(const storage::ulid& import,
                                                      actors::start_import command, deadline until) const {
  return ask<storage::import_row>(actors::import_at(import), delivery::create, pack(std::move(command)),
                                  until);
}
answer<storage::import_row> shop_client::get_import(const storage::ulid& import, actors::get_import command,
                                                    deadline until) const {
  return ask<storage::import_row>(actors::import_at(import), delivery::activate, pack(std::move(command)),
                                  until);
}

template <class Command>
answer<storage::discount_row> shop_client::tell_discount(const storage::ulid& store, std::string code, Command command,
                                                         deadline until) const {
  return ask<storage::discount_row>(actors::discount_at(store, std::move(code)), delivery::activate, pack(std::move(command)),
                                    until);
}
template answer<storage::discount_row> shop_client::tell_discount(const storage::ulid&, std::string, actors::create_discount,
                                                                  deadline) const;
template answer<storage::discount_row> shop_client::tell_discount(const storage::ulid&, std::string, actors::get_discount,
                                                                  deadline) const;
template answer<storage::discount_row> shop_client::tell_discount(const storage::ulid&, std::string, actors::change_discount,
                                                                  deadline) const;
answer<actors::discount_offer> shop_client::check_discount(const storage::ulid& store, std::string code, std::string customer,
                                                           deadline until) const {
  return ask<actors::discount_offer>(actors::discount_at(store, std::move(code)), delivery::activate,
                                     pack(actors::check_discount{store, std::move(customer)}), until);
}
template <class Command>
answer<storage::gift_card_row> shop_client::tell_gift_card(const storage::ulid& store, std::string hash, Command command,
                                                           deadline until) const {
  return ask<storage::gift_card_row>(actors::gift_card_at(store, std::move(hash)), delivery::activate, pack(std::move(command)),
                                     until);
}
template answer<storage::gift_card_row> shop_client::tell_gift_card(const storage::ulid&, std::string, actors::create_gift_card,
                                                                    deadline) const;
template answer<storage::gift_card_row> shop_client::tell_gift_card(const storage::ulid&, std::string, actors::get_gift_card,
                                                                    deadline) const;
template answer<storage::gift_card_row> shop_client::tell_gift_card(const storage::ulid&, std::string, actors::change_gift_card,
                                                                    deadline) const;
answer<actors::gift_card_balance> shop_client::gift_card_balance(const storage::ulid& store, std::string hash,
                                                                 deadline until) const {
  return ask<actors::gift_card_balance>(actors::gift_card_at(store, std::move(hash)), delivery::activate,
                                        pack(actors::get_gift_card_balance{store}), until);
}

answer<actors::stock_view> shop_client::get_stock(const storage::ulid& variant, const storage::ulid& store,
                                                  deadline until) const {
  return ask<actors::stock_view>(actors::inventory_at(variant), delivery::activate,
                                 pack(actors::get_stock{store}), until);
}
answer<actors::stock_view> shop_client::set_stock(const storage::ulid& variant, actors::set_stock command,
                                                  deadline until) const {
  return ask<actors::stock_view>(actors::inventory_at(variant), delivery::activate, pack(std::move(command)),
                                 until);
}
answer<actors::stock_view> shop_client::adjust_stock(const storage::ulid& variant,
                                                     actors::adjust_stock command, deadline until) const {
  return ask<actors::stock_view>(actors::inventory_at(variant), delivery::activate, pack(std::move(command)),
                                 until);
}
answer<actors::stock_view> shop_client::set_stock_policy(const storage::ulid& variant,
                                                         actors::set_stock_policy command,
                                                         deadline until) const {
  return ask<actors::stock_view>(actors::inventory_at(variant), delivery::activate, pack(std::move(command)),
                                 until);
}

answer<actors::cart_view> shop_client::get_cart(const storage::ulid& store, const storage::ulid& user,
                                                actors::get_cart command, deadline until) const {
  return ask<actors::cart_view>(actors::cart_at(store, user), delivery::activate, pack(std::move(command)),
                                until);
}
answer<actors::cart_view> shop_client::add_to_cart(const storage::ulid& store, const storage::ulid& user,
                                                   actors::add_to_cart command, deadline until) const {
  return ask<actors::cart_view>(actors::cart_at(store, user), delivery::activate, pack(std::move(command)),
                                until);
}
answer<actors::cart_view> shop_client::set_cart_line(const storage::ulid& store, const storage::ulid& user,
                                                     actors::set_cart_line command, deadline until) const {
  return ask<actors::cart_view>(actors::cart_at(store, user), delivery::activate, pack(std::move(command)),
                                until);
}
answer<actors::cart_view> shop_client::clear_cart(const storage::ulid& store, const storage::ulid& user,
                                                  actors::clear_cart command, deadline until) const {
  return ask<actors::cart_view>(actors::cart_at(store, user), delivery::activate, pack(std::move(command)),
                                until);
}
answer<actors::cart_view> shop_client::merge_cart(const storage::ulid& store, const storage::ulid& user,
                                                  actors::merge_cart command, deadline until) const {
  return ask<actors::cart_view>(actors::cart_at(store, user), delivery::activate, pack(std::move(command)),
                                until);
}

answer<actors::order_view> shop_client::place_order(const storage::ulid& order, actors::place_order command,
                                                    deadline until) const {
  return ask<actors::order_view>(actors::order_at(order), delivery::create, pack(std::move(command)), until);
}
answer<actors::order_view> shop_client::place_once(const storage::ulid& order, actors::place_order command, deadline until) const {
  return ask<actors::order_view>(actors::order_at(order), delivery::activate, pack(std::move(command)), until);
}
answer<actors::order_view> shop_client::check_out(actors::place_order command, deadline until) const {
  const auto whom = actors::checkout_at(command.store_id, command.by.user, command.key->key);
  return ask<actors::order_view>(whom, delivery::activate, pack(actors::check_out{std::move(command)}),
                                 until);
}
answer<actors::order_view> shop_client::get_order(const storage::ulid& order, const actors::caller& by,
                                                  deadline until) const {
  return ask<actors::order_view>(actors::order_at(order), delivery::activate, pack(actors::get_order{by}),
                                 until);
}
answer<actors::order_view> shop_client::cancel_order(const storage::ulid& order, actors::cancel_order command,
                                                     deadline until) const {
  return ask<actors::order_view>(actors::order_at(order), delivery::activate, pack(std::move(command)),
                                 until);
}
answer<actors::order_view> shop_client::confirm_payment(const storage::ulid& order, const actors::caller& by,
                                                        deadline until) const {
  return ask<actors::order_view>(actors::order_at(order), delivery::activate,
                                 pack(actors::confirm_payment{by}), until);
}
answer<bool> shop_client::provider_told(const storage::ulid& order, actors::provider_told news, deadline until) const {
  return ask<bool>(actors::order_at(order), delivery::activate, pack(std::move(news)), until);
}
answer<bool> shop_client::parcel_left(const storage::ulid& order, actors::parcel_left news, deadline until) const {
  return ask<bool>(actors::order_at(order), delivery::activate, pack(std::move(news)), until);
}
template <class Command>
answer<actors::order_view> shop_client::tell_order(const storage::ulid& order, Command command, deadline until) const {
  return ask<actors::order_view>(actors::order_at(order), delivery::activate, pack(std::move(command)), until);
}
template answer<actors::order_view> shop_client::tell_order(const storage::ulid&, actors::capture_payment, deadline) const;
template answer<actors::order_view> shop_client::tell_order(const storage::ulid&, actors::refund_order, deadline) const;
template answer<actors::order_view> shop_client::tell_order(const storage::ulid&, actors::mark_shipped, deadline) const;
template answer<actors::order_view> shop_client::tell_order(const storage::ulid&, actors::mark_delivered, deadline) const;
template answer<actors::order_view> shop_client::tell_order(const storage::ulid&, actors::request_return, deadline) const;
template answer<actors::order_view> shop_client::tell_order(const storage::ulid&, actors::step_return, deadline) const;
template answer<actors::order_view> shop_client::tell_order(const storage::ulid&, actors::receive_return, deadline) const;

answer<storage::review_row> shop_client::post_review(const storage::ulid& product,
                                                     actors::post_review command, deadline until) const {
  return ask<storage::review_row>(actors::reviews_at(product), delivery::activate, pack(std::move(command)),
                                  until);
}
answer<storage::review_row> shop_client::vote_helpful(const storage::ulid& product,
                                                      actors::vote_helpful command, deadline until) const {
  return ask<storage::review_row>(actors::reviews_at(product), delivery::activate, pack(std::move(command)),
                                  until);
}

answer<storage::webhook_row> shop_client::create_webhook(actors::create_webhook command, deadline until) const {
  const auto whom = actors::webhooks_at(command.draft.store_id);
  return ask<storage::webhook_row>(whom, delivery::activate, pack(std::move(command)), until);
}
answer<storage::webhook_row> shop_client::change_webhook(actors::change_webhook command, deadline until) const {
  const auto whom = actors::webhooks_at(command.store_id);
  return ask<storage::webhook_row>(whom, delivery::activate, pack(std::move(command)), until);
}
answer<bool> shop_client::remove_webhook(actors::remove_webhook command, deadline until) const {
  const auto whom = actors::webhooks_at(command.store_id);
  return ask<bool>(whom, delivery::activate, pack(std::move(command)), until);
}
answer<std::vector<storage::webhook_row>> shop_client::get_webhooks(actors::get_webhooks command, deadline until) const {
  const auto whom = actors::webhooks_at(command.store_id);
  return ask<std::vector<storage::webhook_row>>(whom, delivery::activate, pack(std::move(command)), until);
}
answer<storage::webhook_delivery_row> shop_client::redeliver_webhook(actors::redeliver_webhook command,
                                                                     deadline until) const {
  const auto whom = actors::webhooks_at(command.store_id);
  return ask<storage::webhook_delivery_row>(whom, delivery::activate, pack(std::move(command)), until);
}

} // namespace souk::http
