#pragma once

#include "actors/error.hpp"

#include <string>
#include <utility>
#include <variant>

namespace souk::actors {

/// Why a rule says no.
struct rejection {
  errc code = errc::invalid;
  std::string message; ///< for people
  std::string field;   ///< "variants[2].price"; empty when it is about the whole
};

inline rejection invalid(std::string field, std::string message) {
  return {errc::invalid, std::move(message), std::move(field)};
}

/// The error that travels to whoever asked.
inline caf::error refuse(const rejection& no) {
  return refuse(no.code, no.message, no.field);
}

/// What a rule makes of a command: a value, or why not.
template <class T>
class outcome {
public:
  outcome(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  outcome(rejection no) : held_(std::in_place_index<1>, std::move(no)) {}

  explicit operator bool() const noexcept { return held_.index() == 0; }
  /// @pre the rule said yes
  T& operator*() { return std::get<0>(held_); }
  const T& operator*() const { return std::get<0>(held_); }
  T* operator->() { return &std::get<0>(held_); }
  const T* operator->() const { return &std::get<0>(held_); }
  /// @pre the rule said no
  const rejection& why() const { return std::get<1>(held_); }

private:
  std::variant<T, rejection> held_;
};

} // namespace souk::actors
