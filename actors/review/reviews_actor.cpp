#include "actors/review/reviews_actor.hpp"

#include "actors/kinds.hpp"

#include <caf/stateful_actor.hpp>

namespace souk::actors {

namespace {

constexpr std::size_t under_way_max = 64; ///< commands that wait for a reader or for the journal

/// What a review is checked against.
struct background {
  std::optional<storage::product_row> product;
  bool bought = false; ///< by the author, in this store
};

} // namespace

caf::result<storage::review_row> reviews_state::ask(
  lookup find, std::function<void(const std::any&, runtime::owed_answer)> then) {
  runtime::owed_answer answer{self->make_response_promise()};
  auto ticket = next_ticket++;
  if (questions.size() + writes >= under_way_max
      || !look_up(*services->readers, caf::actor_cast<caf::actor>(self), context.who.shard(), ticket,
                  std::move(find)))
    answer.deliver(caf::make_error(runtime::errc::overloaded));
  else
    questions.emplace(ticket, question{[then, answer](const std::any& rows) { then(rows, answer); }, answer});
  return caf::delegated<storage::review_row>{};
}

void reviews_state::found(const looked_up& l) {
  auto at = questions.find(l.ticket);
  if (at == questions.end())
    return;
  auto q = std::move(at->second);
  questions.erase(at);
  if (l.error.empty())
    q.go_on(l.rows);
  else
    q.answer.deliver(caf::make_error(runtime::errc::unavailable, l.error));
}

void reviews_state::post(const post_review& c, const std::any& rows, runtime::owed_answer answer) {
  const auto& known = std::any_cast<const background&>(rows);
  if (auto no = review_rules::check_post(c, known.product))
    return refuse_with(*no, std::move(answer));
  auto now = context.time->now();
  auto row =
    review_rules::make(c, context.ids->fresh_beside(context.who.id), context.who.id, known.bought, now);
  storage::write_set out;
  out.mutations.push_back(storage::insert_review{row});
  out.mutations.push_back(
    storage::emit_event{row.store_id,
                        "review.created",
                        row.id,
                        {{"product_id", row.product_id.str()}, {"rating", std::to_string(row.rating)}},
                        now});
  write(std::move(out), std::move(row), std::move(answer));
}

void reviews_state::vote(const vote_helpful& c, const std::any& rows, runtime::owed_answer answer) {
  const auto& review = std::any_cast<const std::optional<storage::review_row>&>(rows);
  if (auto no = review_rules::check_vote(c, context.who.id, review))
    return refuse_with(*no, std::move(answer));
  auto done = *review;
  ++done.helpful;
  storage::write_set out;
  out.mutations.push_back(storage::insert_review_vote{done.id, done.product_id, done.store_id, c.by.user});
  write(std::move(out), std::move(done), std::move(answer));
}

void reviews_state::write(storage::write_set rows, storage::review_row done, runtime::owed_answer answer) {
  ++writes;
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, done, answer](const runtime::receipt& r) mutable {
        --writes;
        switch (r.refused) {
          case storage::refusal::none:
            if (services->product_changed) // pages show ratings beside the product
              services->product_changed(done.store_id, done.product_id);
            return answer.deliver(std::move(done));
          case storage::refusal::already_reviewed:
            return answer.deliver(
              refuse(errc::already_reviewed, "there is one review per product and shopper"));
          case storage::refusal::already_voted:
            return answer.deliver(refuse(errc::already_voted, "there is one vote per review and shopper"));
          default:
            return answer.deliver(caf::make_error(runtime::errc::write_failed));
        }
      },
      [this,
       answer](caf::error& why) mutable { // nothing is remembered here, so nothing is remembered wrongly
        --writes;
        answer.deliver(std::move(why));
      });
}

void reviews_state::refuse_with(const rejection& no, runtime::owed_answer answer) {
  answer.deliver(refuse(no));
  if (no.code == errc::not_found && questions.empty() && writes == 0)
    runtime::retire(context);
}

void reviews_state::stop() {
  if (!questions.empty() || writes > 0)
    caf::anon_send(context.shard, runtime::busy_atom_v, context.who, context.activation);
  else
    self->quit();
}

namespace {

reviews_actor::behavior_type reviews(reviews_actor::stateful_pointer<reviews_state> self,
                                     runtime::entity_context context,
                                     std::shared_ptr<const shop_services> services) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.services = std::move(services);
  return {
    [self](const post_review& c) {
      auto find = [store = c.store_id, user = c.by.user,
                   product = self->state.context.who.id](storage::entity_reader& reader) {
        background out;
        if (auto there = reader.load_product(product))
          out.product = std::move(there->product);
        out.bought = out.product && out.product->store_id == store && reader.has_bought(store, user, product);
        return std::any{std::move(out)};
      };
      return self->state.ask(find, [self, c](const std::any& rows, runtime::owed_answer answer) {
        self->state.post(c, rows, std::move(answer));
      });
    },
    [self](const vote_helpful& c) {
      auto find = [review = c.review_id](storage::entity_reader& reader) {
        return std::any{reader.load_review(review)};
      };
      return self->state.ask(find, [self, c](const std::any& rows, runtime::owed_answer answer) {
        self->state.vote(c, rows, std::move(answer));
      });
    },
    [self](const looked_up& l) { self->state.found(l); },
    [self](runtime::stop_atom) { self->state.stop(); },
  };
}

} // namespace

runtime::entity_kind reviews_kind(std::shared_ptr<const shop_services> services) {
  runtime::entity_kind k;
  k.name = "reviews";
  k.load = [](storage::entity_reader&, const runtime::entity_address&) { return std::any{}; };
  k.spawn = [services](caf::actor_system& system, runtime::entity_context context, std::any) {
    return caf::actor_cast<caf::actor>(system.spawn(reviews, std::move(context), services));
  };
  return k;
}

} // namespace souk::actors
