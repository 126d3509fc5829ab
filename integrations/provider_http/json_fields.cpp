#include "integrations/provider_http/json_fields.hpp"

namespace souk::integrations {

using nlohmann::json;

const json& member(const json& object, const char* name) noexcept {
  static const json none;
  if (!object.is_object())
    return none;
  auto found = object.find(name);
  return found == object.end() ? none : *found;
}

const json& member(const json& object, std::initializer_list<const char*> path) noexcept {
  const auto* at = &object;
  for (const char* name : path)
    at = &member(*at, name);
  return *at;
}

std::string text_at(const json& object, const char* name) {
  const auto& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string{};
}

std::string text_at(const json& object, std::initializer_list<const char*> path) {
  const auto& value = member(object, path);
  return value.is_string() ? value.get<std::string>() : std::string{};
}

std::int64_t integer_at(const json& object, const char* name, std::int64_t otherwise) noexcept {
  const auto& value = member(object, name);
  return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}

const json& list_at(const json& object, const char* name) noexcept {
  static const json none = json::array();
  const auto& value = member(object, name);
  return value.is_array() ? value : none;
}

json parsed(std::string_view text) {
  return json::parse(text, nullptr, false);
}

} // namespace souk::integrations
