#include "http/json/fields.hpp"

#include "http/errors.hpp"
#include "http/json/rfc3339.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace souk::http::json {

namespace {

using nlohmann::json;

/// Deeper than any body of ours; a text of a million brackets is refused while it is read.
constexpr int depth_max = 16;

std::string_view type_name(const json& value) {
  switch (value.type()) {
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return "a boolean";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      return "a number";
    case json::value_t::array:
      return "a list";
    case json::value_t::object:
      return "an object";
    default:
      return "null";
  }
}

} // namespace

fields::fields(const json& object, std::string path, std::initializer_list<std::string_view> known)
  : object_(&object), path_(std::move(path)) {
  if (!object.is_object())
    throw refusal{.why = actors::errc::invalid,
                  .message = fmt::format("must be an object, not {}", type_name(object)),
                  .field = path_};
  for (const auto& item : object.items())
    if (std::find(known.begin(), known.end(), item.key()) == known.end())
      wrong(item.key().substr(0, 64), "there is no such field");
}

std::string fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string{name} : fmt::format("{}.{}", path_, name);
}

void fields::wrong(std::string_view name, std::string message) const {
  throw refusal{.why = actors::errc::invalid,
                .message = fmt::format("{}: {}", path_of(name), message),
                .field = path_of(name)};
}

const json* fields::find(std::string_view name) const {
  const auto at = object_->find(name);
  return at == object_->end() || at->is_null() ? nullptr : &*at;
}

bool fields::has(std::string_view name) const {
  return find(name) != nullptr;
}

bool fields::is_text(std::string_view name, std::string_view text) const {
  const auto* value = find(name);
  return value != nullptr && value->is_string() && value->get_ref<const std::string&>() == text;
}

std::optional<std::string> fields::maybe_text(std::string_view name, const actors::text_rule& rule) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_string())
    wrong(name, fmt::format("must be a string, not {}", type_name(*value)));
  const auto& text = value->get_ref<const std::string&>();
  if (auto no = actors::check_text(text, path_of(name), rule))
    throw refusal{.why = actors::errc::invalid, .message = no->message, .field = no->field};
  return text;
}

std::string fields::text(std::string_view name, const actors::text_rule& rule) const {
  auto found = maybe_text(name, rule);
  if (!found)
    wrong(name, "is missing");
  return *std::move(found);
}

std::string fields::text_or_empty(std::string_view name, actors::text_rule rule) const {
  rule.min = 0;
  return maybe_text(name, rule).value_or(std::string{});
}

std::string fields::secret(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr)
    wrong(name, "is missing");
  if (!value->is_string())
    wrong(name, fmt::format("must be a string, not {}", type_name(*value)));
  return value->get<std::string>();
}

std::optional<std::int64_t> fields::maybe_integer(std::string_view name, std::int64_t low,
                                                  std::int64_t high) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_number_integer())
    wrong(name, fmt::format("must be a whole number, not {}", type_name(*value)));
  const bool too_large =
    value->is_number_unsigned()
    && value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto number = too_large ? std::numeric_limits<std::int64_t>::max() : value->get<std::int64_t>();
  if (too_large || number < low || number > high)
    wrong(name, fmt::format("must be between {} and {}", low, high));
  return number;
}

std::int64_t fields::integer(std::string_view name, std::int64_t low, std::int64_t high) const {
  const auto found = maybe_integer(name, low, high);
  if (!found)
    wrong(name, "is missing");
  return *found;
}

std::optional<bool> fields::maybe_boolean(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_boolean())
    wrong(name, fmt::format("must be true or false, not {}", type_name(*value)));
  return value->get<bool>();
}

std::optional<storage::ulid> fields::maybe_id(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_string())
    wrong(name, fmt::format("must be an id of 26 characters, not {}", type_name(*value)));
  const auto id = storage::ulid::parse(value->get_ref<const std::string&>());
  if (!id || id->is_nil())
    wrong(name, "is not an id of 26 characters");
  return id;
}

storage::ulid fields::id(std::string_view name) const {
  const auto found = maybe_id(name);
  if (!found)
    wrong(name, "is missing");
  return *found;
}

std::optional<std::vector<storage::ulid>> fields::maybe_ids(std::string_view name, std::size_t max) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_array())
    wrong(name, fmt::format("must be a list of ids, not {}", type_name(*value)));
  if (value->size() > max)
    wrong(name, fmt::format("must have at most {} entries", max));
  std::vector<storage::ulid> all;
  for (const auto& element : *value) {
    const auto id = element.is_string() ? storage::ulid::parse(element.get_ref<const std::string&>()) : std::nullopt;
    if (!id || id->is_nil())
      wrong(fmt::format("{}[{}]", name, all.size()), "is not an id of 26 characters");
    all.push_back(*id);
  }
  return all;
}

std::optional<storage::timestamp> fields::maybe_time(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  const auto at = value->is_string() ? parse_rfc3339(value->get_ref<const std::string&>()) : std::nullopt;
  if (!at)
    wrong(name, "must be a time like \"2024-05-01T12:00:00Z\" (RFC 3339)");
  return at;
}

std::optional<std::int64_t> fields::decimal(std::string_view name, int exponent, std::int64_t max,
                                            std::string_view example) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  std::string digits;
  if (value->is_string())
    digits = value->get<std::string>();
  else if (value->is_number_float()) {
    // The shortest text that reads back as this number is what the client wrote, whatever binary made of it.
    std::array<char, 512> shortest; // NOLINT: to_chars writes it
    const auto [end, error] = std::to_chars(shortest.data(), shortest.data() + shortest.size(),
                                            value->get<double>(), std::chars_format::fixed);
    digits.assign(shortest.data(), end);
  } else if (value->is_number())
    digits = value->dump();
  else
    wrong(name, fmt::format("must be a decimal string like \"{}\", not {}", example, type_name(*value)));
  const auto minor = actors::parse_amount(digits, exponent);
  if (!minor)
    wrong(name, fmt::format("must be a decimal like \"{}\" with at most {} decimals", example, exponent));
  if (*minor < 0)
    wrong(name, "must not be negative");
  if (*minor > max)
    wrong(name, fmt::format("must be at most {}", actors::format_amount(max, exponent)));
  return minor;
}

std::optional<std::int64_t> fields::maybe_amount(std::string_view name, const actors::currency& unit) const {
  return decimal(name, unit.exponent(), actors::amount_max, actors::format_amount(1999, unit.exponent()));
}

std::int64_t fields::amount(std::string_view name, const actors::currency& unit) const {
  const auto found = maybe_amount(name, unit);
  if (!found)
    wrong(name, "is missing");
  return *found;
}

std::optional<std::int32_t> fields::maybe_rate_ppm(std::string_view name) const {
  const auto found = decimal(name, 6, 1'000'000, "0.19");
  return found ? std::optional{static_cast<std::int32_t>(*found)} : std::nullopt;
}

std::optional<fields> fields::maybe_object(std::string_view name,
                                           std::initializer_list<std::string_view> known) const {
  const auto* value = find(name);
  return value == nullptr ? std::nullopt : std::optional<fields>{fields{*value, path_of(name), known}};
}

fields fields::object(std::string_view name, std::initializer_list<std::string_view> known) const {
  auto found = maybe_object(name, known);
  if (!found)
    wrong(name, "is missing");
  return *std::move(found);
}

std::optional<std::vector<fields>> fields::maybe_objects(
  std::string_view name, std::size_t max, std::initializer_list<std::string_view> known) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_array())
    wrong(name, fmt::format("must be a list, not {}", type_name(*value)));
  if (value->size() > max)
    wrong(name, fmt::format("must have at most {} entries", max));
  std::vector<fields> all;
  all.reserve(value->size());
  for (const auto& element : *value)
    all.emplace_back(element, fmt::format("{}[{}]", path_of(name), all.size()), known);
  return all;
}

std::optional<std::vector<std::string>> fields::maybe_texts(std::string_view name, std::size_t max,
                                                            const actors::text_rule& rule) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_array())
    wrong(name, fmt::format("must be a list of strings, not {}", type_name(*value)));
  if (value->size() > max)
    wrong(name, fmt::format("must have at most {} entries", max));
  std::vector<std::string> all;
  for (const auto& element : *value) {
    const auto path = fmt::format("{}[{}]", path_of(name), all.size());
    if (!element.is_string())
      throw refusal{.why = actors::errc::invalid,
                    .message = fmt::format("{}: must be a string, not {}", path, type_name(element)),
                    .field = path};
    const auto& text = element.get_ref<const std::string&>();
    if (auto no = actors::check_text(text, path, rule))
      throw refusal{.why = actors::errc::invalid, .message = no->message, .field = no->field};
    all.push_back(text);
  }
  return all;
}

std::optional<std::vector<std::pair<std::string, std::string>>> fields::maybe_map(
  std::string_view name, std::size_t max, const actors::text_rule& key,
  const actors::text_rule& value_rule) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_object())
    wrong(name, fmt::format("must be an object of texts, not {}", type_name(*value)));
  if (value->size() > max)
    wrong(name, fmt::format("must have at most {} entries", max));
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& item : value->items()) {
    const auto path = fmt::format("{}.{}", path_of(name), item.key().substr(0, 64));
    if (!item.value().is_primitive() || item.value().is_null())
      throw refusal{.why = actors::errc::invalid,
                    .message = fmt::format("{}: must be a string, not {}", path, type_name(item.value())),
                    .field = path};
    auto text = item.value().is_string() ? item.value().get<std::string>() : item.value().dump();
    auto no = actors::check_text(item.key(), path, key);
    if (!no)
      no = actors::check_text(text, path, value_rule);
    if (no)
      throw refusal{.why = actors::errc::invalid, .message = no->message, .field = no->field};
    all.emplace_back(item.key(), std::move(text));
  }
  return all;
}

document::document(std::string_view text) {
  // Depth is bounded before a tree is built. Brackets within strings are skipped; the parser finds everything
  // else.
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"')
      quoted = true;
    else if ((c == '[' || c == '{') && ++depth > depth_max)
      throw refusal{.why = errc::bad_json,
                    .message = fmt::format("The body is nested too deeply at byte {}.", i + 1)};
    else if (c == ']' || c == '}')
      --depth;
  }
  try {
    tree_ = std::make_unique<json>(json::parse(text));
  } catch (const json::parse_error& e) {
    const auto at = std::min(e.byte == 0 ? 0 : e.byte - 1, text.size());
    const auto before = text.substr(0, at);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto start = before.rfind('\n');
    const auto column = start == std::string_view::npos ? at + 1 : at - start;
    // What the parser read last is left out: it may be a password.
    throw refusal{.why = errc::bad_json,
                  .message = fmt::format("The body is not valid JSON: error at line {}, column {} (byte {}).",
                                         line, column, e.byte)};
  } catch (const json::exception&) {
    throw refusal{.why = errc::bad_json, .message = "The body is not valid JSON: a number is out of range."};
  }
  if (!tree_->is_object())
    throw refusal{.why = errc::bad_json,
                  .message = fmt::format("The body must be a JSON object, not {}.", type_name(*tree_))};
}

document::~document() = default;
document::document(document&&) noexcept = default;
document& document::operator=(document&&) noexcept = default;

fields document::root(std::initializer_list<std::string_view> known) const {
  return fields{*tree_, "", known};
}

namespace {

bool luhn(std::string_view digits) noexcept {
  int sum = 0;
  bool twice = false;
  for (auto i = digits.size(); i-- > 0; twice = !twice) {
    int digit = digits[i] - '0';
    if (twice && (digit *= 2) > 9)
      digit -= 9;
    sum += digit;
  }
  return sum % 10 == 0;
}

struct digit_run {
  std::size_t begin;
  std::size_t end; ///< behind its last digit
};

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// The next run of digits, single spaces and dashes between them allowed, that is a card number.
std::optional<digit_run> next_card(std::string_view text, std::size_t from) {
  while (from < text.size()) {
    while (from < text.size() && !is_digit(text[from]))
      ++from;
    std::array<char, 19> digits; // NOLINT: filled below
    std::size_t count = 0;
    std::size_t end = from;
    std::size_t i = from;
    for (; i < text.size(); ++i) {
      if (is_digit(text[i])) {
        if (count < digits.size())
          digits[count] = text[i];
        ++count;
        end = i + 1;
      } else if ((text[i] != ' ' && text[i] != '-') || i + 1 >= text.size() || !is_digit(text[i + 1]))
        break;
    }
    const bool phone =
      from > 0 && text[from - 1] == '+'; // E.164 has up to 15 digits, and each tenth passes Luhn
    if (count >= 13 && count <= digits.size() && !phone && luhn({digits.data(), count})
        && std::any_of(digits.data(), digits.data() + count, [](char c) { return c != '0'; }))
      return digit_run{from, end};
    from = std::max(i, from + 1);
  }
  return std::nullopt;
}

bool has_card_number_within(const json& value) {
  switch (value.type()) {
    case json::value_t::string: { // an id of ours may by chance have thirteen digits in a row
      const auto& text = value.get_ref<const std::string&>();
      return !storage::ulid::parse(text) && has_card_number(text);
    }
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return has_card_number(value.dump());
    case json::value_t::array:
      return std::any_of(value.begin(), value.end(), [](const json& v) { return has_card_number_within(v); });
    case json::value_t::object:
      for (const auto& item : value.items())
        if (has_card_number(item.key()) || has_card_number_within(item.value()))
          return true;
      return false;
    default:
      return false;
  }
}

} // namespace

bool has_card_number(std::string_view text) noexcept {
  return next_card(text, 0).has_value();
}

std::string without_card_numbers(std::string text) {
  std::size_t from = 0;
  while (const auto found = next_card(text, from)) {
    for (auto i = found->begin; i < found->end; ++i)
      if (is_digit(text[i]))
        text[i] = '*';
    from = found->end;
  }
  return text;
}

void document::refuse_card_numbers() const {
  if (has_card_number_within(*tree_))
    throw refusal{.why = errc::card_number_refused};
}

} // namespace souk::http::json
