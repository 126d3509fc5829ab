#pragma once

#include "actors/money/currency.hpp"
#include "actors/text.hpp"
#include "storage/ulid.hpp"

#include <initializer_list>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::http::json {

/// An object of a request's body, read strictly: a field that is not on the list is refused, so that nobody
/// sets what only the shop may set (a price, a role, a store), and every wrong type or range is refused by
/// the field's name. A field that is null counts as absent. All members throw `refusal`.
class fields {
public:
  /// @param path where the object stands in the body: "" or "items[0]"
  fields(const nlohmann::json& object, std::string path, std::initializer_list<std::string_view> known);

  bool has(std::string_view name) const;
  /// Whether it is this very text: a word that stands for a value of another type.
  bool is_text(std::string_view name, std::string_view text) const;

  std::string text(std::string_view name, const actors::text_rule& rule) const;
  std::optional<std::string> maybe_text(std::string_view name, const actors::text_rule& rule) const;
  /// Empty when absent.
  std::string text_or_empty(std::string_view name, actors::text_rule rule) const;

  /// Any text, with its spaces and whatever else: a password.
  std::string secret(std::string_view name) const;

  std::int64_t integer(std::string_view name, std::int64_t low, std::int64_t high) const;
  std::optional<std::int64_t> maybe_integer(std::string_view name, std::int64_t low, std::int64_t high) const;
  std::optional<bool> maybe_boolean(std::string_view name) const;

  storage::ulid id(std::string_view name) const;
  std::optional<storage::ulid> maybe_id(std::string_view name) const;
  std::optional<std::vector<storage::ulid>> maybe_ids(std::string_view name, std::size_t max) const;

  /// An instant of RFC 3339, "2024-05-01T12:00:00Z"; none before 1970.
  std::optional<storage::timestamp> maybe_time(std::string_view name) const;

  /// "19.99", or 19.99 for those who send numbers: read from its decimal digits. Minor units, 0 to
  /// amount_max.
  std::int64_t amount(std::string_view name, const actors::currency& unit) const;
  std::optional<std::int64_t> maybe_amount(std::string_view name, const actors::currency& unit) const;

  /// A rate like "0.19" or 0.19 in parts per million, 0 to 1,000,000.
  std::optional<std::int32_t> maybe_rate_ppm(std::string_view name) const;

  /// An object inside, to be read the same way. Absent: nullopt.
  std::optional<fields> maybe_object(std::string_view name,
                                     std::initializer_list<std::string_view> known) const;
  fields object(std::string_view name, std::initializer_list<std::string_view> known) const;
  /// The objects of a list. Absent: nullopt.
  std::optional<std::vector<fields>> maybe_objects(std::string_view name, std::size_t max,
                                                   std::initializer_list<std::string_view> known) const;
  std::optional<std::vector<std::string>> maybe_texts(std::string_view name, std::size_t max,
                                                      const actors::text_rule& rule) const;
  /// {"Color": "red", …} in the order of the names; numbers and booleans become texts.
  std::optional<std::vector<std::pair<std::string, std::string>>> maybe_map(
    std::string_view name, std::size_t max, const actors::text_rule& key,
    const actors::text_rule& value) const;

  /// "items[0].quantity"
  std::string path_of(std::string_view name) const;
  [[noreturn]] void wrong(std::string_view name, std::string message) const;

private:
  const nlohmann::json* find(std::string_view name) const;
  std::optional<std::int64_t> decimal(std::string_view name, int exponent, std::int64_t max,
                                      std::string_view example) const;

  const nlohmann::json* object_;
  std::string path_;
};

/// A request's body. Keeps the text's tree alive for the `fields` read from it.
class document {
public:
  /// @throws refusal errc::bad_json with the position of the first error (UTF-8 included), or when it is no
  /// object.
  explicit document(std::string_view text);
  ~document();
  document(document&&) noexcept;
  document& operator=(document&&) noexcept;

  fields root(std::initializer_list<std::string_view> known) const;
  /// Refuses the body (card_number_refused) when any text or number in it looks like a payment card's: 13 to
  /// 19 digits, spaces and dashes apart, with a right Luhn check digit. What it was is neither answered nor
  /// logged.
  void refuse_card_numbers() const;

private:
  std::unique_ptr<nlohmann::json> tree_;
};

/// Whether a text contains what looks like a card number.
bool has_card_number(std::string_view text) noexcept;
/// The text with the digits of what looks like a card number replaced by "*": for logs.
std::string without_card_numbers(std::string text);

} // namespace souk::http::json
