#pragma once

// What the files of arbitrary rows are written with; nobody else includes this.

#include "storage/arbitrary_rows.hpp"
#include "storage/shop_rows.hpp"

#include <rapidcheck.h>

#include <initializer_list>
#include <vector>

namespace souk::tests {

template <class T>
T one_of(std::initializer_list<T> choices) {
  return *rc::gen::elementOf(std::vector<T>(choices));
}

inline bool coin() {
  return *rc::gen::arbitrary<bool>();
}

template <class F>
auto some(int at_most, F make) {
  std::vector<decltype(make())> out;
  for (int i = *rc::gen::inRange(0, at_most + 1); i > 0; --i)
    out.push_back(make());
  return out;
}

/// 0 to `most`.
inline std::int64_t up_to(std::int64_t most) {
  return coin() ? most : most / 100 * *rc::gen::inRange<std::int64_t>(0, 100);
}

/// An id of any shard, or nil.
inline storage::ulid maybe_id() {
  return coin() ? storage::ulid{} : new_id(*rc::gen::arbitrary<std::uint8_t>());
}

/// A time, or the epoch, which stands for "never".
inline storage::timestamp maybe_time() {
  return coin() ? storage::timestamp{} : any_time();
}

inline std::int32_t any_ppm() {
  return *rc::gen::inRange(0, 1'000'001);
}

storage::discount_rule any_rule();
storage::store_settings any_settings();
storage::order_pricing any_pricing();

} // namespace souk::tests
