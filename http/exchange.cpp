#include "http/exchange.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <stdexcept>

namespace souk::http {

const storage::ulid& exchange::id(std::string_view name) const {
  for (const auto& [known, value] : ids)
    if (known == name)
      return value;
  throw std::logic_error("the route has no " + std::string{name});
}

const std::string* exchange::parameter(std::string_view name) const {
  for (const auto& [known, value] : query)
    if (known == name)
      return &value;
  return nullptr;
}

std::int64_t exchange::integer_parameter(std::string_view name, std::int64_t fallback, std::int64_t low,
                                         std::int64_t high) const {
  const auto* text = parameter(name);
  if (text == nullptr)
    return fallback;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size() || number < low || number > high)
    throw refusal{.why = actors::errc::invalid,
                  .message = fmt::format("{}: must be a whole number between {} and {}", name, low, high),
                  .field = std::string{name}};
  return number;
}

std::optional<storage::ulid> exchange::id_parameter(std::string_view name) const {
  const auto* text = parameter(name);
  if (text == nullptr)
    return std::nullopt;
  const auto id = storage::ulid::parse(*text);
  if (!id || id->is_nil())
    throw refusal{.why = actors::errc::invalid,
                  .message = fmt::format("{}: is not an id of 26 characters", name),
                  .field = std::string{name}};
  return id;
}

storage::page_request page_asked(const exchange& x) {
  // Deep pages cost the database all that lies before them; a cursor does not.
  constexpr std::int64_t reach = 25'000;
  storage::page_request out;
  out.limit = x.integer_parameter("limit", 20, 1, 250);
  out.page = x.integer_parameter("page", 1, 1, reach / out.limit);
  out.after = x.id_parameter("after");
  if (out.after && x.parameter("page") != nullptr)
    throw refusal{
      .why = actors::errc::invalid, .message = "page and after exclude each other", .field = "page"};
  return out;
}

response ok(std::string json) {
  return {.status = 200, .body = std::move(json)};
}

response created(std::string json, std::string location) {
  return {.status = 201, .body = std::move(json), .headers = {{"Location", std::move(location)}}};
}

response no_content() {
  return {.status = 204, .content_type = {}};
}

response refused(const refusal& why) {
  const auto rule = rule_of(why.why);
  response out{.status = rule.status, .body = error_body(why)};
  if (rule.retry_after > 0)
    out.headers.emplace_back("Retry-After", std::to_string(rule.retry_after));
  if (rule.status == 401)
    out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"souk\"");
  if (!why.allowed.empty())
    out.headers.emplace_back("Allow", why.allowed);
  return out;
}

namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

} // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size())
        return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0)
        return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space)
      c = ' ';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return std::nullopt;
    out += c;
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                    || std::string_view{"-._~"}.find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::optional<std::vector<std::pair<std::string, std::string>>> parsed_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> all;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty())
      continue;
    const auto split = std::min(part.find('='), part.size());
    auto name = percent_decoded(part.substr(0, split), true);
    auto value = percent_decoded(split < part.size() ? part.substr(split + 1) : std::string_view{}, true);
    if (!name || !value || all.size() >= 64)
      return std::nullopt;
    all.emplace_back(*std::move(name), *std::move(value));
  }
  return all;
}

} // namespace souk::http
