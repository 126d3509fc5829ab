#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace souk::http {

/// A bounded map that forgets what was used least recently. Safe from any thread; parts with a lock each keep
/// 200 threads from meeting at one.
template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<>>
class lru_cache {
public:
  /// @param capacity sum of the weights of all entries
  explicit lru_cache(std::size_t capacity) : part_capacity_(capacity / part_count + 1) {}

  template <class K>
  std::optional<Value> find(const K& key) {
    auto& p = part_of(key);
    const std::lock_guard lock{p.guard};
    const auto at = p.where.find(key);
    if (at == p.where.end())
      return std::nullopt;
    p.recent.splice(p.recent.begin(), p.recent, at->second);
    return at->second->value;
  }

  void put(const Key& key, Value value, std::size_t weight = 1) {
    auto& p = part_of(key);
    const std::lock_guard lock{p.guard};
    if (const auto at = p.where.find(key); at != p.where.end()) {
      p.weight -= at->second->weight;
      p.recent.erase(at->second);
      p.where.erase(at);
    }
    if (weight > part_capacity_)
      return;
    p.recent.push_front({key, std::move(value), weight});
    p.where.emplace(key, p.recent.begin());
    p.weight += weight;
    while (p.weight > part_capacity_) {
      p.weight -= p.recent.back().weight;
      p.where.erase(p.recent.back().key);
      p.recent.pop_back();
    }
  }

  std::size_t size() const {
    std::size_t sum = 0;
    for (const auto& p : parts_) {
      const std::lock_guard lock{p.guard};
      sum += p.recent.size();
    }
    return sum;
  }

private:
  struct entry {
    Key key;
    Value value;
    std::size_t weight;
  };
  struct part {
    mutable std::mutex guard;
    std::list<entry> recent; ///< most recently used first
    std::unordered_map<Key, typename std::list<entry>::iterator, Hash, Equal> where;
    std::size_t weight = 0;
  };
  static constexpr std::size_t part_count = 16;

  template <class K>
  part& part_of(const K& key) {
    return parts_[(Hash{}(key)*0x9E3779B97F4A7C15U >> 48) % part_count];
  }

  std::size_t part_capacity_;
  std::array<part, part_count> parts_;
};

} // namespace souk::http
