#pragma once

#include <optional>

#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/save_callback.hpp>

// CAF 0.17 knows caf::optional only. Placed in namespace caf so that its inspectors find it by argument-dependent look-up.
namespace caf {

template <class Inspector, class T>
typename Inspector::result_type inspect(Inspector& f, std::optional<T>& x) {
  bool there = x.has_value();
  T value = there ? *x : T{};
  auto load = [&]() -> error {
    if (there)
      x = std::move(value);
    else
      x.reset();
    return none;
  };
  return f(there, value, meta::load_callback(load));
}

} // namespace caf
