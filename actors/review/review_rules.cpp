#include "actors/review/review_rules.hpp"

#include "actors/text.hpp"

namespace souk::actors::review_rules {

namespace {

constexpr text_rule author_rule{1, author_max, lines::one};
constexpr text_rule comment_rule{1, comment_max, lines::many};

/// Guests come and go with a cookie, and an API token speaks for a store.
bool registered(const caller& by) {
  return !by.anonymous() && by.session == storage::session_kind::login;
}

} // namespace

std::optional<rejection> check_post(const post_review& c,
                                    const std::optional<storage::product_row>& product) {
  if (!product || product->store_id != c.store_id || product->status == storage::product_status::draft)
    return rejection{errc::not_found, "there is no such product in this store", "product_id"};
  if (!registered(c.by))
    return rejection{errc::forbidden, "only somebody who has signed up and in can review a product", {}};
  if (c.rating < 1 || c.rating > 5)
    return invalid("rating", "a rating is 1 to 5");
  if (auto no = check_text(c.author, "author", author_rule))
    return no;
  return check_text(c.comment, "comment", comment_rule);
}

storage::review_row make(const post_review& c, const storage::ulid& id, const storage::ulid& product,
                         bool verified, storage::timestamp now) {
  storage::review_row row;
  row.id = id;
  row.product_id = product;
  row.store_id = c.store_id;
  row.user_id = c.by.user;
  row.author = c.author;
  row.rating = c.rating;
  row.comment = c.comment;
  row.verified = verified;
  row.created_at = now;
  return row;
}

std::optional<rejection> check_vote(const vote_helpful& c, const storage::ulid& product,
                                    const std::optional<storage::review_row>& review) {
  if (!review || review->product_id != product || review->store_id != c.store_id || review->id != c.review_id)
    return rejection{errc::not_found, "there is no such review of this product", "review_id"};
  if (!registered(c.by))
    return rejection{errc::forbidden, "only somebody who has signed up and in can vote", {}};
  if (review->user_id == c.by.user)
    return rejection{errc::forbidden, "nobody votes for a review of their own", {}};
  return std::nullopt;
}

} // namespace souk::actors::review_rules
