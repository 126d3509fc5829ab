#pragma once

#include "actors/checkout/messages.hpp"
#include "actors/cart/messages.hpp"
#include "actors/error.hpp"
#include "actors/importing/messages.hpp"
#include "actors/inventory/messages.hpp"
#include "actors/lookup.hpp"
#include "actors/order/messages.hpp"
#include "actors/product/messages.hpp"
#include "actors/review/messages.hpp"
#include "actors/store/messages.hpp"
#include "actors/supervisor/messages.hpp"
#include "actors/user/messages.hpp"
#include "runtime/optional_inspect.hpp"
#include "runtime/type_ids.hpp"

// Everything the shop's actors say to each other. New types go to the end: the numbers travel between nodes.
// clang-format off
CAF_BEGIN_TYPE_ID_BLOCK(souk_actors, caf::id_block::souk_runtime_last_type_id + 1)
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::errc))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::problem))
  CAF_ADD_TYPE_ID(souk_actors, (souk::storage::store_row))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::open_store))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::get_store))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::change_store))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::get_terms))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::store_terms))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::create_product))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::change_product))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::product_written))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::reserve_stock))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::reserved))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::unreserve))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::settle_hold))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::get_stock))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::stock_view))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::adjust_stock))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::set_stock))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::set_stock_policy))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::publish_variant))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::cart_view))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::get_cart))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::add_to_cart))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::set_cart_line))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::clear_cart))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::merge_cart))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::lines_ordered))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::expire_cart))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::surrender_cart))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::surrendered))
  CAF_ADD_TYPE_ID(souk_actors, (souk::storage::cart_row))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::place_order))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::order_view))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::get_order))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::cancel_order))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::confirm_payment))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::mark_shipped))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::mark_delivered))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::reservation_expired))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::resume_payment))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::payment_answered))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::check_out))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::user_view))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::sign_up))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::get_user))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::get_credentials))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::open_session))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::authenticate))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::close_session))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::list_api_tokens))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::note_cart))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::forget_cart))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::note_order))
  CAF_ADD_TYPE_ID(souk_actors, (souk::storage::session_row))
  CAF_ADD_TYPE_ID(souk_actors, (std::vector<souk::storage::session_row>))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::post_review))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::vote_helpful))
  CAF_ADD_TYPE_ID(souk_actors, (souk::storage::review_row))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::start_import))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::get_import))
  CAF_ADD_TYPE_ID(souk_actors, (souk::storage::import_row))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::watch_order))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::unwatch_order))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::cart_handover))
  CAF_ADD_TYPE_ID(souk_actors, (souk::actors::looked_up)) // actors/lookup.hpp
CAF_END_TYPE_ID_BLOCK(souk_actors)
// clang-format on
