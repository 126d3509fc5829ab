#pragma once

#include "actors/edit_line.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "actors/webhooks/sender.hpp"
#include "actors/webhooks/webhook_rules.hpp"
#include "runtime/owed_answer.hpp"

#include <map>
#include <set>

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// A store's webhooks, and what is on its way to them. It stays while deliveries wait, and leaves soon after the last.
///
/// Every webhook has a share of the memory (at least 50 deliveries, 1000 per store). What waits beyond it waits in the rows only,
/// and is read when half of the share is free again: a webhook that is dead or slow delays its own deliveries, nobody else's.
using webhooks_actor = caf::typed_actor<
  // Changed by the merchant, durably.
  caf::replies_to<create_webhook>::with<storage::webhook_row>,
  caf::replies_to<change_webhook>::with<storage::webhook_row>,
  caf::replies_to<remove_webhook>::with<bool>,
  caf::replies_to<get_webhooks>::with<std::vector<storage::webhook_row>>,
  caf::replies_to<redeliver_webhook>::with<storage::webhook_delivery_row>,
  // Something happened; true: somebody is told, false: the store has no webhook that is on.
  caf::replies_to<webhook_event>::with<bool>,
  // After a restart: deliveries wait.
  caf::reacts_to<resume_deliveries>,
  caf::reacts_to<runtime::begin_atom>,
  // From a worker, from a reader, and the actor's own timer with its generation.
  caf::reacts_to<delivery_answered>,
  caf::reacts_to<looked_up>,
  caf::reacts_to<runtime::sweep_atom, std::uint64_t>,
  // Quits unless something is under way.
  caf::reacts_to<runtime::stop_atom>>;

struct webhooks_state {
  static inline const char* name = "webhooks";

  struct waiting_delivery {
    storage::webhook_delivery_row row;
    storage::timestamp due{};
    bool under_way = false; ///< a worker has it
    bool written = true;    ///< false: how it went is not in the rows yet
  };
  /// How a delivery went, or nothing: it ends without an attempt.
  struct ending {
    storage::ulid delivery;
    std::optional<webhook_answer> answer;
  };
  struct told {
    webhook_event event;
    event_position at;
    runtime::owed_answer answer;
  };
  /// What one write set makes durable.
  struct batch {
    std::vector<told> events;
    std::vector<ending> endings;
    std::set<storage::ulid> there; ///< deliveries that an event has already
    bool sure = false;             ///< an event was looked for, and is new
    std::vector<storage::webhook_row> webhooks; ///< as they will be
    std::vector<storage::webhook_delivery_row> fresh, moved;
    bool heard = false; ///< a webhook is on
  };
  using found_rows = std::function<void(const looked_up&)>;

  webhooks_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::shared_ptr<const shop_services> services;
  std::vector<storage::webhook_row> webhooks; ///< as committed
  std::map<storage::ulid, waiting_delivery> waiting; ///< by id: in the order of their events
  std::set<storage::ulid> spilled; ///< webhooks of which more waits in the rows
  std::string slug;                ///< of the store; empty: not known yet
  storage::timestamp slug_at{};
  bool asking = false;             ///< for the slug
  bool reading = false;            ///< more deliveries from the rows
  std::set<storage::ulid> ended;   ///< deliveries, since that reading began
  std::set<storage::ulid> spilled_since; ///< likewise, webhooks

  edit_line edits;
  std::vector<told> events; ///< to be written
  std::vector<ending> endings;
  bool write_queued = false;
  /// The last event that is known to be new; nothing: none is, in this life. An event up to here may have been told before.
  std::optional<event_position> newest;
  std::map<std::uint64_t, found_rows> questions; ///< by ticket
  std::uint64_t next_ticket = 1;

  std::uint64_t timer = 0;
  storage::timestamp timer_due{};
  bool timer_runs = false;
  storage::timestamp idle_since{};
  storage::timestamp quiet_until{}; ///< the shard wants to go: no new deliveries are begun
  bool retiring = false;

  // -- the merchant (webhooks_actor.cpp) ---
  void as_merchant(const caller& by, const storage::ulid& store, bool changes, runtime::owed_answer answer,
                   std::function<void(runtime::owed_answer)> then);
  void create(const create_webhook& c, runtime::owed_answer answer);
  void change(const change_webhook& c, runtime::owed_answer answer);
  void remove(const remove_webhook& c, runtime::owed_answer answer);
  void redeliver(const redeliver_webhook& c, runtime::owed_answer answer);
  void again(storage::webhook_delivery_row row, runtime::owed_answer answer);
  void write_one(storage::write_set rows, runtime::owed_answer answer, std::function<void()> landed);
  storage::webhook_row* find(const storage::ulid& id);
  storage::emit_event about(const storage::webhook_row& w, const char* topic) const;
  bool look(std::function<std::any(storage::entity_reader&)> find, found_rows then);
  void leave();
  void stop();

  // -- deliveries (deliveries.cpp) ---
  caf::result<bool> hear(webhook_event& e);
  void answered(const delivery_answered& a);
  void write_soon();
  void begin_write();
  void write(const std::shared_ptr<batch>& b);
  void written(batch& b);
  void not_written(batch& b, caf::error why, bool untouched);
  void keep(storage::webhook_delivery_row row);
  std::size_t share() const;
  void read_more();
  void take(const std::vector<storage::webhook_delivery_row>& rows);

  // -- sending (sending.cpp) ---
  void send_due();
  void send(waiting_delivery& d, const storage::webhook_row& to);
  void learn_slug();
  bool anything_to_do() const;
  void arm();
};

} // namespace souk::actors
