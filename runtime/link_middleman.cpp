#include "runtime/link_middleman.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/middleman_actor_impl.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/doorman_impl.hpp>
#include <caf/io/network/scribe_impl.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/io/scribe.hpp>
#include <caf/sec.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

namespace souk::runtime {

namespace {

namespace net = caf::io::network;
using net::rw_state;

constexpr std::size_t early_max = 1 << 20; ///< bytes kept for a peer whose handshake is not done

std::string openssl_error() {
  auto code = ERR_get_error();
  char text[256] = "unknown reason";
  if (code != 0)
    ERR_error_string_n(code, text, sizeof text);
  return text;
}

/// Whoever has an expired certificate is refused by all others: better to hear it at the start, and a month
/// before.
void check_age(SSL_CTX* context, const std::string& file) {
  const auto* end = X509_get0_notAfter(SSL_CTX_get0_certificate(context));
  int days = 0, seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, end) != 1)
    throw std::runtime_error{file + " does not say until when it is valid"};
  if (days < 0 || seconds < 0)
    throw std::runtime_error{file + " has expired"};
  if (days < 30)
    spdlog::warn("the certificate {} expires in {} days", file, days);
}

/// A wrong certificate fails again and again, and so does a port scan: one line of the log says it for a
/// while.
void log_failed_handshake(const std::string& why) {
  static std::atomic<std::int64_t> quiet_until{0};
  auto now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::seconds{1};
  auto until = quiet_until.load();
  if (now >= until && quiet_until.compare_exchange_strong(until, now + 30))
    spdlog::warn("a TLS handshake between nodes failed: {}", why);
}

using tls_session = std::unique_ptr<SSL, decltype(&SSL_free)>;

/// @returns nothing when there is no memory for another connection.
tls_session make_session(const tls_context& context, net::native_socket socket, bool accepted) {
  tls_session out{SSL_new(context.get()), &SSL_free}; // shares the context
  if (!out || SSL_set_fd(out.get(), socket) != 1)
    return {nullptr, &SSL_free};
  if (accepted)
    SSL_set_accept_state(out.get());
  else
    SSL_set_connect_state(out.get());
  return out;
}

/// How CAF's stream reads and writes the socket of one connection. Used in the multiplexer's thread only.
class tls_stream_policy {
public:
  explicit tls_stream_policy(tls_session session) : ssl_(std::move(session)) {}

  rw_state read_some(std::size_t& result, net::native_socket, void* buffer, std::size_t size) {
    result = 0;
    if (auto state = shake_hands(); state != rw_state::success || !ready())
      return state;
    if (!early_.empty() && flush_early() == rw_state::failure)
      return rw_state::failure;
    ERR_clear_error();
    return judge(SSL_read_ex(ssl_.get(), buffer, size, &result));
  }

  /// Before the handshake is done the bytes are kept here: CAF would try them again and again.
  rw_state write_some(std::size_t& result, net::native_socket, const void* buffer, std::size_t size) {
    result = 0;
    if (auto state = shake_hands(); state != rw_state::success)
      return state;
    if (!ready()) {
      if (early_.size() + size > early_max)
        return rw_state::failure;
      const auto* bytes = static_cast<const char*>(buffer);
      early_.insert(early_.end(), bytes, bytes + size);
      result = size;
      return size == 0 ? rw_state::indeterminate : rw_state::success;
    }
    if (!early_.empty())
      if (auto state = flush_early(); state != rw_state::success || !early_.empty())
        return state;
    if (size == 0)
      return rw_state::indeterminate;
    ERR_clear_error();
    return judge(SSL_write_ex(ssl_.get(), buffer, size, &result));
  }

  /// OpenSSL has decrypted more than was asked for: the socket will not say so.
  bool must_read_more(net::native_socket, std::size_t threshold) {
    auto pending = SSL_pending(ssl_.get());
    return pending > 0 && static_cast<std::size_t>(pending) >= threshold;
  }

private:
  bool ready() const { return SSL_is_init_finished(ssl_.get()) == 1; }

  rw_state shake_hands() {
    if (ready())
      return rw_state::success;
    ERR_clear_error();
    auto state = judge(SSL_do_handshake(ssl_.get()));
    if (auto code = ERR_peek_error();
        state == rw_state::failure && code != 0
        && ERR_GET_REASON(code) != SSL_R_UNEXPECTED_EOF_WHILE_READING) // that was a probe
      log_failed_handshake(openssl_error());
    return state;
  }

  rw_state flush_early() {
    std::size_t done = 0;
    ERR_clear_error();
    auto state = judge(SSL_write_ex(ssl_.get(), early_.data(), early_.size(), &done));
    early_.erase(early_.begin(), early_.begin() + static_cast<std::ptrdiff_t>(done));
    return state;
  }

  /// Success with nothing done: the multiplexer says when the socket is ready again.
  rw_state judge(int returned) {
    if (returned == 1)
      return rw_state::success;
    auto error = SSL_get_error(ssl_.get(), returned);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? rw_state::success
                                                                         : rw_state::failure;
  }

  tls_session ssl_;
  std::vector<char> early_;
};

/// A connection as the broker sees it.
class tls_scribe final : public caf::io::scribe {
public:
  tls_scribe(net::default_multiplexer& multiplexer, net::native_socket socket, tls_session session)
    : scribe(net::conn_hdl_from_socket(socket)), stream_(multiplexer, socket, std::move(session)) {}

  void configure_read(caf::io::receive_policy::config config) override {
    stream_.configure_read(config);
    if (launched_)
      return;
    launched_ = true;
    stream_.start(this);
    stream_.force_empty_write(this); // begins the handshake
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void flush() override { stream_.flush(this); }
  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    detach(&stream_.backend(), false);
  }
  std::string addr() const override {
    auto x = net::remote_addr_of_fd(stream_.fd());
    return x ? *x : std::string{};
  }
  std::uint16_t port() const override {
    auto x = net::remote_port_of_fd(stream_.fd());
    return x ? *x : std::uint16_t{0};
  }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

private:
  bool launched_ = false;
  net::stream_impl<tls_stream_policy> stream_;
};

class tls_doorman final : public net::doorman_impl {
public:
  tls_doorman(net::default_multiplexer& multiplexer, net::native_socket socket, tls_context context)
    : doorman_impl(multiplexer, socket), context_(std::move(context)) {}

  bool new_connection() override {
    auto& multiplexer = acceptor_.backend();
    auto socket = acceptor_.accepted_socket();
    auto session = make_session(context_, socket, true);
    if (detached() || !session) { // detached: the port was closed in this very round of the multiplexer
      net::close_socket(socket);
      return false;
    }
    net::nonblocking(socket, true);
    auto fresh = caf::make_counted<tls_scribe>(multiplexer, socket, std::move(session));
    auto handle = fresh->hdl();
    parent()->add_scribe(std::move(fresh));
    return doorman::new_connection(&multiplexer, handle);
  }

private:
  tls_context context_;
};

class link_middleman final : public caf::io::middleman_actor_impl {
public:
  link_middleman(caf::actor_config& config, caf::actor broker, std::shared_ptr<socket_shelf> sockets,
                 tls_context context)
    : middleman_actor_impl(config, std::move(broker)), sockets_(std::move(sockets)),
      context_(std::move(context)) {}

  const char* name() const override { return "link_middleman"; }

protected:
  caf::expected<caf::io::scribe_ptr> connect(const std::string& socket_name, std::uint16_t) override {
    auto socket = sockets_->take(socket_name);
    if (!socket)
      return caf::sec::cannot_connect_to_node;
    if (!context_)
      return caf::make_counted<net::scribe_impl>(multiplexer(), socket.release());
    auto session = make_session(context_, socket.fd(), false);
    if (!session)
      return caf::sec::cannot_connect_to_node;
    return caf::make_counted<tls_scribe>(multiplexer(), socket.release(), std::move(session));
  }
  caf::expected<caf::io::doorman_ptr> open(std::uint16_t port, const char* address, bool reuse) override {
    if (!context_)
      return middleman_actor_impl::open(port, address, reuse);
    auto socket = net::new_tcp_acceptor_impl(port, address, reuse);
    if (!socket)
      return std::move(socket.error());
    return caf::make_counted<tls_doorman>(multiplexer(), *socket, context_);
  }

private:
  net::default_multiplexer& multiplexer() {
    return dynamic_cast<net::default_multiplexer&>(system().middleman().backend());
  }

  std::shared_ptr<socket_shelf> sockets_;
  tls_context context_;
};

} // namespace

tls_context make_tls_context(const std::string& certificate, const std::string& key,
                             const std::string& authority) {
  if (certificate.empty() || key.empty() || authority.empty())
    throw std::runtime_error{
      "TLS between nodes needs a certificate, its key and the authority's certificate"};
  for (const auto& file : {certificate, key, authority})
    if (!std::ifstream{file})
      throw std::runtime_error{file + " cannot be read"};
  tls_context context{SSL_CTX_new(TLS_method()), &SSL_CTX_free};
  auto must = [](bool done, const std::string& what) {
    if (!done)
      throw std::runtime_error{what + ": " + openssl_error()};
  };
  ERR_clear_error();
  must(context != nullptr, "OpenSSL cannot be used");
  auto* c = context.get();
  must(SSL_CTX_use_certificate_chain_file(c, certificate.c_str()) == 1,
       certificate + " is no certificate in PEM");
  must(SSL_CTX_load_verify_locations(c, authority.c_str(), nullptr) == 1,
       authority + " is no certificate in PEM");
  must(SSL_CTX_use_PrivateKey_file(c, key.c_str(), SSL_FILETYPE_PEM) == 1,
       key + " is not the key of " + certificate);
  check_age(c, certificate);
  must(SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) == 1, "TLS 1.3 cannot be used");
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c, 0);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

caf::io::middleman_actor spawn_link_middleman(caf::actor_system& system,
                                              std::shared_ptr<socket_shelf> sockets, tls_context context) {
  if (context) // OpenSSL writes to sockets whose other end may be gone, and the signal would end the process
    std::signal(SIGPIPE, SIG_IGN);
  auto broker = system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
  return caf::actor_cast<caf::io::middleman_actor>(system.spawn<link_middleman, caf::detached + caf::hidden>(
    std::move(broker), std::move(sockets), std::move(context)));
}

} // namespace souk::runtime
