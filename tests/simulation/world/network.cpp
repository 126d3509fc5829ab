#include "simulation/world/network.hpp"

#include "simulation/world/world.hpp"

#include <algorithm>

#include <caf/send.hpp>
#include <fmt/format.h>

namespace souk::simulation {

using namespace std::chrono_literals;

namespace {

constexpr microseconds silence = 2s; ///< after which a link is given up

} // namespace

/// A node's end of it.
class network::road final : public runtime::transport {
public:
  road(network& net, const id& self) : net_(net), self_(self) {}

  void dial(const storage::node_row& peer) override { net_.dial(self_, peer); }
  void hang_up(const storage::ulid& peer) override { net_.hang_up(self_, peer); }
  bool send(const storage::ulid& peer, std::string frame) override { return net_.send(self_, peer, std::move(frame)); }

private:
  network& net_;
  const id self_;
};

std::shared_ptr<runtime::transport> network::attach(simulated_node& node) {
  endpoints_[node.incarnation()].node = &node;
  return std::make_shared<road>(*this, node.incarnation());
}

const std::string& network::name_of(const id& node) const {
  return endpoints_.at(node).node->name();
}

bool network::blocked(const id& from, const id& to) const {
  return endpoints_.contains(from) && endpoints_.contains(to) && is_cut(name_of(from), name_of(to));
}

microseconds network::up_to(microseconds most) {
  return microseconds{1 + world_.random.below(static_cast<std::uint64_t>(most.count()))};
}

bool network::linked(const simulated_node& a, const simulated_node& b) const {
  return links_.contains(between(a.incarnation(), b.incarnation()));
}

std::size_t network::sent(runtime::frame_kind kind) const {
  auto at = sent_.find(kind);
  return at == sent_.end() ? 0 : at->second;
}

// -- what the peers actor hears -----------------------------------------------------------------------------------------------

void network::tell_linked(const id& to, const id& who) {
  auto& e = endpoints_.at(to);
  e.node->when_running([node = e.node, who] { caf::anon_send(node->member().peers(), runtime::linked_atom_v, who); });
}

void network::tell_unlinked(const id& to, const id& who, const std::string& why, bool refused) {
  auto& e = endpoints_.at(to);
  e.node->when_running([node = e.node, who, why, refused] {
    caf::anon_send(node->member().peers(), runtime::unlinked_atom_v, who, why, refused);
  });
}

// -- dialling -----------------------------------------------------------------------------------------------------------------

void network::dial(const id& from, const storage::node_row& peer) {
  if (auto at = links_.find(between(from, peer.incarnation)); at != links_.end()) {
    at->second.to[from].quiet = false;
    world_.time.in(1us, [this, from, who = peer.incarnation] {
      if (links_.contains(between(from, who)))
        tell_linked(from, who);
    });
    return;
  }
  auto [at, fresh] = dialing_.try_emplace({from, peer.incarnation}, 0);
  if (!fresh)
    return;
  at->second = ++numbers_;
  world_.time.in(up_to(5ms), [this, from, peer, attempt = at->second] { arrive(from, peer, attempt); });
}

void network::fail(const id& from, const id& to, std::uint64_t attempt, microseconds wait, const std::string& why, bool refused) {
  world_.time.in(wait, [=, this] {
    auto at = dialing_.find({from, to});
    if (at == dialing_.end() || at->second != attempt)
      return;
    dialing_.erase(at);
    tell_unlinked(from, to, why, refused);
  });
}

void network::arrive(const id& from, const storage::node_row& peer, std::uint64_t attempt) {
  const auto to = peer.incarnation;
  auto at = dialing_.find({from, to});
  if (at == dialing_.end() || at->second != attempt || !endpoints_.at(from).alive)
    return;
  auto there = endpoints_.find(to);
  const bool known = there != endpoints_.end();
  if (known && refusals_.contains({name_of(from), name_of(to)}))
    return fail(from, to, attempt, 1us, "connection refused", true);
  if (known && (blocked(from, to) || blocked(to, from)))
    return fail(from, to, attempt, 1s + up_to(1s), "no answer", false);
  if (!known || !there->second.alive) {
    // A process of that name that came after it listens at its address.
    for (auto& [other, e] : endpoints_)
      if (e.alive && other != from && e.node->name() == peer.name) {
        fail(from, to, attempt, 1us, "another process listens there", false);
        return e.node->paused() ? void() : make_link(from, other);
      }
    return fail(from, to, attempt, 1us, "connection refused", true);
  }
  if (there->second.node->paused())
    return fail(from, to, attempt, silence, "it does not answer", false);
  dialing_.erase(at);
  make_link(from, to);
}

// -- links --------------------------------------------------------------------------------------------------------------------

void network::make_link(const id& a, const id& b) {
  auto [at, fresh] = links_.try_emplace(between(a, b));
  auto& l = at->second;
  const bool was_quiet = !fresh && (l.to[a].quiet || l.to[b].quiet);
  if (!fresh && !was_quiet)
    return;
  if (fresh)
    l.number = ++numbers_;
  dialing_.erase({a, b});
  dialing_.erase({b, a});
  for (const auto& [to, who] : {pair{b, a}, pair{a, b}})
    if (fresh || l.to[to].quiet) {
      l.to[to].quiet = false;
      tell_linked(to, who);
    }
}

/// Both sides are told, but for the one that has hung up.
void network::end_link(const id& a, const id& b, std::uint64_t number, const std::string& why, const id& quiet_side) {
  auto at = links_.find(between(a, b));
  if (at == links_.end() || at->second.number != number)
    return;
  auto gone = std::move(at->second);
  links_.erase(at);
  world_.log.add(fmt::format("the link between {} and {} ends: {}", name_of(a), name_of(b), why));
  for (const auto& [to, who] : {pair{a, b}, pair{b, a}})
    if (endpoints_.at(to).alive && to != quiet_side && !gone.to[to].quiet)
      tell_unlinked(to, who, why, false);
}

void network::hang_up(const id& from, const id& to) {
  dialing_.erase({from, to});
  if (auto at = links_.find(between(from, to)); at != links_.end())
    at->second.to[from].quiet = true;
}

void network::break_links(const std::string& name) {
  std::vector<std::pair<pair, std::uint64_t>> all;
  for (const auto& [ends, l] : links_)
    if (name_of(ends.first) == name || name_of(ends.second) == name)
      all.emplace_back(ends, l.number);
  for (const auto& [ends, number] : all)
    end_link(ends.first, ends.second, number, "connection reset");
}

void network::died(simulated_node& node) {
  const auto who = node.incarnation();
  endpoints_.at(who).alive = false;
  std::erase_if(dialing_, [&](const auto& d) { return d.first.first == who; });
  for (const auto& [ends, l] : links_) {
    if (ends.first != who && ends.second != who)
      continue;
    const auto other = ends.first == who ? ends.second : ends.first;
    const auto notice = blocked(who, other) ? silence : up_to(7ms);
    world_.time.in(notice, [this, who, other, number = l.number] { end_link(other, who, number, "the connection broke"); });
  }
}

void network::paused(simulated_node& node) {
  const auto who = node.incarnation();
  const auto pause = ++endpoints_.at(who).pauses;
  world_.time.in(silence + up_to(500ms), [this, who, pause] {
    const auto& e = endpoints_.at(who);
    if (!e.alive || !e.node->paused() || e.pauses != pause)
      return;
    std::vector<std::pair<pair, std::uint64_t>> all;
    for (const auto& [ends, l] : links_)
      if (ends.first == who || ends.second == who)
        all.emplace_back(ends, l.number);
    for (const auto& [ends, number] : all)
      end_link(ends.first, ends.second, number, "nothing was heard for too long");
  });
}

// -- cuts ---------------------------------------------------------------------------------------------------------------------

void network::cut(const std::string& from, const std::string& to) {
  auto [at, fresh] = cuts_.try_emplace({from, to}, 0);
  if (!fresh)
    return;
  world_.log.add("nothing reaches " + to + " from " + from);
  const auto number = at->second = ++numbers_;
  world_.time.in(silence + up_to(500ms), [this, from, to, number] {
    auto cut_still = cuts_.find({from, to});
    if (cut_still != cuts_.end() && cut_still->second == number)
      end_links(from, to, "nothing was heard for too long");
  });
}

void network::refuse(const std::string& from, const std::string& to) {
  if (!cuts_.try_emplace({from, to}, ++numbers_).second)
    return;
  world_.log.add(to + " seems to refuse " + from);
  refusals_.insert({from, to});
  end_links(from, to, "connection reset");
}

void network::end_links(const std::string& from, const std::string& to, const std::string& why) {
  std::vector<std::pair<pair, std::uint64_t>> all;
  for (const auto& [ends, l] : links_)
    for (const auto& [a, b] : {ends, pair{ends.second, ends.first}})
      if (name_of(a) == from && name_of(b) == to)
        all.emplace_back(ends, l.number);
  for (const auto& [ends, number] : all)
    end_link(ends.first, ends.second, number, why);
}

// What was held up arrives now, in order.
void network::mend(const std::string& from, const std::string& to) {
  if (cuts_.erase({from, to}) == 0)
    return;
  refusals_.erase({from, to});
  world_.log.add(to + " hears " + from + " again");
  for (auto& [ends, l] : links_)
    for (const auto& [a, b] : {ends, pair{ends.second, ends.first}})
      if (name_of(a) == from && name_of(b) == to)
        for (auto& frame : std::exchange(l.to[b].held, {}))
          world_.time.in(1ms, [this, a = a, b = b, number = l.number, frame = std::move(frame)]() mutable {
            deliver(a, b, number, std::move(frame));
          });
}

void network::mend_all() {
  while (!cuts_.empty()) {
    auto [from, to] = cuts_.begin()->first;
    mend(from, to);
  }
}

// -- frames -------------------------------------------------------------------------------------------------------------------

bool network::send(const id& from, const id& to, std::string frame) {
  auto at = links_.find(between(from, to));
  if (at == links_.end() || at->second.to[from].quiet || frame.empty())
    return false;
  auto& random = world_.random;
  const auto kind = static_cast<runtime::frame_kind>(frame[0]);
  ++sent_[kind];
  bool lost = rates.lost > 0 && random.chance(rates.lost);
  bool doubled = rates.doubled > 0 && random.chance(rates.doubled);
  const bool overtaken = rates.overtaken > 0 && random.chance(rates.overtaken);
  if (auto s = std::find_if(scripted_.begin(), scripted_.end(), [&](const auto& x) { return x.first == kind; });
      s != scripted_.end()) {
    (s->second == fate::lost ? lost : doubled) = true;
    scripted_.erase(s);
  }
  if (lost)
    world_.log.add(fmt::format("a frame of kind {} from {} to {} is lost", frame[0] + 0, name_of(from), name_of(to)));
  const auto number = at->second.number;
  auto& last = at->second.to[to].last_due;
  auto due = std::max(last, world_.time.now() + up_to(rates.latency));
  if (overtaken)
    due += up_to(1s);
  else
    last = due;
  if (doubled)
    world_.time.at(due + up_to(500ms), [=, this]() mutable { deliver(from, to, number, frame); });
  if (!lost)
    world_.time.at(due, [=, this, frame = std::move(frame)]() mutable { deliver(from, to, number, std::move(frame)); });
  return true;
}

void network::deliver(const id& from, const id& to, std::uint64_t number, std::string frame) {
  auto at = links_.find(between(from, to));
  if (at == links_.end() || at->second.number != number || !endpoints_.at(to).alive)
    return;
  auto& d = at->second.to[to];
  if (blocked(from, to))
    return d.held.push_back(std::move(frame));
  if (d.quiet) // it hears that nobody listens any more
    return end_link(from, to, number, "it has hung up", to);
  auto* node = endpoints_.at(to).node;
  node->when_running([node, from, frame = std::move(frame)]() mutable {
    caf::anon_send(node->member().peers(), runtime::frame_atom_v, from, std::move(frame));
  });
}

} // namespace souk::simulation
