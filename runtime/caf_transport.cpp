#include "runtime/caf_transport.hpp"

#include "runtime/link_actor.hpp"
#include "runtime/link_middleman.hpp"
#include "runtime/wire_format.hpp"

#include <stdexcept>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <spdlog/spdlog.h>

namespace souk::runtime {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t dial_threads = 4;
constexpr std::size_t dial_queue_max = 256;
constexpr auto patience = 1s; ///< with CAF's network, which is at hand

} // namespace

void add_transport_settings(caf::actor_system_config& config, const transport_files& files) {
  config.load<caf::io::middleman>();
  config.set("middleman.heartbeat-interval", caf::timespan{500ms});
  config.set("middleman.connection-timeout", caf::timespan{2s});
  if (files.certificate.empty() && files.key.empty() && files.authority.empty())
    return;
  make_tls_context(files.certificate, files.key, files.authority); // a wrong file is found at the start
  config.openssl_certificate = files.certificate;
  config.openssl_key = files.key;
  config.openssl_cafile = files.authority;
}

caf_transport::caf_transport(caf::actor_system& system, hello self, std::string host, std::uint16_t port,
                             bool tls)
  : system_(system), host_(std::move(host)), port_(port), board_(std::make_shared<link_board>()),
    self_(self.incarnation) {
  if (self.wire == 0) {
    self.wire = wire_version;
    self.wire_oldest = wire_version_oldest;
  }
  services_ = std::make_unique<link_services>();
  services_->self = std::move(self);
  tls_context context;
  if (const auto& files = system_.config(); tls)
    context = make_tls_context(files.openssl_certificate, files.openssl_key, files.openssl_cafile);
  services_->sockets = std::make_shared<socket_shelf>();
  services_->network = spawn_link_middleman(system_, services_->sockets, std::move(context));
  services_->board = board_;
  services_->dialers = std::make_shared<thread_pool>("souk-dial", dial_threads, dial_queue_max);
  services_->stopping = std::make_shared<std::atomic<bool>>(false);
  links_ = caf::actor_cast<caf::actor>(system_.spawn(links, *services_));
}

caf_transport::~caf_transport() {
  stop();
}

void caf_transport::set_receiver(caf::actor peers) {
  std::unique_lock lock{board_->guard};
  board_->receiver = std::move(peers);
}

std::uint16_t caf_transport::listen() {
  caf::scoped_actor self{system_, true};
  auto node = caf::actor_cast<node_actor>(links_);
  std::string why;
  self
    ->request(services_->network, caf::timespan{patience}, caf::publish_atom_v, port_,
              caf::actor_cast<caf::strong_actor_ptr>(node), system_.message_types(node), host_, true)
    .receive(
      [&](std::uint16_t port) {
        port_ = port;
        listens_ = true;
      },
      [&](const caf::error& error) { why = caf::to_string(error); });
  if (!listens_)
    throw std::runtime_error{"cannot listen for other nodes at " + host_ + ":" + std::to_string(port_) + ": "
                             + why};
  return port_;
}

// The port first, so that nobody calls what is about to go; then the actor, whose end the others hear; CAF's
// actor system waits for ever for an actor that is still published.
void caf_transport::stop() {
  {
    std::lock_guard lock{stop_guard_};
    if (stopped_)
      return;
    stopped_ = true;
  }
  *services_->stopping = true;
  {
    std::unique_lock lock{board_->guard};
    board_->receiver = nullptr;
    board_->links.clear();
  }
  caf::scoped_actor self{system_, true};
  if (listens_)
    self->request(services_->network, caf::timespan{patience}, caf::close_atom_v, port_)
      .receive([] {},
               [&](const caf::error& why) {
                 spdlog::warn("the port {} for other nodes was not closed: {}", port_, caf::to_string(why));
               });
  auto end = [&](const auto& actor, const char* what) {
    self->monitor(actor);
    self->send_exit(actor, caf::exit_reason::kill);
    self->receive([](const caf::down_msg&) {}, caf::after(caf::timespan{patience}) >>
                                                 [what] { spdlog::warn("{} did not end in time", what); });
  };
  end(links_, "the links to other nodes");
  end(services_->network, "the connections to other nodes");
  services_->dialers->stop();
}

void caf_transport::dial(const storage::node_row& peer) {
  caf::anon_send(links_, link_task{[peer](link_state& s) { s.dial(peer); }});
}

void caf_transport::hang_up(const storage::ulid& peer) {
  caf::anon_send(links_, link_task{[peer](link_state& s) { s.hang_up(peer); }});
}

bool caf_transport::send(const storage::ulid& peer, std::string frame) {
  if (frame.empty())
    return false;
  caf::strong_actor_ptr to;
  {
    std::shared_lock lock{board_->guard};
    auto at = board_->links.find(peer);
    if (at == board_->links.end())
      return false;
    to = at->second;
  }
  to->get()->enqueue(caf::actor_cast<caf::strong_actor_ptr>(links_), caf::make_message_id(),
                     caf::make_message(frame_atom_v, self_, std::move(frame)), nullptr);
  return true;
}

} // namespace souk::runtime
