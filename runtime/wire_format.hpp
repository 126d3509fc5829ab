#pragma once

#include "storage/ulid.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <caf/meta/annotation.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/save_callback.hpp>

// The bytes that nodes exchange. Made from the same inspect() that CAF uses, but fit for a rolling upgrade,
// which CAF 0.17's own format is not: a struct carries its length, so a reader skips fields at its end that
// it does not know yet and leaves fields that an older writer did not send at their defaults.
//
// How to change what travels: add fields at the end of a struct (and of its inspect). Never remove, reorder
// or retype one. A pair, a tuple or an array has no length of its own and never changes. An enumeration may
// grow, but whoever reads must expect values that it has no name for.
//
//   bool, one-byte integers          a byte; bool is 0 or 1
//   other integers                   varint, 7 bits a byte, least significant first; signed ones zigzag
//   enumerations                     as their underlying type
//   float, double                    4 or 8 bytes, least significant first
//   chrono durations, time points    as their count
//   string                           varint length, bytes
//   vector, set, map …               varint count, elements
//   optional                         0, or 1 and the value
//   array, pair, tuple               their elements
//   ulid                             16 bytes
//   struct with inspect()            varint length, fields

namespace souk::runtime {

/// The newest version of the node-to-node protocol that this program speaks, and the oldest. Two nodes talk
/// when each one's newest is at least the other's oldest; they then speak the smaller newest one.
inline constexpr int wire_version = 1;
inline constexpr int wire_version_oldest = 1;

namespace wire {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;
template <class T>
inline constexpr bool is_duration = false;
template <class R, class P>
inline constexpr bool is_duration<std::chrono::duration<R, P>> = true;
template <class T>
inline constexpr bool is_time_point = false;
template <class C, class D>
inline constexpr bool is_time_point<std::chrono::time_point<C, D>> = true;

template <class T>
concept associative = requires(T x, typename T::key_type k) {
  x.find(k);
};
template <class T>
concept mapping = associative<T> && requires {
  typename T::mapped_type;
};
template <class T>
concept sequence = requires(T x, typename T::value_type v) {
  x.push_back(std::move(v));
};
template <class T>
concept fixed_group = requires {
  std::tuple_size<T>::value;
};
template <class T, class Inspector>
concept inspectable = requires(Inspector& f, T& x) {
  inspect(f, x);
};

/// An inspector that appends to a string.
class writer {
public:
  using result_type = bool;

  explicit writer(std::string& out) : out_(out) {}

  template <class... Ts>
  bool operator()(Ts&&... fields) {
    return (field(fields) && ...);
  }

  template <class T>
  void put(const T& x) {
    if constexpr (std::same_as<T, bool>) {
      out_.push_back(x ? '\1' : '\0');
    } else if constexpr (std::is_enum_v<T>) {
      put(static_cast<std::underlying_type_t<T>>(x));
    } else if constexpr (std::integral<T>) {
      if constexpr (sizeof(T) == 1)
        out_.push_back(static_cast<char>(x));
      else if constexpr (std::unsigned_integral<T>)
        put_varint(x);
      else
        put_zigzag(x);
    } else if constexpr (std::same_as<T, double>) {
      put_fixed(std::bit_cast<std::uint64_t>(x), 8);
    } else if constexpr (std::same_as<T, float>) {
      put_fixed(std::bit_cast<std::uint32_t>(x), 4);
    } else if constexpr (std::same_as<T, std::string>) {
      put_bytes(x);
    } else if constexpr (std::same_as<T, storage::ulid>) {
      out_.append(reinterpret_cast<const char*>(x.bytes.data()), x.bytes.size());
    } else if constexpr (is_duration<T>) {
      put(x.count());
    } else if constexpr (is_time_point<T>) {
      put(x.time_since_epoch().count());
    } else if constexpr (is_optional<T>) {
      put(x.has_value());
      if (x)
        put(*x);
    } else if constexpr (is_array<T>) {
      for (const auto& item : x)
        put(item);
    } else if constexpr (mapping<T>) {
      put_varint(x.size());
      for (const auto& [key, value] : x) {
        put(key);
        put(value);
      }
    } else if constexpr (associative<T> || sequence<T>) {
      put_varint(x.size());
      for (const typename T::value_type& item : x)
        put(item);
    } else if constexpr (fixed_group<T>) {
      std::apply([this](const auto&... items) { (put(items), ...); }, x);
    } else {
      static_assert(inspectable<T, writer>, "this type has no form on the wire");
      auto began = open_struct();
      inspect(*this, const_cast<T&>(x)); // only read: inspect() takes one form for reading and writing
      close_struct(began);
    }
  }

private:
  template <class T>
  bool field(T& x) {
    using type = std::remove_cvref_t<T>;
    if constexpr (caf::meta::is_save_callback<type>::value)
      return !x.fun();
    else if constexpr (!caf::meta::is_annotation<type>::value)
      put(x);
    return true;
  }

  void put_varint(std::uint64_t x);
  void put_zigzag(std::int64_t x);
  void put_fixed(std::uint64_t x, int size);
  void put_bytes(std::string_view x);
  std::size_t open_struct();
  void close_struct(std::size_t began);

  std::string& out_;
};

/// An inspector that reads what a writer wrote, and survives anything else: every length is compared with
/// what is left before it is believed, and the first thing that is wrong ends it.
class reader {
public:
  using result_type = bool;

  explicit reader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool at_end() const noexcept { return at_ == end_; }
  std::string_view rest() const noexcept { return {at_, left()}; }

  template <class... Ts>
  bool operator()(Ts&&... fields) {
    return (field(fields) && ...);
  }

  template <class T>
  bool take(T& x) {
    if constexpr (std::same_as<T, bool>) {
      std::uint8_t byte = 0;
      if (!take_byte(byte) || byte > 1)
        return false;
      x = byte == 1;
      return true;
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> value{};
      if (!take(value))
        return false;
      x = static_cast<T>(value);
      return true;
    } else if constexpr (std::integral<T>) {
      return take_integer(x);
    } else if constexpr (std::same_as<T, double>) {
      return take_float<std::uint64_t>(x);
    } else if constexpr (std::same_as<T, float>) {
      return take_float<std::uint32_t>(x);
    } else if constexpr (std::same_as<T, std::string>) {
      std::string_view bytes;
      if (!take_bytes(bytes))
        return false;
      x.assign(bytes);
      return true;
    } else if constexpr (std::same_as<T, storage::ulid>) {
      if (left() < x.bytes.size())
        return false;
      std::memcpy(x.bytes.data(), at_, x.bytes.size());
      at_ += x.bytes.size();
      return true;
    } else if constexpr (is_duration<T>) {
      typename T::rep count{};
      if (!take(count))
        return false;
      x = T{count};
      return true;
    } else if constexpr (is_time_point<T>) {
      typename T::duration since{};
      if (!take(since))
        return false;
      x = T{since};
      return true;
    } else if constexpr (is_optional<T>) {
      bool there = false;
      if (!take(there))
        return false;
      if (!there)
        return x.reset(), true;
      return take(x.emplace());
    } else if constexpr (is_array<T>) {
      for (auto& item : x)
        if (!take(item))
          return false;
      return true;
    } else if constexpr (mapping<T> || associative<T> || sequence<T>) {
      return take_container(x);
    } else if constexpr (fixed_group<T>) {
      return std::apply([this](auto&... items) { return (take(items) && ...); }, x);
    } else {
      static_assert(inspectable<T, reader>, "this type has no form on the wire");
      const char* outer = nullptr;
      if (!open_struct(outer))
        return false;
      return inspect(*this, x) && close_struct(outer);
    }
  }

private:
  /// A field of a struct: not there when the writer's struct ended before it.
  template <class T>
  bool field(T& x) {
    using type = std::remove_cvref_t<T>;
    if constexpr (caf::meta::is_load_callback<type>::value)
      return !x.fun();
    else if constexpr (caf::meta::is_annotation<type>::value)
      return true;
    else
      return at_end() || take(x);
  }

  template <class T>
  bool take_integer(T& x) {
    if constexpr (sizeof(T) == 1) {
      std::uint8_t byte = 0;
      if (!take_byte(byte))
        return false;
      x = static_cast<T>(byte);
    } else if constexpr (std::unsigned_integral<T>) {
      std::uint64_t wide = 0;
      if (!take_varint(wide) || wide > std::numeric_limits<T>::max())
        return false;
      x = static_cast<T>(wide);
    } else {
      std::int64_t wide = 0;
      if (!take_zigzag(wide) || wide < std::numeric_limits<T>::min() || wide > std::numeric_limits<T>::max())
        return false;
      x = static_cast<T>(wide);
    }
    return true;
  }

  template <class Bits, class T>
  bool take_float(T& x) {
    std::uint64_t bits = 0;
    if (!take_fixed(bits, static_cast<int>(sizeof(Bits))))
      return false;
    x = std::bit_cast<T>(static_cast<Bits>(bits));
    return true;
  }

  /// Nothing is reserved on the word of the count: the container grows with what is really there.
  template <class T>
  bool take_container(T& x) {
    x.clear();
    std::uint64_t count = 0;
    if (!take_varint(count) || count > left()) // no element takes less than a byte
      return false;
    for (std::uint64_t i = 0; i < count; ++i) {
      if constexpr (mapping<T>) {
        typename T::key_type key{};
        typename T::mapped_type value{};
        if (!take(key) || !take(value) || !x.emplace(std::move(key), std::move(value)).second)
          return false;
      } else if constexpr (associative<T>) {
        typename T::key_type key{};
        if (!take(key) || !x.insert(std::move(key)).second)
          return false;
      } else {
        typename T::value_type item{};
        if (!take(item))
          return false;
        x.push_back(std::move(item));
      }
    }
    return true;
  }

  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  bool take_byte(std::uint8_t& x);
  bool take_varint(std::uint64_t& x);
  bool take_zigzag(std::int64_t& x);
  bool take_fixed(std::uint64_t& x, int size);
  bool take_bytes(std::string_view& x);
  /// Narrows the view to the struct that begins here; `outer` keeps where it ended before.
  bool open_struct(const char*& outer);
  bool close_struct(const char* outer);

  const char* at_;
  const char* end_; ///< of the innermost struct
  int depth_ = 0;
};

} // namespace wire

template <class T>
std::string to_bytes(const T& x) {
  std::string out;
  wire::writer{out}.put(x);
  return out;
}

/// @returns whether the bytes are one well-formed T and nothing else; `x` is left alone when they are not.
template <class T>
bool from_bytes(std::string_view bytes, T& x) {
  T fresh{};
  wire::reader from{bytes};
  if (!from.take(fresh) || !from.at_end())
    return false;
  x = std::move(fresh);
  return true;
}

} // namespace souk::runtime
