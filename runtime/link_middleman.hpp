#pragma once

#include "runtime/tcp_dial.hpp"

#include <memory>
#include <string>

#include <caf/fwd.hpp>
#include <caf/io/middleman_actor.hpp>

struct ssl_ctx_st; // OpenSSL's SSL_CTX

namespace souk::runtime {

/// What all TLS connections of a node share: its certificate and key, and the authority whose certificates it
/// believes.
using tls_context = std::shared_ptr<ssl_ctx_st>;

/// For both sides of a connection: each shows a certificate of the authority, or the connection ends. TLS 1.3
/// only, since nodes talk to nothing but nodes.
/// @throws std::runtime_error naming the file that cannot be read, is no PEM, has expired, or does not belong
/// to the others
tls_context make_tls_context(const std::string& certificate, const std::string& key,
                             const std::string& authority);

/// CAF's middleman actor, but (connect, name, port) takes a socket from the shelf: CAF would connect with a
/// blocking call in this one actor, so that a machine which does not answer would keep all others waiting,
/// and it would look up host names there too.
///
/// With a context, connections are TLS. CAF has that as well, but version 0.17 does not empty OpenSSL's error
/// queue, which all connections of a thread share: whatever broke one connection (a port scan is enough) then
/// breaks another, healthy one. It also drives a processor core at full load while it waits for a peer's part
/// of the handshake.
///
/// The caller ends the actor before the actor system goes.
caf::io::middleman_actor spawn_link_middleman(caf::actor_system& system,
                                              std::shared_ptr<socket_shelf> sockets, tls_context context);

} // namespace souk::runtime
