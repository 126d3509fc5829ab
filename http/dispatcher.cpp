#include "http/dispatcher.hpp"

#include "http/service.hpp"
#include "storage/error.hpp"

#include <spdlog/spdlog.h>

namespace souk::http {

std::pair<std::string_view, std::string_view> split_target(std::string_view target) noexcept {
  target = target.substr(0, target.find('#'));
  const auto at = target.find('?');
  return {target.substr(0, at), at == std::string_view::npos ? std::string_view{} : target.substr(at + 1)};
}

bool takes(body_kind kind, std::string_view content_type) noexcept {
  auto type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && type.back() == ' ')
    type.remove_suffix(1);
  if (kind == body_kind::any)
    return !type.starts_with("multipart/"); // which the server would take apart
  if (kind == body_kind::csv)
    return type == "text/csv" || type == "application/csv" || type == "application/octet-stream"
        || type.empty();
  return type.empty() || type == "application/json" || type == "application/x-www-form-urlencoded"
      || type == "text/json" || type == "text/plain";
}

response dispatch(const service& shop, const request& asked, matched found, deadline until) noexcept {
  try {
    if (found.to == nullptr) {
      if (found.allowed.empty())
        return refused({.why = actors::errc::not_found, .message = "There is nothing at this address."});
      return refused({.why = errc::method_not_allowed, .allowed = std::move(found.allowed)});
    }
    auto query = parsed_query(split_target(asked.target).second);
    if (!query)
      return refused({.why = errc::bad_request, .message = "The query of the address is malformed."});
    exchange x{.shop = shop,
               .asked = asked,
               .to = found.to,
               .until = until,
               .ids = std::move(found.ids),
               .token_id = std::move(found.token_id),
               .query = *std::move(query)};
    authenticate(x);
    authorise(x);
    return found.to->handle(x);
  } catch (const refusal& why) {
    return refused(why);
  } catch (const storage::unavailable& e) {
    spdlog::warn("{} {}: the database did not answer: {}", asked.method, found.to->pattern, e.what());
    return refused({.why = runtime::errc::unavailable});
  } catch (const std::exception& e) {
    spdlog::error("{} {} ({}): {}", asked.method, found.to->pattern, asked.id, e.what());
    return refused({.why = errc::internal});
  } catch (...) {
    return refused({.why = errc::internal});
  }
}

} // namespace souk::http
