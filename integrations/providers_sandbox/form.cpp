#include "integrations/providers_sandbox/form.hpp"

#include <algorithm>
#include <vector>

namespace souk::providers {

namespace {

using nlohmann::json;

constexpr std::size_t depth_max = 8;
constexpr std::size_t fields_max = 2000;

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/// "a[b][]" → a, b, ""; empty when the brackets do not match.
std::vector<std::string_view> steps_of(std::string_view name) {
  std::vector<std::string_view> steps;
  auto bracket = name.find('[');
  steps.push_back(name.substr(0, bracket));
  while (bracket != std::string_view::npos && bracket < name.size()) {
    auto close = name.find(']', bracket);
    if (name[bracket] != '[' || close == std::string_view::npos)
      return {};
    steps.push_back(name.substr(bracket + 1, close - bracket - 1));
    bracket = close + 1;
  }
  if (steps.front().empty() || steps.size() > depth_max)
    return {};
  return steps;
}

bool put(json& root, const std::vector<std::string_view>& steps, std::string value) {
  auto* here = &root;
  for (auto step : steps) {
    if (here->is_null())
      *here = json::object();
    if (!here->is_object())
      return false;
    auto name = step.empty() ? std::to_string(here->size()) : std::string{step}; // [] counts up
    here = &(*here)[name];
  }
  if (!here->is_null() && !here->is_string())
    return false;
  *here = std::move(value);
  return true;
}

/// Objects whose members are 0, 1, 2 … become arrays.
void make_arrays(json& value) {
  if (!value.is_object())
    return;
  bool counts = !value.empty();
  for (std::size_t i = 0; counts && i < value.size(); ++i)
    counts = value.contains(std::to_string(i));
  for (auto& [name, member] : value.items())
    if (name != "metadata")
      make_arrays(member);
  if (!counts)
    return;
  auto array = json::array();
  for (std::size_t i = 0; i < value.size(); ++i)
    array.push_back(std::move(value[std::to_string(i)]));
  value = std::move(array);
}

} // namespace

std::string url_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0
               && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string url_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'
              || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

bool is_utf8(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 128; }))
    return true;
  try {
    static_cast<void>(json(text).dump());
    return true;
  } catch (const json::type_error&) {
    return false;
  }
}

std::optional<json> parse_form(std::string_view text) {
  auto root = json::object();
  std::size_t fields = 0;
  while (!text.empty()) {
    auto end = text.find('&');
    auto field = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (field.empty())
      continue;
    auto equals = field.find('=');
    auto name = url_decoded(field.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::string{} : url_decoded(field.substr(equals + 1));
    auto steps = steps_of(name);
    if (++fields > fields_max || steps.empty() || !is_utf8(name) || !is_utf8(value)
        || !put(root, steps, std::move(value)))
      return std::nullopt;
  }
  for (auto& [name, member] : root.items())
    if (name != "metadata")
      make_arrays(member);
  return root;
}

} // namespace souk::providers
