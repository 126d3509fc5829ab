#pragma once

#include "actors/caller.hpp"
#include "storage/rows/review.hpp"

#include <string>

namespace souk::actors {

/// One review per user and product, by registered users; `verified` when the user bought it. → storage::review_row
struct post_review {
  caller by;
  storage::ulid store_id;
  std::string author;
  std::int32_t rating = 0;
  std::string comment;
};
/// One vote per user and review, not for one's own. → storage::review_row
struct vote_helpful {
  caller by;
  storage::ulid store_id;
  storage::ulid review_id;
};

template <class I>
typename I::result_type inspect(I& f, post_review& x) {
  return f(x.by, x.store_id, x.author, x.rating, x.comment);
}
template <class I>
typename I::result_type inspect(I& f, vote_helpful& x) {
  return f(x.by, x.store_id, x.review_id);
}

} // namespace souk::actors
