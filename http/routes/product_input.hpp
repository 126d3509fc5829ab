#pragma once

#include "actors/product/messages.hpp"
#include "http/facts.hpp"
#include "http/json/fields.hpp"

#include <functional>

namespace souk::http::routes {

/// The body of POST …/products. @throws refusal
actors::create_product read_new_product(const json::document& body, const store_facts& store);

/// The body of PATCH …/products/{product_id}: what is there is changed; a variant that is there is replaced
/// as a whole.
/// @param now the product as it is, asked for when variants come without the options they name: then the
/// change is based on that version @throws refusal
actors::change_product read_product_change(const json::document& body, const store_facts& store,
                                           const std::function<storage::product_row()>& now);

/// A rule of the actors names fields as the rows do; the client knows them as the API does ("title" is
/// "name").
refusal in_api_words(refusal why);

} // namespace souk::http::routes
