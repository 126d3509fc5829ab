// The catalog: what everybody may look at, and what its merchant writes.

#include "http/catalog_json.hpp"
#include "http/json/fields.hpp"
#include "http/page_response.hpp"
#include "http/routes/product_input.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <array>

namespace souk::http::routes {

namespace {

list_query query_of(const exchange& x) {
  list_query out;
  out.page = page_asked(x);
  for (const auto& [name, into] : {std::pair{"q", &out.filter.text}, {"category", &out.filter.category}})
    if (const auto* text = x.parameter(name)) {
      if (auto no = actors::check_text(*text, name, {0, 200}))
        throw refusal{.why = actors::errc::invalid, .message = no->message, .field = no->field};
      *into = *text;
    }
  return out;
}

response list_products(exchange& x) {
  const auto store = x.shop.known.store(x.id("store_id"), x.until);
  auto query = query_of(x);
  const auto* status = x.parameter("status");
  if (status != nullptr && *status != "active" && *status != "all")
    throw refusal{
      .why = actors::errc::invalid, .message = "status: must be \"active\" or \"all\"", .field = "status"};
  if (status == nullptr || *status == "active")
    return page_response(x.asked, *x.shop.pages.list(x.asked.target, store, query, x.until, x.asked.refresh));
  if (!x.by.manages(store.id, store.owner))
    throw refusal{.why = x.by.anonymous() ? reason{errc::unauthenticated} : reason{actors::errc::forbidden},
                  .message = "Only the store's merchant sees products that are not for sale."};
  query.filter.only_active = false;
  const auto found = x.shop.catalog.borrow(x.until)->products(store.id, query.filter, query.page);
  auto text = list_text(found, store, query, nullptr);
  auto out = ok(std::move(text.text));
  if (!text.link.empty())
    out.headers.emplace_back("Link", std::move(text.link));
  return out;
}

response read_product_of(exchange& x, const storage::ulid& store_id) {
  const auto product = x.id("product_id");
  const auto store = x.shop.known.store(store_id, x.until);
  const refusal unknown{.why = actors::errc::not_found, .message = "There is no such product."};
  if (x.by.manages(store.id, store.owner)) { // also drafts and what is archived
    const auto found = x.shop.catalog.borrow(x.until)->product(store.id, product);
    if (!found)
      throw unknown;
    json::writer out;
    write_product(out, *found, store.unit, detail::full, nullptr);
    return ok(std::move(out).text());
  }
  const auto bytes = x.shop.pages.product(x.asked.target, store, product, x.until, x.asked.refresh);
  if (!bytes)
    throw unknown;
  return page_response(x.asked, *bytes);
}

response read_product_in_store(exchange& x) {
  return read_product_of(x, x.id("store_id"));
}

response read_product(exchange& x) {
  return read_product_of(x, x.shop.known.store_of_product(x.id("product_id"), x.until));
}

std::string written_json(const actors::product_written& written, const store_facts& store) {
  json::writer out;
  write_product(out, written, store.unit);
  return std::move(out).text();
}

template <class T>
T taken(answer<T> got) {
  if (!got)
    throw in_api_words(got.why());
  return std::move(got).take();
}

response create_product(exchange& x) {
  const auto store = x.shop.known.store(x.id("store_id"), x.until);
  auto command = read_new_product(json::document{x.asked.body}, store);
  const auto id = x.shop.base.ids.fresh_beside(store.id);
  command.by = x.by;
  command.product.id = id;
  command.product.store_id = store.id;
  const auto written = taken(x.shop.actors.create_product(id, std::move(command), x.until));
  return created(written_json(written, store), "/stores/" + store.id.str() + "/products/" + id.str());
}

response change_product(exchange& x) {
  const auto store = x.shop.known.store(x.id("store_id"), x.until);
  auto command = read_product_change(json::document{x.asked.body}, store, [&] {
    auto found = x.shop.catalog.borrow(x.until)->product(store.id, x.id("product_id"));
    if (!found)
      throw refusal{.why = actors::errc::not_found, .message = "There is no such product."};
    return std::move(found->product.product);
  });
  command.by = x.by;
  command.product_id = x.id("product_id");
  return ok(written_json(taken(x.shop.actors.change_product(std::move(command), x.until)), store));
}

/// Orders name their products for ever, so a product leaves the shop but not the books.
response archive_product(exchange& x) {
  const auto store = x.shop.known.store(x.id("store_id"), x.until);
  actors::change_product command;
  command.by = x.by;
  command.store_id = store.id;
  command.product_id = x.id("product_id");
  command.status = storage::product_status::archived;
  taken(x.shop.actors.change_product(std::move(command), x.until));
  return no_content();
}

constexpr std::array rows{
  route{"GET", "/stores/{store_id}/products", access::anyone, body_kind::none, list_products},
  route{"POST", "/stores/{store_id}/products", access::merchant, body_kind::json, create_product},
  route{"GET", "/stores/{store_id}/products/{product_id}", access::anyone, body_kind::none,
        read_product_in_store},
  route{"PATCH", "/stores/{store_id}/products/{product_id}", access::merchant, body_kind::json,
        change_product},
  route{"DELETE", "/stores/{store_id}/products/{product_id}", access::merchant, body_kind::none,
        archive_product},
  route{"GET", "/products/{product_id}", access::anyone, body_kind::none, read_product},
};

} // namespace

std::span<const route> products() {
  return rows;
}

} // namespace souk::http::routes
