#include "runtime/cluster_member.hpp"

#include <algorithm>

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

namespace souk::runtime {

cluster_member::cluster_member(caf::actor_system& system, member_options options, member_parts parts, shard_services services)
  : system_(system), parts_(std::move(parts)), peers_(make_peers(options.peers)),
    host_(system, *parts_.routes, with_peers(std::move(services), *this), options.lane, std::move(parts_.lanes)),
    alive_(parts_.ownership.size()) {
  for (std::size_t i = 0; i < parts_.ownership.size(); ++i) {
    desks_.push_back(std::make_unique<desk>(*this, static_cast<std::uint8_t>(i)));
    desks_[i]->membership_ = std::make_unique<membership>(parts_.self, static_cast<std::uint8_t>(i), options.membership,
                                                          *parts_.time, parts_.ownership[i], *parts_.map, *desks_[i]);
  }
}

cluster_member::~cluster_member() {
  kill();
}

caf::actor cluster_member::make_peers(const peers_options& options) {
  if (!parts_.wire)
    return nullptr;
  peers_services s;
  s.options = options;
  s.self = parts_.self.incarnation;
  s.routes = parts_.routes;
  s.time = parts_.time;
  s.map = parts_.map;
  s.book = parts_.book;
  s.wire = parts_.wire;
  s.granted = [this](const auto& fences) { granted(fences); };
  s.suspect = [this](const storage::ulid& who) {
    for (auto& d : desks_)
      d->membership_->suspect(who);
    wake_all();
  };
  s.unreachable = [this](const std::set<storage::ulid>& who) {
    for (auto& d : desks_)
      d->membership_->unreachable(who);
  };
  s.notice = parts_.notice;
  return system_.spawn(runtime::peers, std::move(s));
}

shard_services cluster_member::with_peers(shard_services services, cluster_member& of) {
  services.map = of.peers_ ? of.parts_.map : nullptr;
  services.peers = of.peers_;
  services.on_lost = [&of, told = std::move(services.on_lost)](const storage::fence& believed) {
    for (auto& d : of.desks_) // it may have moved to another database meanwhile
      d->membership_->refused(believed);
    of.wake_all();
    if (told)
      told(believed);
  };
  return services;
}

void cluster_member::let_go_when_blind() {
  for (auto& d : desks_)
    d->membership_->let_go_when_blind();
}

void cluster_member::wake_all() {
  for (std::size_t i = 0; i < desks_.size(); ++i)
    parts_.wake(static_cast<std::uint8_t>(i));
}

// Before the first look at its database a shard's place may be unknown; then the look finds our name on its row.
void cluster_member::granted(const std::vector<storage::fence>& fences) {
  std::map<std::uint8_t, std::vector<storage::fence>> by_database;
  for (const auto& f : fences)
    by_database[parts_.map->database(f.shard)].push_back(f);
  for (const auto& [database, some] : by_database)
    if (database < desks_.size())
      desks_[database]->membership_->granted(some);
}

void cluster_member::drain(bool yes) {
  for (auto& d : desks_)
    d->membership_->drain(yes);
  wake_all();
}

bool cluster_member::draining() const {
  return std::any_of(desks_.begin(), desks_.end(), [](const auto& d) { return d->membership_->draining(); });
}

std::size_t cluster_member::owned() const {
  std::size_t all = 0;
  for (const auto& d : desks_)
    all += d->membership_->owned();
  return all;
}

bool cluster_member::has_others() const {
  return std::any_of(desks_.begin(), desks_.end(), [](const auto& d) { return d->membership_->has_others(); });
}

void cluster_member::notice(const std::string& topic, const std::string& body) {
  if (peers_)
    caf::anon_send(peers_, notice_atom_v, topic, body);
}

void cluster_member::kill() {
  host_.kill();
  if (peers_)
    caf::anon_send_exit(peers_, caf::exit_reason::kill);
}

// -- decisions ----------------------------------------------------------------------------------------------------------------

void cluster_member::desk::take(const std::vector<storage::fence>& fences) {
  of_.host_.take(fences, database_);
}

void cluster_member::desk::begin_hand_over(storage::shard_id shard, std::uint64_t round) {
  of_.system_.spawn<caf::hidden>([of = &of_, database = database_, shard, round,
                                  at = of_.host_.shards()[shard]](caf::event_based_actor* self) {
    self->request(at, caf::infinite, give_atom_v)
      .then(
        [of, database](const storage::fence& held) {
          of->desks_[database]->membership_->drained(held);
          of->parts_.wake(database);
        },
        [of, database, shard, round](const caf::error&) { // it was lost, is kept, or has not heard yet that it is ours
          of->desks_[database]->membership_->undrained(shard, round);
        });
  });
}

void cluster_member::desk::cancel_hand_over(storage::shard_id shard) {
  caf::anon_send(of_.host_.shards()[shard], keep_atom_v);
}

// The grant is on its way before what was parked is, and both take the same road: the next owner knows that it is meant.
void cluster_member::desk::given(const storage::node_row& next, const std::vector<storage::fence>& fences) {
  if (of_.peers_)
    caf::anon_send(of_.peers_, grant_atom_v, next.incarnation, fences);
  for (const auto& f : fences)
    caf::anon_send(of_.host_.shards()[f.shard], given_atom_v, f.epoch);
}

void cluster_member::desk::lost(storage::shard_id shard, std::int64_t epoch) {
  caf::anon_send(of_.host_.shards()[shard], lost_atom_v, storage::fence{shard, epoch, 0});
}

void cluster_member::desk::owner_changed(storage::shard_id shard) {
  caf::anon_send(of_.host_.shards()[shard], look_atom_v);
}

// Alive is who is alive in any database: one of them may be down.
void cluster_member::desk::seen(const std::vector<storage::node_row>& alive) {
  if (!of_.peers_)
    return;
  std::map<storage::ulid, storage::node_row> all;
  {
    std::lock_guard lock{of_.guard_};
    auto& mine = of_.alive_[database_];
    mine.clear();
    for (const auto& n : alive)
      mine.emplace(n.incarnation, n);
    for (const auto& part : of_.alive_)
      all.insert(part.begin(), part.end());
  }
  seen_nodes now;
  for (auto& [id, row] : all)
    if (id != of_.parts_.self.incarnation)
      now.alive.push_back(std::move(row));
  caf::anon_send(of_.peers_, std::move(now));
}

void cluster_member::desk::alarm(const std::vector<storage::shard_id>& shards) {
  if (of_.parts_.alarm)
    of_.parts_.alarm(shards);
}

void cluster_member::desk::condemned() {
  of_.parts_.condemned("this node was declared dead by another one");
}

} // namespace souk::runtime
