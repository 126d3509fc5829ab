// Reviews of a product, by registered users; everybody may read them.

#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/page_response.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <array>
#include <fmt/format.h>

namespace souk::http::routes {

namespace {

void write_review(json::writer& out, const storage::review_row& row) {
  out.begin_object()
    .field("review_id", row.id)
    .field("product_id", row.product_id)
    .field("author", row.author)
    .field("rating", row.rating)
    .field("comment", row.comment)
    .field("verified", row.verified)
    .field("helpful", row.helpful)
    .field("created_at", row.created_at)
    .end_object();
}

std::string review_json(const storage::review_row& row) {
  json::writer out;
  write_review(out, row);
  return std::move(out).text();
}

response post_review(exchange& x) {
  const auto product = x.id("product_id");
  const json::document body{x.asked.body};
  const auto f = body.root({"user_id", "rating", "comment"});
  if (const auto user = f.maybe_id("user_id"); user && *user != x.by.user)
    throw refusal{
      .why = actors::errc::forbidden, .message = "Nobody reviews for another user.", .field = "user_id"};
  actors::post_review command;
  command.by = x.by;
  command.rating = static_cast<std::int32_t>(f.integer("rating", 1, 5));
  command.comment = f.text("comment", {1, 5000, actors::lines::many});
  command.store_id = x.shop.known.store_of_product(product, x.until);
  command.author = x.shop.actors.get_user(x.by.user, x.by, x.until).take().user.name;
  const auto row = x.shop.actors.post_review(product, std::move(command), x.until).take();
  return created(review_json(row), "/products/" + product.str() + "/reviews");
}

response list_reviews(exchange& x) {
  const auto product = x.id("product_id");
  const auto page = page_asked(x);
  auto sort = storage::review_sort::recent;
  auto path = fmt::format("/products/{}/reviews", product.str());
  if (const auto* text = x.parameter("sort")) {
    if (*text != "recent" && *text != "helpful")
      throw refusal{
        .why = actors::errc::invalid, .message = "sort: must be \"recent\" or \"helpful\"", .field = "sort"};
    if (*text == "helpful")
      sort = storage::review_sort::helpful;
    path += "?sort=" + *text;
  }
  const auto store = x.shop.known.store_of_product(product, x.until);
  const auto found = x.shop.catalog.borrow(x.until)->reviews(store, product, sort, page);
  json::writer out;
  out.begin_object().key("reviews").begin_array();
  for (const auto& row : found.rows)
    write_review(out, row);
  out.end_array();
  if (!page.after)
    out.field("page", page.page);
  out.field("limit", page.limit).field("total", found.total).field("has_more", found.more).end_object();
  auto answer = ok(std::move(out).text());
  answer.headers.emplace_back("Cache-Control",
                              x.asked.authorization.empty() ? page_cache_control : "private, no-cache");
  const auto last = found.rows.empty() ? std::string{} : found.rows.back().id.str();
  if (auto link = link_header(path, page, found.more, last); !link.empty())
    answer.headers.emplace_back("Link", std::move(link));
  return answer;
}

response vote_helpful(exchange& x) {
  const auto product = x.id("product_id");
  if (!x.asked.body.empty())
    (void)json::document{x.asked.body}.root({});
  actors::vote_helpful command{x.by, x.shop.known.store_of_product(product, x.until), x.id("review_id")};
  return created(review_json(x.shop.actors.vote_helpful(product, std::move(command), x.until).take()),
                 "/products/" + product.str() + "/reviews");
}

constexpr std::array rows{
  route{"POST", "/products/{product_id}/reviews", access::account, body_kind::json, post_review},
  route{"GET", "/products/{product_id}/reviews", access::anyone, body_kind::none, list_reviews},
  route{"POST", "/products/{product_id}/reviews/{review_id}/helpful", access::account, body_kind::json,
        vote_helpful},
};

} // namespace

std::span<const route> reviews() {
  return rows;
}

} // namespace souk::http::routes
