#pragma once

#include "storage/ulid.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace souk::http::json {

/// Appends a JSON text piece by piece, without building a tree: answers are written once and never read back.
/// The caller keeps the order right (a key before each value of an object); texts are quoted, and must be
/// UTF-8.
class writer {
public:
  writer& begin_object() { return open('{'); }
  writer& end_object() { return close('}'); }
  writer& begin_array() { return open('['); }
  writer& end_array() { return close(']'); }
  writer& key(std::string_view name);

  writer& value(std::string_view text);
  writer& value(const char* text) { return value(std::string_view{text}); }
  writer& value(std::int64_t number);
  writer& value(std::int32_t number) { return value(std::int64_t{number}); }
  writer& value(bool yes);
  writer& value(const storage::ulid& id);
  /// As "2024-05-01T12:00:00.123Z".
  writer& value(storage::timestamp at);
  writer& null();
  /// Text that is JSON already.
  writer& raw(std::string_view json);

  template <class T>
  writer& field(std::string_view name, const T& content) {
    return key(name).value(content);
  }
  /// Null when the text is empty.
  writer& field_or_null(std::string_view name, std::string_view text);

  const std::string& text() const& noexcept { return text_; }
  std::string text() && noexcept { return std::move(text_); }
  std::size_t size() const noexcept { return text_.size(); }

private:
  writer& open(char bracket);
  writer& close(char bracket);
  void separate();

  std::string text_;
  bool needs_comma_ = false;
};

/// ISO 8601 in UTC, to the millisecond.
std::string iso_time(storage::timestamp at);

} // namespace souk::http::json
