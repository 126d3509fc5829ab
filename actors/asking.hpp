#pragma once

#include "runtime/entity.hpp"
#include "runtime/error.hpp"
#include "runtime/router.hpp"

#include <chrono>
#include <optional>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

namespace souk::actors {

/// What an entity answered to somebody who is no actor.
template <class T>
struct asked {
  std::optional<T> value;
  caf::error why; ///< without a value; caf::sec::request_timeout: nothing came in time
};

/// Asks entities from a thread that may block, all at once and each with the same deadline. The answers stand in the order of the
/// questions, which reach an entity in theirs.
template <class T, class Command>
std::vector<asked<T>> ask_all(caf::actor_system& system, const runtime::router& routes,
                              const std::vector<std::pair<runtime::entity_address, Command>>& questions,
                              std::chrono::milliseconds limit) {
  std::vector<asked<T>> out(questions.size());
  // A hidden actor of its own for each time: a long-lived one hoards answers that come after their deadline.
  caf::scoped_actor self{system, true};
  auto request = [&](const auto& question) {
    return self->request(routes.shard_of(question.first), limit, runtime::deliver_atom_v, question.first,
                         runtime::delivery::activate, caf::make_message(question.second));
  };
  std::vector<decltype(request(questions.front()))> answers;
  answers.reserve(questions.size());
  for (const auto& question : questions) {
    if (!routes.shard_of(question.first))
      break; // the node ends
    answers.push_back(request(question));
  }
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (i >= answers.size()) {
      out[i].why = caf::make_error(runtime::errc::shutting_down);
      continue;
    }
    answers[i].receive([&](T& value) { out[i].value = std::move(value); },
                       [&](caf::error& why) { out[i].why = std::move(why); });
  }
  return out;
}

} // namespace souk::actors
