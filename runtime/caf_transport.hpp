#pragma once

#include "runtime/transport.hpp"

#include <cstdint>
#include <memory>
#include <mutex>

#include <caf/actor.hpp>
#include <caf/fwd.hpp>

namespace souk::runtime {

struct hello;
struct link_board;
struct link_services;

/// PEM files of a node: its certificate, its key, and the private authority whose certificates are believed.
/// All three or none.
struct transport_files {
  std::string certificate;
  std::string key;
  std::string authority;
};

/// Loads CAF's network into the configuration of an actor system, with heartbeats: a node that is silent for
/// two seconds is given up. With files, also TLS, where both sides show a certificate of the authority.
/// @throws std::runtime_error when a file cannot be read, is no PEM, has expired, or key and certificate do
/// not belong together
void add_transport_settings(caf::actor_system_config& config, const transport_files& files = {});

/// Links over TCP, plain or TLS, by CAF's middleman. The actor system must have been made with
/// add_transport_settings() and must outlive this. CAF buffers without a bound what a slow peer does not
/// read: whoever sends bounds what is under way.
class caf_transport final : public transport {
public:
  /// @param self what other nodes are told; a version 0 of the protocol means this program's
  /// @param port where to listen, 0: any that is free
  /// @param tls whether links are TLS; then the settings need files
  caf_transport(caf::actor_system& system, hello self, std::string host, std::uint16_t port, bool tls);
  ~caf_transport() override; ///< stops

  /// Who is told what happens. Set before anything can.
  void set_receiver(caf::actor peers);
  /// Takes calls from now on. @returns the port. @throws std::runtime_error when it cannot.
  std::uint16_t listen();
  /// Closes the port and ends all links; nothing is told any more. Waits a second or two at most, and as long
  /// as a name server that is being asked takes.
  void stop();

  void dial(const storage::node_row& peer) override;
  void hang_up(const storage::ulid& peer) override;
  /// A frame is not empty.
  bool send(const storage::ulid& peer, std::string frame) override;

private:
  caf::actor_system& system_;
  std::string host_;
  std::uint16_t port_;
  bool listens_ = false;
  std::unique_ptr<link_services> services_;
  std::shared_ptr<link_board> board_;
  storage::ulid self_;
  std::mutex stop_guard_;
  bool stopped_ = false;
  caf::actor links_; ///< see link_actor.hpp
};

} // namespace souk::runtime
