#include "integrations/sandbox_common/connections.hpp"

#include <charconv>
#include <filesystem>
#include <functional>
#include <netdb.h>
#include <sys/socket.h>

namespace souk::sandbox_common {

namespace {

void for_each_peer(const std::function<void(int socket, const std::string& address, int port)>& visit) {
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd", gone}) {
    auto name = entry.path().filename().string();
    int number = -1;
    std::from_chars(name.data(), name.data() + name.size(), number);
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    if (number < 0 || ::getpeername(number, reinterpret_cast<sockaddr*>(&peer), &length) != 0)
      continue;
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (::getnameinfo(reinterpret_cast<sockaddr*>(&peer), length, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV)
        == 0)
      visit(number, host, std::atoi(port));
  }
}

} // namespace

void close_connection_with(const std::string& address, int port) {
  for_each_peer([&](int socket, const std::string& peer, int peer_port) {
    if (peer == address && peer_port == port)
      ::shutdown(socket, SHUT_RDWR);
  });
}

void stop_reading_from_peers() {
  for_each_peer([](int socket, const std::string&, int) { ::shutdown(socket, SHUT_RD); });
}

} // namespace souk::sandbox
