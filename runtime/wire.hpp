#pragma once

#include "runtime/wire_format.hpp"

#include <optional>
#include <stdexcept>
#include <typeindex>
#include <unordered_map>

#include <caf/error.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <caf/rtti_pair.hpp>

namespace souk::runtime {

/// What may be done with a command when nobody knows whether it was done: the node that had it is gone or
/// silent.
enum class repeat : std::uint8_t {
  safe = 1, ///< ask again: done twice it is as good as done once
  never = 2 ///< say that it is in doubt
};

namespace wire {

/// Finds structs whose inspect() names no field although they have some: they stay in their process and must
/// not travel.
class field_check {
public:
  using result_type = bool;

  template <class... Ts>
  bool operator()(Ts&&...) {
    fields_ += sizeof...(Ts);
    return (travels<std::remove_cvref_t<Ts>>() && ...);
  }

  template <class T>
  static bool travels() {
    if constexpr (
      caf::meta::is_annotation<T>::value
      || std::is_arithmetic_v<
        T> || std::is_enum_v<T> || std::same_as<T, std::string> || is_duration<T> || is_time_point<T>) {
      return true;
    } else if constexpr (mapping<T>) {
      return travels<typename T::key_type>() && travels<typename T::mapped_type>();
    } else if constexpr (is_optional<T> || is_array<T> || associative<T> || sequence<T>) {
      return travels<typename T::value_type>();
    } else if constexpr (fixed_group<T>) {
      return []<std::size_t... I>(std::index_sequence<I...>) {
        return (travels<std::tuple_element_t<I, T>>() && ...);
      }
      (std::make_index_sequence<std::tuple_size_v<T>>{});
    } else {
      field_check inside;
      T x{};
      return inspect(inside, x) && (inside.fields_ > 0 || std::is_empty_v<T>);
    }
  }

private:
  std::size_t fields_ = 0;
};

} // namespace wire

/// The messages that may cross from node to node: those of one element whose type is in the book, and the
/// empty one. A type keeps its number for ever, and a number that is no longer used stays unused: nodes of
/// several releases talk to each other.
class wire_book {
public:
  /// Numbers are 1 to 65535. @throws std::logic_error for a number or a type that is there already, and for a
  /// type that holds something whose inspect() names no field
  template <class T>
  void add(std::uint16_t number, repeat again) {
    if (!wire::field_check::travels<T>())
      throw std::logic_error{"a type with number " + std::to_string(number)
                             + " is made to stay in its process"};
    add(number, caf::make_rtti_pair<T>(),
        {number, again,
         [](const void* x, std::string& out) { wire::writer{out}.put(*static_cast<const T*>(x)); },
         [](std::string_view bytes) -> std::optional<caf::message> {
           T x{};
           if (!from_bytes(bytes, x))
             return std::nullopt;
           return caf::make_message(std::move(x));
         }});
  }

  std::size_t size() const noexcept { return by_type_.size(); }

  /// Appends the message. @returns false, and appends nothing, for a message that is not in the book.
  bool write(const caf::message& what, std::string& out) const;
  /// @returns nothing for bytes that are malformed or whose number is not in the book (a newer node's).
  std::optional<caf::message> read(std::string_view bytes) const;
  /// Whether a command may be asked again although it may have been done already. False for what is not in
  /// the book.
  bool repeatable(const caf::message& what) const;

  /// Appends the error with what came along, if that is in the book, else with its text. CAF's own errors say
  /// nothing to another node: they travel as errc::unavailable with their text.
  void write_error(const caf::error& why, std::string& out) const;
  std::optional<caf::error> read_error(std::string_view bytes) const;

private:
  struct entry {
    std::uint16_t number = 0;
    repeat again = repeat::never;
    void (*write)(const void*, std::string&) = nullptr;
    std::optional<caf::message> (*read)(std::string_view) = nullptr;
  };
  struct type_key {
    std::uint16_t built_in; ///< CAF numbers its built-in types and knows others by their C++ type
    std::type_index type;
    bool operator==(const type_key&) const = default;
  };
  struct type_hash {
    std::size_t operator()(const type_key& x) const noexcept { return x.type.hash_code() ^ x.built_in; }
  };

  static type_key key_of(caf::rtti_pair type);
  void add(std::uint16_t number, caf::rtti_pair type, entry how);
  const entry* find(const caf::message& what) const;

  std::unordered_map<type_key, entry, type_hash> by_type_;
  std::unordered_map<std::uint16_t, entry> by_number_;
};

} // namespace souk::runtime
