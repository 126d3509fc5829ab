#include "storage/redis/redis_cache.hpp"

#include <charconv>

namespace souk::storage::redis {

namespace {

// Entries are hashes {seq, value}; a tombstone has no value. Redis runs a script as one step, so nothing comes between the look
// and the write. Seqs are compared by length, then by digits: Lua's numbers would round those beyond 2^53.
constexpr const char* set_script = R"(
  local old = redis.call('HGET', KEYS[1], 'seq')
  local function older(a, b) return #a < #b or (#a == #b and a < b) end
  if old and (older(ARGV[1], old) or (ARGV[4] == '0' and old == ARGV[1] and redis.call('HEXISTS', KEYS[1], 'value') == 1)) then
    return 0
  end
  redis.call('DEL', KEYS[1])
  if ARGV[4] == '1' then redis.call('HSET', KEYS[1], 'seq', ARGV[1])
  else redis.call('HSET', KEYS[1], 'seq', ARGV[1], 'value', ARGV[3]) end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1)";

command set_command(const std::string& key, std::int64_t seq, std::chrono::milliseconds lifetime, const std::string& value,
                    bool tombstone) {
  return {"EVAL", set_script, "1", key, std::to_string(seq), std::to_string(lifetime.count()), value, tombstone ? "1" : "0"};
}

std::optional<cached> entry_of(const reply& r) {
  if (r.what != reply::kind::list || r.list.size() != 2 || r.list[0].what != reply::kind::text
      || r.list[1].what != reply::kind::text)
    return std::nullopt;
  cached out;
  const auto& seq = r.list[0].text;
  if (std::from_chars(seq.data(), seq.data() + seq.size(), out.seq).ec != std::errc{})
    return std::nullopt;
  out.value = r.list[1].text;
  return out;
}

} // namespace

redis_cache::redis_cache(const std::string& url, client_limits limits) : client_(url, limits) {
  // nop
}

std::optional<cached> redis_cache::get(const std::string& key) {
  return std::move(get(std::vector<std::string>{key}).front());
}

std::vector<std::optional<cached>> redis_cache::get(const std::vector<std::string>& keys) {
  std::vector<std::optional<cached>> out(keys.size());
  std::vector<command> commands;
  for (const auto& key : keys)
    commands.push_back({"HMGET", key, "seq", "value"});
  if (commands.empty())
    return out;
  if (const auto answers = client_.run(commands))
    for (std::size_t i = 0; i < keys.size(); ++i)
      out[i] = entry_of((*answers)[i]);
  return out;
}

bool redis_cache::set_if_newer(const std::string& key, const std::string& value, std::int64_t seq,
                               std::chrono::milliseconds lifetime) {
  const auto answer = client_.run(set_command(key, seq, lifetime, value, false));
  return answer && answer->what == reply::kind::integer && answer->integer == 1;
}

void redis_cache::invalidate(const std::vector<std::string>& keys, std::int64_t seq, std::chrono::milliseconds lifetime) {
  std::vector<command> commands;
  for (const auto& key : keys)
    commands.push_back(set_command(key, seq, lifetime, "", true));
  if (!commands.empty())
    client_.run(commands);
}

void redis_cache::erase(const std::vector<std::string>& keys) {
  if (keys.empty())
    return;
  command c{"DEL"};
  c.insert(c.end(), keys.begin(), keys.end());
  client_.run(c);
}

} // namespace souk::storage::redis
