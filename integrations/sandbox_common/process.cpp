#include "integrations/sandbox_common/process.hpp"

#include "integrations/sandbox_common/connections.hpp"

#include <charconv>
#include <chrono>
#include <httplib.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <thread>

namespace souk::sandbox_common {

std::optional<listen_address> parse_listen(const std::string& text) {
  auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return std::nullopt;
  int port = -1;
  const auto* last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data() + colon + 1, last, port);
  if (error != std::errc{} || end != last || port < 0 || port > 65535)
    return std::nullopt;
  return listen_address{text.substr(0, colon), port};
}

sigset_t block_stop_signals() {
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return stop_signals;
}

server_run::server_run(httplib::Server& server, std::size_t threads, std::size_t payload_max)
  : server_{server} {
  server.new_task_queue = [threads] { return new httplib::ThreadPool(threads); };
  // cpp-httplib shares its port with whoever else asks for it, so a second sandbox would start and take half
  // of the calls; SO_REUSEADDR alone keeps it to ourselves.
  server.set_socket_options([this](int number) {
    socket_ = number;
    int yes = 1;
    ::setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000'000);
  server.set_keep_alive_timeout(60);
  server.set_payload_max_length(payload_max);
}

std::optional<int> server_run::bind(const listen_address& address) {
  auto port = address.port;
  if (port == 0)
    port = server_.bind_to_any_port(address.host);
  else if (!server_.bind_to_port(address.host, port))
    port = -1;
  if (port <= 0)
    return std::nullopt;
  // cpp-httplib listens with a backlog of 5: a burst of new connections would wait for the kernel's next try,
  // a second later.
  ::listen(socket_, 1024);
  return port;
}

void server_run::begin() {
  listener_ = std::thread{[this] { server_.listen_after_bind(); }};
  while (!server_.is_running()) // a stop that comes earlier would be lost
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

void server_run::end(const sigset_t& stop_signals) {
  int received = 0;
  sigwait(&stop_signals, &received);
  spdlog::info("stopping");
  server_.stop();
  stop_reading_from_peers();
  listener_.join();
}

} // namespace souk::sandbox_common
