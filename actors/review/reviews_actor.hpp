#pragma once

#include "actors/review/review_rules.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/owed_answer.hpp"

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <any>
#include <functional>
#include <unordered_map>

namespace souk::actors {

/// The reviews of one product; the address is the product's id. Reviews and votes commute, so several may be
/// under way, and it remembers none: each command reads what it is checked against. That a user has one
/// review is for the journal to say.
using reviews_actor = caf::typed_actor<
  // Posts the caller's review.
  caf::replies_to<post_review>::with<storage::review_row>,
  // Votes for somebody else's.
  caf::replies_to<vote_helpful>::with<storage::review_row>,
  // What a reader thread found.
  caf::reacts_to<looked_up>,
  // Quits unless something is under way.
  caf::reacts_to<runtime::stop_atom>>;

struct reviews_state {
  static inline const char* name = "reviews";

  /// A command that waits for what it is checked against.
  struct question {
    std::function<void(const std::any&)> go_on;
    runtime::owed_answer answer;
  };

  reviews_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::shared_ptr<const shop_services> services;
  std::unordered_map<std::uint64_t, question> questions; ///< by ticket
  std::uint64_t next_ticket = 0;
  std::size_t writes = 0; ///< under way

  using lookup = std::function<std::any(storage::entity_reader&)>;

  caf::result<storage::review_row> ask(lookup find,
                                       std::function<void(const std::any&, runtime::owed_answer)> then);
  void found(const looked_up& l);
  void post(const post_review& c, const std::any& rows, runtime::owed_answer answer);
  void vote(const vote_helpful& c, const std::any& rows, runtime::owed_answer answer);
  void write(storage::write_set rows, storage::review_row done, runtime::owed_answer answer);
  void refuse_with(const rejection& no, runtime::owed_answer answer);
  void stop();
};

} // namespace souk::actors
