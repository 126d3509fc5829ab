#include "soukd/network.hpp"

#include "actors/wire_types.hpp"
#include "runtime/caf_transport.hpp"

#include <spdlog/spdlog.h>

namespace souk::server {

namespace {

bool encrypted(const config::settings& s) {
  return !s.cluster_certificate.empty();
}

} // namespace

void configure_network(caf::actor_system_config& config, const config::settings& s) {
  if (s.cluster_port != 0)
    runtime::add_transport_settings(config, {s.cluster_certificate, s.cluster_key, s.cluster_authority});
}

runtime::node_network open_network(caf::actor_system& system, const config::settings& s, const storage::node_row& self) {
  if (s.cluster_port == 0)
    return {};
  runtime::hello hello;
  hello.incarnation = self.incarnation;
  hello.name = self.name;
  hello.cluster = self.cluster;
  hello.wire = runtime::wire_version;
  hello.wire_oldest = runtime::wire_version_oldest;
  auto wire = std::make_shared<runtime::caf_transport>(system, hello, s.cluster_host, s.cluster_port, encrypted(s));
  auto book = std::make_shared<runtime::wire_book>();
  actors::add_shop_wire(*book);
  runtime::node_network out;
  out.wire = wire;
  out.book = book;
  out.open = [wire, host = s.cluster_host, tls = encrypted(s)](const caf::actor& peers) {
    wire->set_receiver(peers);
    const auto port = wire->listen();
    spdlog::info("other nodes reach this one at {}:{}{}", host, port, tls ? " over mutual TLS" : "");
  };
  out.close = [wire] { wire->stop(); };
  return out;
}

} // namespace souk::server
