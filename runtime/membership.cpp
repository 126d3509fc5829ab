#include "runtime/membership.hpp"

#include "runtime/placement.hpp"
#include "storage/error.hpp"

#include <algorithm>
#include <limits>

#include <spdlog/spdlog.h>

namespace souk::runtime {

membership::membership(storage::node_row self, std::uint8_t database, membership_options options, const clock& time,
                       std::shared_ptr<storage::ownership_store> store, cluster_map& map, membership_actions& actions)
  : database_(database), options_(options), time_(time), store_(std::move(store)), map_(map), actions_(actions),
    self_(std::move(self)) {
  // nop
}

// Two nodes that cannot talk must not share shards, so the later one stays out. It knows how old a protocol it still speaks; the
// other way round, a newer node's lower bound, it hears when they link.
void membership::join() {
  for (const auto& n : store_->nodes(options_.stale_after))
    if (n.alive && n.name != self_.name && n.cluster == self_.cluster && n.wire > 0 && n.wire < options_.wire_oldest)
      throw storage::storage_error("node " + n.name + " speaks version " + std::to_string(n.wire)
                                   + " of the protocol between nodes, this program none below "
                                   + std::to_string(options_.wire_oldest) + ": upgrade that node step by step first");
  store_->register_node(self_);
}

// -- what others tell us ----------------------------------------------------------------------------------------------------

void membership::drained(const storage::fence& held) {
  std::lock_guard lock{guard_};
  inbox_.drained.push_back(held);
}

void membership::undrained(storage::shard_id shard, std::uint64_t round) {
  std::lock_guard lock{guard_};
  inbox_.undrained.emplace_back(shard, round);
}

void membership::granted(const std::vector<storage::fence>& fences) {
  std::vector<storage::fence> fresh;
  {
    std::lock_guard lock{guard_};
    for (const auto& f : fences) {
      if (auto& last = had_[f.shard]; last < f.epoch) {
        last = owned_[f.shard] = f.epoch;
        fresh.push_back(f);
      }
    }
  }
  for (const auto& f : fresh)
    map_.learn(f.shard, {self_.incarnation, f.epoch});
  if (!fresh.empty())
    actions_.take(fresh);
}

void membership::refused(const storage::fence& believed) {
  std::lock_guard lock{guard_};
  // It may have been taken again before the news came.
  if (auto at = owned_.find(believed.shard); at != owned_.end() && at->second <= believed.epoch)
    owned_.erase(at);
  inbox_.refused.push_back(believed);
}

void membership::suspect(const storage::ulid& incarnation) {
  std::lock_guard lock{guard_};
  inbox_.suspects.insert(incarnation);
}

bool membership::impatient() const {
  std::lock_guard lock{guard_};
  return suspecting_ || !inbox_.suspects.empty();
}

// Others take a silent node's shards by the database's clock, from its last heartbeat on. This counts from before that heartbeat was
// sent, so what was ours is dropped no later than somebody else may have it. A node without an address is alone: nobody takes anything.
void membership::let_go_when_blind() {
  std::vector<storage::fence> mine;
  std::map<storage::shard_id, storage::ulid> next;
  {
    std::lock_guard lock{guard_};
    if (owned_.empty() || self_.address.empty() || time_.now() - answered_ < options_.stale_after)
      return;
    for (const auto& [shard, epoch] : std::exchange(owned_, {})) {
      mine.push_back({shard, epoch, 0});
      let_go_.insert(shard);
    }
    next = next_best_;
  }
  spdlog::warn("database {} has been silent for too long: its {} shards may be others' by now", database_, mine.size());
  for (const auto& f : mine) {
    map_.learn(f.shard, {next[f.shard], f.epoch}); // who has it by now, or knows better
    actions_.lost(f.shard, f.epoch);
  }
}

void membership::unreachable(std::set<storage::ulid> nodes) {
  std::lock_guard lock{guard_};
  self_.unreachable.assign(nodes.begin(), nodes.end());
}

void membership::drain(bool yes) {
  std::lock_guard lock{guard_};
  wants_to_drain_ = yes;
}

std::size_t membership::owned() const {
  std::lock_guard lock{guard_};
  return owned_.size();
}

bool membership::owns(storage::shard_id shard) const {
  std::lock_guard lock{guard_};
  return owned_.contains(shard);
}

bool membership::draining() const {
  std::lock_guard lock{guard_};
  return wants_to_drain_ || asked_to_drain_;
}

bool membership::has_others() const {
  std::lock_guard lock{guard_};
  return std::any_of(view_.members.begin(), view_.members.end(), [&](const auto& m) { return m != self_.incarnation; });
}

membership::coverage membership::covered() const {
  std::lock_guard lock{guard_};
  return covered_;
}

// The look that took shards counted them before it did. Those that are quarantined or frozen keep no node from serving the rest.
bool membership::all_served() const {
  std::lock_guard lock{guard_};
  return std::max(covered_.served, owned_.size()) >= covered_.open;
}

storage::cluster_view membership::view() const {
  std::lock_guard lock{guard_};
  return view_;
}

std::vector<storage::shard_id> membership::quarantined() const {
  std::lock_guard lock{guard_};
  return {quarantined_.begin(), quarantined_.end()};
}

// -- one look ---------------------------------------------------------------------------------------------------------------

void membership::tick() {
  inbox in;
  storage::node_row me;
  {
    std::lock_guard lock{guard_};
    in = std::exchange(inbox_, {});
    self_.draining = wants_to_drain_ || asked_to_drain_;
    me = self_;
  }
  const auto began = time_.now();
  storage::observation seen;
  try {
    seen = store_->observe(me, options_.stale_after);
  } catch (...) { // what we were told is still true when the database answers again; a suspicion is repeated by who has it
    std::lock_guard lock{guard_};
    inbox_.drained.insert(inbox_.drained.end(), in.drained.begin(), in.drained.end());
    inbox_.undrained.insert(inbox_.undrained.end(), in.undrained.begin(), in.undrained.end());
    inbox_.refused.insert(inbox_.refused.end(), in.refused.begin(), in.refused.end());
    throw;
  }
  if (!seen.known)
    return actions_.condemned();
  {
    std::lock_guard lock{guard_};
    answered_ = began;
  }
  notice_losses(seen); // before anything else: what another node has had meanwhile must not be taken for ours
  auto acknowledged = in.refused;
  for (const auto& f : in.drained) {
    std::lock_guard lock{guard_};
    if (auto at = owned_.find(f.shard); at != owned_.end() && at->second <= f.epoch)
      drained_.insert_or_assign(f.shard, f);
    else // it was lost, and perhaps taken again: then it is to be drained anew
      moving_.erase(f.shard);
  }
  for (const auto& [shard, round] : in.undrained)
    if (auto at = moving_.find(shard); at != moving_.end() && at->second == round)
      moving_.erase(at);
  for (const auto& f : in.refused)
    if (!owns(f.shard)) {
      moving_.erase(f.shard);
      drained_.erase(f.shard);
    }
  for (const auto& [shard, f] : drained_)
    acknowledged.push_back(f);
  look_for_missing_commits(seen, acknowledged);

  mind_the_gap(seen);
  for (const auto& suspect : in.suspects)
    suspects_.try_emplace(suspect, last_look_);
  judge_suspects(seen, me);
  const auto alive = living(seen);
  const auto excluded = cut_off(seen, alive);
  auto view = seen.view;
  if (auto members = members_of(alive, excluded); members != view.members) {
    if (store_->propose_view(view.version, members)) {
      spdlog::info("database {}: view {} has {} nodes", database_, view.version + 1, members.size());
      view = {view.version + 1, std::move(members)};
    }
  }
  {
    std::lock_guard lock{guard_};
    asked_to_drain_ = seen.asked_to_drain;
    view_ = view;
  }
  plan(seen, view, alive);
  std::vector<storage::node_row> rows;
  for (const auto& [id, row] : alive)
    rows.push_back(*row);
  actions_.seen(rows);

  learn(seen, alive);
  acquire(seen, alive);
  hand_over(alive);
  begin_hand_overs();
}

// A database that was restored, or a standby that lagged when it was promoted, has forgotten what we were told it had committed.
// Serving such a shard would sell the same things again: it is closed until a person decides.
void membership::look_for_missing_commits(const storage::observation& seen, const std::vector<storage::fence>& acknowledged) {
  auto older = [](const storage::fence& a, const storage::fence& b) {
    return a.epoch < b.epoch || (a.epoch == b.epoch && a.seq < b.seq);
  };
  for (const auto& f : acknowledged)
    if (auto [at, fresh] = highest_.try_emplace(f.shard, f); !fresh && older(at->second, f))
      at->second = f;
  std::vector<storage::shard_id> bad;
  std::set<storage::shard_id> closed;
  for (const auto& row : seen.shards) {
    if (row.where == storage::residence::quarantined)
      closed.insert(row.shard);
    if (row.where != storage::residence::here) {
      highest_.erase(row.shard);
      continue;
    }
    const storage::fence now{row.shard, row.epoch, row.seq};
    auto [at, fresh] = highest_.try_emplace(row.shard, now);
    if (!fresh && (older(now, at->second) || now.seq < at->second.seq))
      bad.push_back(row.shard);
    else
      at->second = now;
  }
  if (!bad.empty()) {
    std::vector<storage::fence> known;
    for (auto shard : bad)
      known.push_back(highest_.at(shard));
    store_->quarantine(known);
    for (auto shard : bad) {
      spdlog::critical("shard {} in database {} has lost commits: seq {} epoch {} were known, it is quarantined", shard, database_,
                       highest_.at(shard).seq, highest_.at(shard).epoch);
      highest_.erase(shard);
      closed.insert(shard);
      lose(shard, std::numeric_limits<std::int64_t>::max());
    }
    actions_.alarm(bad);
  }
  std::lock_guard lock{guard_};
  quarantined_ = std::move(closed);
}

// After the database was away for everybody, every heartbeat is old. Whoever comes back first, or comes for the first time, must not
// take all others for dead: for as long as a heartbeat may take, those that have a row count as alive.
void membership::mind_the_gap(const storage::observation& seen) {
  for (const auto& n : seen.nodes)
    if (n.incarnation == self_.incarnation) {
      if (n.heartbeat_at - last_look_ > options_.stale_after / 2)
        patient_until_ = n.heartbeat_at + options_.stale_after;
      last_look_ = n.heartbeat_at;
    }
}

// A process that was killed refuses whoever dials it, and so does a firewall in front of one that lives. The one is silent towards the
// database as well; or else most of the others must be refused too. A suspicion ends when the link is up again.
void membership::judge_suspects(storage::observation& seen, const storage::node_row& me) {
  auto reports = [](const storage::node_row& by, const storage::ulid& id) {
    return std::find(by.unreachable.begin(), by.unreachable.end(), id) != by.unreachable.end();
  };
  for (auto at = suspects_.begin(); at != suspects_.end();) {
    const auto id = at->first;
    auto row = std::find_if(seen.nodes.begin(), seen.nodes.end(), [&](const auto& n) { return n.incarnation == id; });
    if (row == seen.nodes.end() || !reports(me, id)) {
      at = suspects_.erase(at);
      continue;
    }
    std::size_t others = 0, agree = 0;
    for (const auto& n : seen.nodes)
      if (n.incarnation != id && n.alive) {
        ++others;
        agree += n.incarnation == self_.incarnation || reports(n, id);
      }
    const bool silent = last_look_ - row->heartbeat_at >= 2 * options_.heartbeat;
    if (silent || (agree >= 2 && 2 * agree > others)) {
      store_->bury(id);
      spdlog::warn("node {} is dead: nobody listens at {}, and {}", row->name, row->address,
                   silent ? "its heartbeat is late" : "most others cannot reach it");
      seen.nodes.erase(row);
      at = suspects_.erase(at);
      continue;
    }
    ++at;
  }
  // While it is new: a firewall may stand for hours.
  const bool fresh = std::any_of(suspects_.begin(), suspects_.end(),
                                 [&](const auto& s) { return last_look_ - s.second < 4 * options_.heartbeat; });
  std::lock_guard lock{guard_};
  suspecting_ = fresh;
}

membership::live_nodes membership::living(const storage::observation& seen) const {
  auto counts = [&](const storage::node_row& n) {
    return (n.alive || last_look_ < patient_until_) && (n.cluster == self_.cluster || n.cluster.empty());
  };
  live_nodes out;
  std::map<std::string, storage::ulid> latest; // of a name: the one before is dead, however fresh its last heartbeat
  for (const auto& n : seen.nodes)
    if (counts(n))
      latest[n.name] = std::max(latest[n.name], n.incarnation);
  for (const auto& n : seen.nodes)
    if (counts(n) && latest[n.name] == n.incarnation)
      out.emplace(n.incarnation, &n);
  return out;
}

// A node that most of the others cannot talk to serves nobody. It is asked to give its shards away by leaving it out of the view;
// one that does not comply is declared dead.
std::set<storage::ulid> membership::cut_off(const storage::observation& seen, const live_nodes& alive) {
  std::set<storage::ulid> out;
  storage::timestamp now{};
  for (const auto& [id, row] : alive)
    now = std::max(now, row->heartbeat_at);
  for (const auto& [id, row] : alive) {
    std::size_t reports = 0;
    for (const auto& [other, by] : alive)
      if (other != id && std::find(by->unreachable.begin(), by->unreachable.end(), id) != by->unreachable.end())
        ++reports;
    if (alive.size() >= 3 && reports * 2 > alive.size() - 1)
      out.insert(id);
  }
  if (out.size() * 2 >= alive.size()) // nobody can say any more which side is the one that is cut off
    out.clear();
  for (const auto& id : out) {
    auto since = cut_off_since_.try_emplace(id, now).first->second;
    const bool complied = std::none_of(seen.shards.begin(), seen.shards.end(), [&](const auto& s) { return s.owner == id; });
    if (id != self_.incarnation && !complied && now - since > 2 * options_.stale_after) {
      spdlog::error("node {} is cut off from most others and has not given its shards away: it is declared dead",
                    alive.at(id)->name);
      store_->bury(id);
    }
  }
  std::erase_if(cut_off_since_, [&](const auto& c) { return !out.contains(c.first); });
  return out;
}

// A node without an address takes no calls from others, so it can only be alone.
membership::ids membership::members_of(const live_nodes& alive,
                                       const std::set<storage::ulid>& excluded) const {
  ids out, alone;
  for (const auto& [id, row] : alive) {
    if (row->draining || excluded.contains(id))
      continue;
    if (row->address.empty())
      alone.push_back(id);
    else
      out.push_back(id);
  }
  if (out.empty() && !alone.empty())
    out.push_back(alone.front());
  return out; // of a map: sorted
}

void membership::learn(const storage::observation& seen, const live_nodes& alive) {
  coverage now;
  for (const auto& row : seen.shards) {
    if (row.where == storage::residence::elsewhere)
      continue;
    // One that is frozen here may already be served from where it moved to.
    if (row.where == storage::residence::here || map_.database(row.shard) == cluster_map::unknown_database)
      map_.resides(row.shard, database_);
    const bool has_owner = row.where == storage::residence::here && alive.contains(row.owner);
    now.open += row.where == storage::residence::here ? 1 : 0;
    now.moving += row.where == storage::residence::moving ? 1 : 0;
    now.served += has_owner ? 1 : 0;
    if (map_.learn(row.shard, {has_owner ? row.owner : storage::ulid{}, row.epoch}))
      actions_.owner_changed(row.shard);
  }
  std::lock_guard lock{guard_};
  covered_ = now;
}

void membership::notice_losses(const storage::observation& seen) {
  for (const auto& row : seen.shards) {
    if (row.owner == self_.incarnation && row.where == storage::residence::here)
      continue;
    bool lost = false;
    {
      std::lock_guard lock{guard_};
      auto at = owned_.find(row.shard);
      // A row older than what we were granted is an old look, not a loss.
      lost = at != owned_.end() && row.epoch >= at->second;
    }
    if (lost)
      lose(row.shard, row.epoch);
  }
}

/// What of the shard was ours up to that epoch is not any more.
void membership::lose(storage::shard_id shard, std::int64_t until) {
  std::optional<std::int64_t> epoch;
  {
    std::lock_guard lock{guard_};
    if (auto at = owned_.find(shard); at != owned_.end() && at->second <= until) {
      epoch = at->second;
      owned_.erase(at);
    }
  }
  if (!epoch)
    return;
  moving_.erase(shard);
  drained_.erase(shard);
  actions_.lost(shard, *epoch);
}

void membership::plan(const storage::observation& seen, const storage::cluster_view& view, const live_nodes& alive) {
  ids members;
  std::vector<std::string> names;
  for (const auto& id : view.members)
    if (auto at = alive.find(id); at != alive.end()) {
      members.push_back(id);
      names.push_back(at->second->name);
    }
  std::vector<storage::shard_id> residents;
  for (const auto& row : seen.shards)
    if (row.where == storage::residence::here)
      residents.push_back(row.shard);
  if (members == planned_members_ && residents == planned_shards_)
    return;
  due_.clear();
  if (!members.empty())
    for (auto [shard, node] : plan_shards(residents, names))
      due_.emplace(shard, members[node]);
  std::map<storage::shard_id, storage::ulid> next_best;
  std::vector<storage::ulid> others;
  std::vector<std::string> their_names;
  for (std::size_t i = 0; i < members.size(); ++i)
    if (members[i] != self_.incarnation) {
      others.push_back(members[i]);
      their_names.push_back(names[i]);
    }
  if (!others.empty())
    for (auto [shard, node] : plan_shards(residents, their_names))
      next_best.emplace(shard, others[node]);
  planned_members_ = std::move(members);
  planned_shards_ = std::move(residents);
  std::lock_guard lock{guard_};
  next_best_ = std::move(next_best);
}

storage::ulid membership::due(storage::shard_id shard) const {
  auto at = due_.find(shard);
  return at == due_.end() ? storage::ulid{} : at->second;
}

void membership::acquire(const storage::observation& seen, const live_nodes& alive) {
  std::set<storage::ulid> ours_before; // earlier incarnations of this node
  for (const auto& n : seen.nodes)
    if (n.name == self_.name && n.incarnation < self_.incarnation)
      ours_before.insert(n.incarnation);
  const bool leaving = draining();
  std::set<storage::shard_id> let_go;
  {
    std::lock_guard lock{guard_};
    let_go = std::exchange(let_go_, {});
  }
  std::vector<storage::shard_id> wanted;
  for (const auto& row : seen.shards) {
    if (row.where != storage::residence::here)
      continue;
    if (row.owner == self_.incarnation) {
      // A grant is on its way, or was lost; wait a look for it, else both would raise the epoch.
      if (owns(row.shard))
        unclaimed_.erase(row.shard);
      else if (++unclaimed_[row.shard] > 1 || let_go.contains(row.shard))
        wanted.push_back(row.shard);
      continue;
    }
    unclaimed_.erase(row.shard);
    const bool free = row.owner.is_nil() || !alive.contains(row.owner);
    if (!leaving && (ours_before.contains(row.owner) || (free && due(row.shard) == self_.incarnation)))
      wanted.push_back(row.shard);
  }
  if (wanted.empty())
    return;
  auto taken = store_->acquire(self_, wanted, options_.stale_after);
  {
    std::lock_guard lock{guard_};
    for (const auto& f : taken)
      had_[f.shard] = owned_[f.shard] = f.epoch;
  }
  for (const auto& f : taken) {
    moving_.erase(f.shard);
    drained_.erase(f.shard);
    unclaimed_.erase(f.shard);
    highest_[f.shard] = f;
    map_.learn(f.shard, {self_.incarnation, f.epoch});
  }
  if (!taken.empty()) {
    spdlog::info("database {}: took {} shards", database_, taken.size());
    actions_.take(taken);
  }
}

// What has drained stays so until it is given or kept: a shard that nobody writes for must not be forgotten.
void membership::hand_over(const live_nodes& alive) {
  std::map<storage::ulid, std::vector<storage::fence>> by_next;
  for (const auto& [shard, f] : std::exchange(drained_, {})) {
    auto next = due(shard);
    if (!owns(shard)) {
      moving_.erase(shard);
    } else if (!moving_.contains(shard) || next.is_nil() || next == self_.incarnation || !alive.contains(next)) {
      moving_.erase(shard);
      actions_.cancel_hand_over(shard);
    } else {
      by_next[next].push_back(f);
    }
  }
  for (auto& [next, fences] : by_next) {
    std::vector<storage::fence> given; // in shard order, as they are
    try {
      given = store_->hand_over(self_.incarnation, fences, *alive.at(next));
    } catch (const std::exception& e) { // whether it was done shows at the next look
      spdlog::warn("shards could not be handed over yet: {}", e.what());
      for (const auto& f : fences)
        drained_.emplace(f.shard, f);
      continue;
    }
    std::set<storage::shard_id> done;
    for (const auto& f : given) {
      done.insert(f.shard);
      map_.learn(f.shard, {next, f.epoch});
    }
    for (const auto& f : fences) {
      moving_.erase(f.shard);
      if (!done.contains(f.shard)) {
        lose(f.shard, f.epoch);
        continue;
      }
      std::lock_guard lock{guard_};
      if (auto at = owned_.find(f.shard); at != owned_.end() && at->second <= f.epoch)
        owned_.erase(at);
    }
    if (!given.empty())
      actions_.given(*alive.at(next), given);
  }
}

void membership::begin_hand_overs() {
  const auto at_once = draining() ? options_.moves_at_once * 4 : options_.moves_at_once;
  std::vector<storage::shard_id> ours;
  {
    std::lock_guard lock{guard_};
    for (const auto& [shard, epoch] : owned_)
      ours.push_back(shard);
  }
  for (auto shard : ours) {
    auto next = due(shard);
    const bool stays = next.is_nil() || next == self_.incarnation;
    if (moving_.contains(shard)) {
      if (stays) {
        moving_.erase(shard);
        actions_.cancel_hand_over(shard);
      }
    } else if (!stays && moving_.size() < at_once) {
      moving_[shard] = ++rounds_;
      actions_.begin_hand_over(shard, rounds_);
    }
  }
}

void membership::leave() {
  std::vector<storage::fence> held;
  for (const auto& s : store_->shards())
    if (s.owner == self_.incarnation)
      held.push_back({s.shard, s.epoch, s.seq});
  store_->release(held);
  store_->deregister(self_.incarnation);
}

} // namespace souk::runtime
