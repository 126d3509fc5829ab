#pragma once

#include <string>

namespace souk::bench {

/// A migrated database of its own on a server, dropped at the end: what one run leaves behind does not slow the next.
class scratch_database {
public:
  /// @param server_url of any database there; its role may make databases @throws storage::unavailable, storage::storage_error
  explicit scratch_database(std::string server_url);
  ~scratch_database();
  scratch_database(const scratch_database&) = delete;

  const std::string& url() const noexcept { return url_; }

private:
  std::string server_url_;
  std::string name_;
  std::string url_;
};

} // namespace souk::bench
