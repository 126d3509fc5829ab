#pragma once

#include <csignal>
#include <optional>
#include <string>
#include <thread>

namespace httplib {
class Server;
}

namespace souk::sandbox_common {

struct listen_address {
  std::string host;
  int port = 0; ///< 0 to 65535; 0 lets the kernel choose
};

/// @returns what HOST:PORT says; nullopt when it is not of that form.
std::optional<listen_address> parse_listen(const std::string& text);

/// SIGTERM and SIGINT are blocked everywhere and waited for in one place. Call it before any thread starts
/// (the log's included). SIGPIPE is ignored.
sigset_t block_stop_signals();

/// A sandbox's server between its set-up and its end: binds, serves until a stop signal, and ends without
/// waiting for idle keep-alive connections.
class server_run {
public:
  /// Sets `server` up for many short keep-alive calls.
  /// @param threads connections served at once.
  /// @param payload_max bytes of a request's body.
  server_run(httplib::Server& server, std::size_t threads, std::size_t payload_max);

  /// Binds the address. @returns the port, or nullopt when it is in use or not allowed.
  std::optional<int> bind(const listen_address& address);

  /// Serves until one of `stop_signals` arrives. `ready` is called once requests are accepted.
  template <class Ready>
  void serve(const sigset_t& stop_signals, Ready ready) {
    begin();
    ready();
    end(stop_signals);
  }

private:
  void begin();
  void end(const sigset_t& stop_signals);

  httplib::Server& server_;
  int socket_ = -1;
  std::thread listener_;
};

} // namespace souk::sandbox_common
