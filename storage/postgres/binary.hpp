#pragma once

#include "storage/ulid.hpp"

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace souk::storage::postgres {

/// JSON text for a `json` parameter (keeps keys in order) or a `jsonb` one.
struct json_text {
  std::string_view text;
};
struct jsonb_text {
  std::string_view text;
};
/// For a `bytea` parameter.
struct bytes_view {
  std::span<const std::uint8_t> bytes;
};

/// Type numbers of PostgreSQL (pg_type.dat); they never change.
enum class oid : std::uint32_t {
  boolean = 16,
  bytea = 17,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  text = 25,
  json = 114,
  timestamptz = 1184,
  uuid = 2950,
  jsonb = 3802
};

// -- values in network byte order, as the binary protocol wants them ------------------------------------------------------

template <std::integral T>
T network_order(T value) noexcept {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1)
    return value;
  else {
    auto raw = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
    for (std::size_t i = 0; i < sizeof(T) / 2; ++i)
      std::swap(raw[i], raw[sizeof(T) - 1 - i]);
    return std::bit_cast<T>(raw);
  }
}

template <std::integral T>
void append_integer(std::string& out, T value) {
  const T wire = network_order(value);
  out.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}

template <std::integral T>
T read_integer(const char* at) noexcept {
  T wire;
  std::memcpy(&wire, at, sizeof wire);
  return network_order(wire);
}

/// Microseconds between 1970-01-01, from which C++ counts, and 2000-01-01, from which PostgreSQL does.
inline constexpr std::int64_t postgres_epoch_us = 946'684'800'000'000;

template <class T>
struct codec; // oid of a C++ type and its bytes, without the length in front

template <>
struct codec<bool> {
  static constexpr oid type = oid::boolean;
  static void append(std::string& out, bool x) { out.push_back(x ? '\1' : '\0'); }
};
template <>
struct codec<std::int16_t> {
  static constexpr oid type = oid::int2;
  static void append(std::string& out, std::int16_t x) { append_integer(out, x); }
};
template <>
struct codec<std::int32_t> {
  static constexpr oid type = oid::int4;
  static void append(std::string& out, std::int32_t x) { append_integer(out, x); }
};
template <>
struct codec<std::int64_t> {
  static constexpr oid type = oid::int8;
  static void append(std::string& out, std::int64_t x) { append_integer(out, x); }
};
template <>
struct codec<std::string_view> {
  static constexpr oid type = oid::text;
  static void append(std::string& out, std::string_view x) { out.append(x); }
};
template <>
struct codec<std::string> : codec<std::string_view> {};
template <>
struct codec<ulid> {
  static constexpr oid type = oid::uuid;
  static void append(std::string& out, const ulid& x) {
    out.append(reinterpret_cast<const char*>(x.bytes.data()), x.bytes.size());
  }
};
template <>
struct codec<timestamp> {
  static constexpr oid type = oid::timestamptz;
  static void append(std::string& out, timestamp x) {
    append_integer(out, static_cast<std::int64_t>(x.time_since_epoch().count()) - postgres_epoch_us);
  }
};
template <>
struct codec<bytes_view> {
  static constexpr oid type = oid::bytea;
  static void append(std::string& out, bytes_view x) {
    out.append(reinterpret_cast<const char*>(x.bytes.data()), x.bytes.size());
  }
};
template <>
struct codec<json_text> {
  static constexpr oid type = oid::json;
  static void append(std::string& out, json_text x) { out.append(x.text); }
};
template <>
struct codec<jsonb_text> {
  static constexpr oid type = oid::jsonb;
  static void append(std::string& out, jsonb_text x) {
    out.push_back('\1'); // the version of jsonb's binary form
    out.append(x.text);
  }
};

// -- parameters ------------------------------------------------------------------------------------------------------------

/// One array parameter (`uuid[]`, `int8[]`, …) in binary form, grown element by element.
class array_parameter {
public:
  /// @pre every element has the same type, that of the statement's parameter.
  template <class T>
  void add(const T& value) {
    begin(codec<T>::type);
    const auto length_at = bytes_.size();
    append_integer(bytes_, std::int32_t{0});
    codec<T>::append(bytes_, value);
    patch(length_at, static_cast<std::int32_t>(bytes_.size() - length_at - 4));
  }
  template <class T>
  void add(const std::optional<T>& value) {
    if (value)
      return add(*value);
    begin(codec<T>::type);
    append_integer(bytes_, std::int32_t{-1});
    patch(4, 1); // "has nulls"
  }

  std::int32_t size() const noexcept { return count_; }
  /// The wire form. An array nothing was added to is empty for every element type.
  std::string take() {
    if (count_ == 0) {
      bytes_.clear();
      append_integer(bytes_, std::int32_t{0});
      append_integer(bytes_, std::int32_t{0});
      append_integer(bytes_, static_cast<std::int32_t>(type_));
    } else {
      patch(12, count_);
    }
    return std::move(bytes_);
  }
  /// Says the element type of an array that may stay empty.
  void type(oid t) noexcept { type_ = t; }

private:
  void begin(oid t) {
    if (count_++ == 0) {
      bytes_.reserve(1024);
      append_integer(bytes_, std::int32_t{1}); // dimensions
      append_integer(bytes_, std::int32_t{0}); // has nulls
      append_integer(bytes_, static_cast<std::int32_t>(t));
      append_integer(bytes_, std::int32_t{0}); // elements
      append_integer(bytes_, std::int32_t{1}); // lower bound
    }
  }
  void patch(std::size_t at, std::int32_t value) noexcept {
    const std::int32_t wire = network_order(value);
    std::memcpy(bytes_.data() + at, &wire, sizeof wire);
  }

  std::string bytes_;
  std::int32_t count_ = 0;
  oid type_ = oid::text;
};

/// The parameters of one call, in order. The statement's SQL casts them ($1::uuid[]), so types must agree exactly.
class parameters {
public:
  parameters() = default;
  template <class... T>
  static parameters of(const T&... values) {
    parameters out;
    (out.add(values), ...);
    return out;
  }

  template <class T>
  void add(const T& value) {
    codec<T>::append(values_.emplace_back().emplace(), value);
  }
  template <class T>
  void add(const std::optional<T>& value) {
    if (value)
      add(*value);
    else
      values_.emplace_back();
  }
  template <class T>
  void add(const std::vector<T>& values) {
    array_parameter a;
    a.type(codec<T>::type);
    for (const auto& v : values)
      a.add(v);
    values_.emplace_back(a.take());
  }
  void add(array_parameter&& a) { values_.emplace_back(a.take()); }

  const std::vector<std::optional<std::string>>& values() const noexcept { return values_; }

private:
  std::vector<std::optional<std::string>> values_;
};

/// Rows for `FROM unnest($1::…[], $2::…[], …)`: one array per column.
class column_arrays {
public:
  template <class... T>
  void row(const T&... values) {
    if (columns_.empty())
      columns_.resize(sizeof...(T));
    std::size_t i = 0;
    (columns_[i++].add(values), ...);
    ++rows_;
  }
  std::int64_t rows() const noexcept { return rows_; }
  bool empty() const noexcept { return rows_ == 0; }
  /// The arrays as parameters $1 … $columns.
  parameters take() {
    parameters out;
    for (auto& column : columns_)
      out.add(std::move(column));
    return out;
  }

private:
  std::vector<array_parameter> columns_;
  std::int64_t rows_ = 0;
};

} // namespace souk::storage::postgres
