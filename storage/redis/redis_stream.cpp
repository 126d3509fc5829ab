#include "storage/redis/redis_stream.hpp"

#include <algorithm>

namespace souk::storage::redis {

redis_stream::redis_stream(const std::string& url, std::string key, std::int64_t length_max, client_limits limits)
  : client_(url, limits), key_(std::move(key)), length_max_(length_max) {
  // nop
}

bool redis_stream::append(const std::vector<stream_entry>& entries) {
  std::vector<command> commands;
  for (const auto& entry : entries) {
    command c{"XADD", key_, "MAXLEN", "~", std::to_string(length_max_), "*"};
    for (const auto& [name, value] : entry) {
      c.push_back(name);
      c.push_back(value);
    }
    commands.push_back(std::move(c));
  }
  if (commands.empty())
    return true;
  const auto answers = client_.run(commands);
  return answers
         && std::none_of(answers->begin(), answers->end(), [](const reply& r) { return r.what == reply::kind::error; });
}

} // namespace souk::storage::redis
