#include "simulation/world/probe.hpp"

#include "runtime/owed_answer.hpp"
#include "storage/error.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

namespace souk::simulation {

namespace {

struct probe_state {
  std::shared_ptr<probe_diary> diary;
  runtime::entity_context context;
  int life = 0;
  bool busy = false;
  int writes = 0;

  ~probe_state() {
    if (diary)
      ++diary->ended;
  }
};

storage::write_set rows_of(const runtime::entity_context& me, const std::string& topic, bool poison) {
  storage::write_set rows;
  rows.mutations.push_back(storage::emit_event{{}, topic, me.who.id, {}, me.time->now()});
  if (poison) // stock of a variant that nobody has
    rows.mutations.push_back(storage::move_stock{me.who.id, me.who.id, 1, 0, "adjusted", {}, {}, "", me.time->now()});
  return rows;
}

caf::behavior probe(caf::stateful_actor<probe_state>* self, std::shared_ptr<probe_diary> diary,
                    runtime::entity_context context) {
  auto& s = self->state;
  s.diary = std::move(diary);
  s.context = std::move(context);
  s.life = ++s.diary->lives;
  return {
    [self](const std::string& command) -> caf::result<std::string> {
      auto& state = self->state;
      state.diary->heard.push_back(command);
      auto space = command.find(' ');
      auto verb = command.substr(0, space);
      auto topic = space == std::string::npos ? "" : command.substr(space + 1);
      if (verb == "write" || verb == "poison" || verb == "outdated") {
        runtime::owed_answer answer{self->make_response_promise()};
        auto me = state.context;
        if (verb == "outdated")
          --me.activation;
        ++state.writes;
        runtime::commit(self, me, rows_of(me, topic, verb == "poison"))
          .then(
            [self, answer](const runtime::receipt&) mutable {
              --self->state.writes;
              answer.deliver(std::string{"written"});
            },
            [self, answer](caf::error& why) mutable {
              --self->state.writes;
              answer.deliver(std::move(why));
            });
        return caf::delegated<std::string>{};
      }
      if (verb == "stay" || verb == "go")
        state.busy = verb == "stay";
      if (verb == "retire")
        runtime::retire(state.context);
      if (verb == "crash") {
        runtime::owed_answer broken{self->make_response_promise()}; // whoever asked hears of it
        self->quit(caf::make_error(runtime::errc::write_failed, "as it was told"));
        return caf::delegated<std::string>{};
      }
      return "life " + std::to_string(state.life);
    },
    [self](runtime::begin_atom) { self->state.diary->heard.push_back("begin"); },
    [self](runtime::events_atom, const std::vector<storage::outbox_event>& events) {
      for (const auto& e : events)
        self->state.diary->heard.push_back("event " + e.event.topic);
    },
    [self](runtime::stop_atom) {
      auto& state = self->state;
      if (state.busy || state.writes > 0)
        caf::anon_send(state.context.shard, runtime::busy_atom_v, state.context.who, state.context.activation);
      else
        self->quit();
    },
  };
}

} // namespace

runtime::entity_kind probe_kind(std::shared_ptr<probe_diary> diary, bool serves_its_shard) {
  runtime::entity_kind k;
  k.name = "probe";
  k.stays = serves_its_shard;
  k.load = [diary](storage::entity_reader&, const runtime::entity_address&) -> std::any {
    ++diary->loads;
    if (diary->fail_loads > 0) {
      --diary->fail_loads;
      throw storage::unavailable("told to fail");
    }
    return {};
  };
  k.spawn = [diary](caf::actor_system& system, runtime::entity_context context, std::any) {
    return caf::actor_cast<caf::actor>(system.spawn(probe, diary, std::move(context)));
  };
  return k;
}

runtime::entity_catalog probe_catalog(std::shared_ptr<probe_diary> diary) {
  runtime::entity_catalog all;
  all.kinds[probe_kind_id] = probe_kind(diary);
  return all;
}

} // namespace souk::simulation
