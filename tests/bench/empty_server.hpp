#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace souk::bench {

/// An answer ready to send.
struct prepared_answer {
  std::string type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// cpp-httplib with a handler that does nothing but hand out prepared answers by path, in a process of its own: the most that a
/// shop on the same library could do. Ends with this object.
class empty_server {
public:
  /// @pre this process has no other thread: it is forked @param threads as many as the shop has
  empty_server(const std::map<std::string, prepared_answer>& answers, std::size_t threads);
  ~empty_server();
  empty_server(const empty_server&) = delete;
  empty_server& operator=(const empty_server&) = delete;

  const std::string& url() const { return url_; }

private:
  pid_t process_ = -1;
  std::string url_;
};

} // namespace souk::bench
