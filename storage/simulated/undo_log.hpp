#pragma once

#include <functional>
#include <optional>
#include <vector>

namespace souk::storage::simulated {

/// Remembers what rows were before a transaction changed them. A mark is a savepoint.
class undo_log {
public:
  using mark = std::size_t;

  mark here() const noexcept { return steps_.size(); }

  void back_to(mark m) {
    while (steps_.size() > m) {
      steps_.back()();
      steps_.pop_back();
    }
  }

  /// Call before changing, adding or erasing `key`.
  template <class Map>
  requires requires { typename Map::mapped_type; }
  void save(Map& map, typename Map::key_type key) {
    std::optional<typename Map::mapped_type> old;
    if (auto at = map.find(key); at != map.end())
      old = at->second;
    steps_.push_back([&map, key = std::move(key), old = std::move(old)] {
      if (old)
        map.insert_or_assign(key, *old);
      else
        map.erase(key);
    });
  }

  template <class Set>
  requires(!requires { typename Set::mapped_type; }) void save(Set& set, typename Set::key_type key) {
    steps_.push_back([&set, key, there = set.contains(key)] {
      if (there)
        set.insert(key);
      else
        set.erase(key);
    });
  }

  /// Call before changing a row that stays where it is.
  template <class Row>
  void save_row(Row& row) {
    steps_.push_back([&row, old = row] { row = old; });
  }

  /// Call before appending.
  template <class T>
  void save_end(std::vector<T>& rows) {
    steps_.push_back([&rows, size = static_cast<std::ptrdiff_t>(rows.size())] {
      rows.erase(rows.begin() + size, rows.end());
    });
  }

private:
  std::vector<std::function<void()>> steps_;
};

} // namespace souk::storage::simulated
