#include "http/auth/session_cache.hpp"

#include <algorithm>

namespace souk::http {

session_cache::session_cache(std::size_t capacity, const runtime::clock& time)
  : part_capacity_(std::max<std::size_t>(1, capacity / part_count)), time_(time) {
  // nop
}

session_cache::answer session_cache::find(const storage::token_hash& token) {
  auto now = time_.now();
  auto& p = part_of(token);
  std::lock_guard lock{p.guard};
  answer out{std::nullopt, p.forgotten};
  auto at = p.where.find(token);
  if (at == p.where.end())
    return out;
  if (at->second->until <= now) {
    p.recent.erase(at->second);
    p.where.erase(at);
    return out;
  }
  p.recent.splice(p.recent.begin(), p.recent, at->second);
  out.known = at->second->who;
  return out;
}

void session_cache::put(const storage::token_hash& token, const session_identity& who, std::uint64_t ticket) {
  auto now = time_.now();
  auto until = std::min(now + keep, who.expires_at);
  auto& p = part_of(token);
  std::lock_guard lock{p.guard};
  if (p.forgotten != ticket || until <= now)
    return;
  if (auto at = p.where.find(token); at != p.where.end()) {
    *at->second = {token, who, until};
    p.recent.splice(p.recent.begin(), p.recent, at->second);
    return;
  }
  if (p.recent.size() >= part_capacity_) {
    p.where.erase(p.recent.back().token);
    p.recent.pop_back();
  }
  p.recent.push_front({token, who, until});
  p.where.emplace(token, p.recent.begin());
}

void session_cache::forget(const storage::token_hash& token) {
  auto& p = part_of(token);
  std::lock_guard lock{p.guard};
  ++p.forgotten;
  if (auto at = p.where.find(token); at != p.where.end()) {
    p.recent.erase(at->second);
    p.where.erase(at);
  }
}

std::size_t session_cache::size() const {
  std::size_t sum = 0;
  for (const auto& p : parts_) {
    std::lock_guard lock{p.guard};
    sum += p.recent.size();
  }
  return sum;
}

} // namespace souk::http
