#include "runtime/link_actor.hpp"

#include <caf/sec.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

namespace souk::runtime {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

// An attempt to reach a node ends within the dial time, plus that of the last connection and hello.
constexpr auto connect_time = 1500ms;
constexpr auto dial_time = 3000ms;
constexpr auto hello_time = 1000ms;
constexpr auto courtesy = 700ms; ///< how long the older of two nodes lets the younger one connect
constexpr int tries_max = 10;
constexpr std::size_t complaints_max = 1000;

std::string text_of(const caf::error& why) {
  const auto& context = why.context();
  return context.match_elements<std::string>() ? context.get_as<std::string>(0) : caf::to_string(why);
}

caf::timespan left_until(steady::time_point until) {
  return std::max(caf::timespan{0}, std::chrono::duration_cast<caf::timespan>(until - steady::now()));
}

} // namespace

std::string objection(const hello& self, const hello& other) {
  auto called = [](const hello& h) { return "node \"" + h.name + "\""; };
  if (other.incarnation.is_nil())
    return called(other) + " does not say which incarnation it is";
  if (other.incarnation == self.incarnation)
    return called(self) + " has called itself";
  if (other.cluster != self.cluster)
    return called(self) + " belongs to the cluster \"" + self.cluster + "\", " + called(other) + " to \""
         + other.cluster + "\"";
  if (other.wire < self.wire_oldest || self.wire < other.wire_oldest) {
    auto speaks = [&](const hello& h) {
      return called(h) + " speaks versions " + std::to_string(h.wire_oldest) + " to " + std::to_string(h.wire)
           + " of the protocol";
    };
    return speaks(self) + ", " + speaks(other);
  }
  return {};
}

template <class... Ts>
void link_state::tell(Ts&&... xs) {
  std::shared_lock lock{services.board->guard};
  if (services.board->receiver)
    caf::anon_send(services.board->receiver, std::forward<Ts>(xs)...);
}

void link_state::complain(const storage::ulid& who, const std::string& what) {
  if (complaints.size() >= complaints_max)
    complaints.clear();
  auto& last = complaints[who];
  if (last == what)
    return;
  last = what;
  spdlog::warn("{}", what);
}

// -- dialling -------------------------------------------------------------------------------------

void link_state::dial(const storage::node_row& row) {
  const auto who = row.incarnation;
  auto& p = peers[who];
  p.row = row;
  if (p.remote) { // it called us before anybody here knew of it, or was hung up on: whoever dials wants to
                  // hear it
    p.quiet = false;
    std::unique_lock lock{services.board->guard};
    services.board->links[who] = p.remote;
    lock.unlock();
    return tell(linked_atom_v, who);
  }
  if (p.dial != 0)
    return;
  const auto dial = p.dial = ++dials;
  p.until = steady::now() + dial_time;
  p.tries = 0;
  // When two nodes connect to each other at the same moment, each takes its own connection for the one that
  // counts and sends over that alone. CAF then knows the sender of neither, and both connections die for want
  // of heartbeats. So the younger node goes first: it knows all the others when it comes, and they hear of it
  // a little later. The older one only looks whether somebody is there.
  reach_out(who, dial, services.self.incarnation < who);
}

void link_state::reach_out(const storage::ulid& who, std::uint64_t dial, bool only_look) {
  auto* p = attempt(who, dial);
  if (p == nullptr)
    return;
  auto job = [address = p->row.address, stopping = services.stopping, who, dial, only_look,
              me = caf::actor_cast<link_actor>(self)] {
    auto r = std::make_shared<dialled>(dial_tcp(address, connect_time, *stopping));
    caf::anon_send(me, link_task{[who, dial, only_look, r](link_state& s) {
                     s.reached(who, dial, only_look, std::move(*r));
                   }});
  };
  if (!services.dialers->post(std::move(job)))
    failed(who, dial, "too many nodes are being dialled");
}

/// Nothing when the attempt was given up, or the peer called us meanwhile.
link_state::peer* link_state::attempt(const storage::ulid& who, std::uint64_t dial) {
  auto at = peers.find(who);
  return at == peers.end() || at->second.dial != dial ? nullptr : &at->second;
}

void link_state::reached(const storage::ulid& who, std::uint64_t dial, bool only_look, dialled r) {
  if (r.what != reach::yes)
    failed(who, dial, r.why, r.what == reach::refused);
  else if (only_look)
    connect_later(who, dial);
  else
    connect(who, dial, std::move(r.socket));
}

void link_state::connect_later(const storage::ulid& who, std::uint64_t dial) {
  caf::delayed_anon_send(caf::actor_cast<link_actor>(self), courtesy,
                         link_task{[who, dial](link_state& s) { s.reach_out(who, dial, false); }});
}

void link_state::connect(const storage::ulid& who, std::uint64_t dial, tcp_socket socket) {
  auto* p = attempt(who, dial);
  if (p == nullptr)
    return;
  ++p->tries;
  auto taken_as = services.sockets->put(std::move(socket));
  self->request(services.network, left_until(p->until), caf::connect_atom_v, taken_as, std::uint16_t{0})
    .then([this, who, dial](const caf::node_id&, const caf::strong_actor_ptr& remote,
                            const std::set<std::string>&) { say_hello(who, dial, remote); },
          [this, who, dial, taken_as](caf::error& why) {
            services.sockets->take(taken_as);
            // With heartbeats, a connection that has not received a byte by the next beat is given up,
            // however young it is.
            if (why == caf::sec::connection_timeout || why == caf::sec::request_timeout)
              stumbled(who, dial, "it accepts connections but does not speak as a node does", true);
            else
              failed(who, dial, text_of(why));
          });
}

void link_state::say_hello(const storage::ulid& who, std::uint64_t dial,
                           const caf::strong_actor_ptr& remote) {
  auto* p = attempt(who, dial);
  if (p == nullptr)
    return;
  if (!remote)
    return failed(who, dial, "no node of souk listens at " + p->row.address);
  p->greeting = remote;
  watch(remote); // CAF drops requests to what is gone: only this tells
  self->request(caf::actor_cast<node_actor>(remote), caf::timespan{hello_time}, hello_atom_v, services.self)
    .then([this, who, dial, remote](const hello& h) { answered(who, dial, remote, h); },
          [this, who, dial](caf::error& why) {
            if (why.category() == caf::detail::error_factory<errc>::category)
              failed(who, dial, text_of(why)); // it does not want us
            else
              stumbled(who, dial, why == caf::sec::request_timeout ? "it does not answer" : text_of(why),
                       false);
          });
}

// A connection that came to nothing although somebody is there: it is tried again while there is time.
void link_state::stumbled(const storage::ulid& who, std::uint64_t dial, const std::string& why,
                          bool at_once) {
  auto* p = attempt(who, dial);
  if (p == nullptr)
    return;
  p->greeting = nullptr;
  if (p->tries >= tries_max || steady::now() >= p->until)
    failed(who, dial, why);
  else if (at_once)
    reach_out(who, dial, false);
  else
    connect_later(who, dial);
}

void link_state::answered(const storage::ulid& who, std::uint64_t dial, const caf::strong_actor_ptr& remote,
                          const hello& h) {
  if (auto no = objection(services.self, h); !no.empty())
    return failed(who, dial, no);
  if (h.incarnation != who)
    failed(who, dial, "another process, of node \"" + h.name + "\", listens at that address");
  if (h.incarnation != who || attempt(who, dial) != nullptr)
    link(h.incarnation, remote); // it has heard our name, so it takes us for linked
}

void link_state::failed(const storage::ulid& who, std::uint64_t dial, const std::string& why, bool refused) {
  auto* p = attempt(who, dial);
  if (p == nullptr)
    return;
  complain(who, "node \"" + p->row.name + "\" at " + p->row.address + " cannot be reached: " + why);
  peers.erase(who);
  tell(unlinked_atom_v, who, why, refused);
}

// -- links ----------------------------------------------------------------------------------------

caf::result<hello> link_state::greeted(const hello& caller) {
  auto no = objection(services.self, caller);
  auto sender = self->current_sender();
  if (no.empty() && !sender)
    no = "a nameless caller cannot be answered";
  if (!no.empty()) {
    complain(caller.incarnation, "a call was refused: " + no);
    return caf::make_error(errc::unavailable, no);
  }
  link(caller.incarnation, sender);
  return services.self;
}

void link_state::link(const storage::ulid& who, const caf::strong_actor_ptr& remote) {
  auto& p = peers[who];
  p.dial = 0;
  p.greeting = nullptr;
  if (p.remote == remote && !p.quiet)
    return;
  if (p.remote && p.remote != remote && !p.quiet)
    tell(unlinked_atom_v, who, std::string{"it has called again"}, false);
  p.remote = remote;
  p.quiet = false;
  watch(remote);
  complaints.erase(who);
  {
    std::unique_lock lock{services.board->guard};
    services.board->links[who] = remote;
  }
  tell(linked_atom_v, who);
}

void link_state::lose(const storage::ulid& who, const std::string& why) {
  auto at = peers.find(who);
  auto quiet = at->second.quiet;
  peers.erase(at);
  {
    std::unique_lock lock{services.board->guard};
    services.board->links.erase(who);
  }
  if (!quiet)
    tell(unlinked_atom_v, who, why, false);
}

// The other side is not told: it may be dialled again at once, and then goes on as if nothing had been. If it
// speaks before, it hears that nobody listens.
void link_state::hang_up(const storage::ulid& who) {
  complaints.erase(who);
  auto at = peers.find(who);
  if (at == peers.end())
    return;
  if (!at->second.remote) {
    peers.erase(at);
    return;
  }
  at->second.quiet = true;
  std::unique_lock lock{services.board->guard};
  services.board->links.erase(who);
}

void link_state::watch(const caf::strong_actor_ptr& remote) {
  if (watched.insert(remote->address()).second)
    self->monitor(remote->address());
}

void link_state::down(const caf::down_msg& gone) {
  watched.erase(gone.source);
  auto is_gone = [&](const caf::strong_actor_ptr& x) { return x && x->address() == gone.source; };
  std::vector<std::pair<storage::ulid, std::uint64_t>> unanswered;
  std::vector<storage::ulid> lost;
  for (const auto& [who, p] : peers) {
    if (is_gone(p.remote))
      lost.push_back(who);
    else if (is_gone(p.greeting))
      unanswered.emplace_back(who, p.dial);
  }
  for (const auto& who : lost)
    lose(who, "the connection broke: " + caf::to_string(gone.reason));
  for (const auto& [who, dial] : unanswered)
    stumbled(who, dial, "the connection broke: " + caf::to_string(gone.reason), false);
}

void link_state::frame(const storage::ulid& from, std::string& bytes) {
  auto sender = self->current_sender();
  auto at = peers.find(from);
  bool known = sender && at != peers.end() && at->second.remote == sender;
  if (bytes.empty()) {
    if (known)
      lose(from, "it has hung up");
  } else if (known && !at->second.quiet) {
    tell(frame_atom_v, from, std::move(bytes));
  } else if (sender) {
    // It takes us for linked and would wait for answers: let it say hello again.
    sender->get()->enqueue(caf::actor_cast<caf::strong_actor_ptr>(self), caf::make_message_id(),
                           caf::make_message(frame_atom_v, services.self.incarnation, std::string{}),
                           nullptr);
  }
}

link_actor::behavior_type links(link_actor::stateful_pointer<link_state> self, link_services services) {
  auto& state = self->state;
  state.self = self;
  state.services = std::move(services);
  self->set_down_handler([self](const caf::down_msg& gone) { self->state.down(gone); });
  return {
    [self](frame_atom, const storage::ulid& from, std::string& bytes) { self->state.frame(from, bytes); },
    [self](hello_atom, const hello& caller) { return self->state.greeted(caller); },
    [self](link_task& task) { task.run(self->state); },
  };
}

} // namespace souk::runtime
