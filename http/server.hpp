#pragma once

#include "http/service.hpp"

#include <cstdint>
#include <memory>

namespace souk::http {

/// The HTTP server that stands behind haproxy: one thread per connection, so it is meant for a few busy ones.
class server {
public:
  explicit server(foundation from);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Listens on settings.listen_host and listen_port. @returns the port, also when the kernel chose it
  /// @throws std::runtime_error when it cannot
  std::uint16_t bind();
  /// Serves until stop(). @pre bind()
  void run();
  /// From any thread (not from a signal handler): accepts nothing more; requests under way get their answers,
  /// idle connections are closed, then run() returns.
  void stop();
  /// Another node says that the session ended. From any thread.
  void forget_session(const storage::token_hash& token);

private:
  class edge;
  std::unique_ptr<edge> edge_;
};

} // namespace souk::http
