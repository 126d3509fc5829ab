#include "actors/text.hpp"

#include <algorithm>

namespace souk::actors {

namespace {

/// Bytes of the character at the front, 0 when it is not one. The second byte's range rules out overlong
/// forms, surrogates and what lies beyond U+10FFFF (RFC 3629, section 4).
std::size_t first_character(std::string_view s) noexcept {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  auto follows = [&](std::size_t i, unsigned low, unsigned high) {
    return i < s.size() && at(i) >= low && at(i) <= high;
  };
  auto lead = at(0);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xC2 && lead <= 0xDF)
    return follows(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

} // namespace

std::optional<std::size_t> characters(std::string_view text) noexcept {
  std::size_t count = 0;
  while (!text.empty()) {
    auto bytes = first_character(text);
    if (bytes == 0)
      return std::nullopt;
    text.remove_prefix(bytes);
    ++count;
  }
  return count;
}

std::optional<rejection> check_text(std::string_view text, const std::string& field, const text_rule& rule) {
  auto count = characters(text);
  if (!count)
    return invalid(field, "is not well-formed UTF-8");
  for (char c : text)
    if (is_control(c) && !(rule.shape == lines::many && (c == '\n' || c == '\r' || c == '\t')))
      return invalid(field, "contains control characters");
  if (*count > rule.max)
    return invalid(field, "has more than " + std::to_string(rule.max) + " characters");
  if (rule.min > 0 && text.find_first_not_of(" \t\r\n") == text.npos)
    return invalid(field, "is missing");
  if (*count < rule.min)
    return invalid(field, "has fewer than " + std::to_string(rule.min) + " characters");
  return std::nullopt;
}

bool is_web_address(std::string_view text) noexcept {
  if (text.size() > 2048)
    return false;
  auto start = text.starts_with("https://") ? 8U : text.starts_with("http://") ? 7U : 0U;
  if (start == 0 || text.size() == start || text[start] == '/')
    return false;
  return characters(text).has_value() && std::none_of(text.begin(), text.end(), [](char c) {
           return is_control(c) || c == ' ' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '\\'
               || c == '`';
         });
}

bool is_slug(std::string_view text) noexcept {
  return text.size() >= 3 && text.size() <= 63 && text.front() != '-' && text.back() != '-'
      && std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

} // namespace souk::actors
