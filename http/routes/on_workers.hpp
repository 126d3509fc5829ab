#pragma once

#include "actors/services.hpp"
#include "http/service.hpp"

#include <future>
#include <memory>

namespace souk::http::routes {

/// Asks a provider on the provider's own workers, so that a slow one keeps no more than this request waiting.
/// @throws refusal overloaded when its queue is full, timeout at the request's deadline: `ask` may still run, so it holds what it
/// needs by value
template <class T>
T on_workers(const exchange& x, const std::string& provider, std::function<T()> ask) {
  auto result = std::make_shared<std::promise<T>>();
  auto answer = result->get_future();
  const auto& workers = x.shop.base.services->workers_of(provider);
  auto job = [result, ask = std::move(ask), until = x.until] {
    if (std::chrono::steady_clock::now() < until) // nobody waits for it any more
      result->set_value(ask());
  };
  if (!workers || !workers->post(std::move(job)))
    throw refusal{.why = errc::overloaded};
  if (answer.wait_until(x.until) != std::future_status::ready)
    throw refusal{.why = errc::timeout};
  return answer.get();
}

} // namespace souk::http::routes
