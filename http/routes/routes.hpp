#pragma once

#include "http/access.hpp"

#include <span>

namespace souk::http::routes {

// One file per resource; all_routes() puts them together.
std::span<const route> users();
std::span<const route> stores();
std::span<const route> tokens();
std::span<const route> products();
std::span<const route> inventory();
std::span<const route> carts();
std::span<const route> orders();
std::span<const route> order_life();
std::span<const route> exchanges();
std::span<const route> accounts();
std::span<const route> provider_webhooks();
std::span<const route> passwords();
std::span<const route> mail();
std::span<const route> discounts();
std::span<const route> gift_cards();
std::span<const route> quotes();
std::span<const route> store_settings();
std::span<const route> reviews();
std::span<const route> imports();
std::span<const route> webhooks();
std::span<const route> operations();

} // namespace souk::http::routes
