#pragma once

#include "actors/outcome.hpp"
#include "actors/webhooks/messages.hpp"
#include "actors/webhooks/sender.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace souk::actors {

/// Where an event stands in the stream of its shard.
struct event_position {
  storage::shard_id shard = 0;
  std::int64_t seq = 0;
  std::int32_t n = 0;
  auto operator<=>(const event_position&) const = default;
  /// Reads "SHARD-SEQ-N".
  static std::optional<event_position> parse(const std::string& event_id);
};

/// What holds for webhooks and their deliveries, without actors, databases or clocks.
namespace webhook_rules {

inline constexpr std::size_t webhooks_max = 20; ///< per store
inline constexpr int retries = 8;               ///< spread over four hours
inline constexpr std::chrono::hours patience{72}; ///< a webhook that fails for so long is switched off

/// @param known the webhooks that the store has
outcome<storage::webhook_row> create(const storage::webhook_row& draft, const std::vector<storage::webhook_row>& known,
                                     storage::timestamp now);
/// @returns the row as it was when nothing changes
outcome<storage::webhook_row> change(const storage::webhook_row& row, const change_webhook& c, storage::timestamp now);

bool wants(const storage::webhook_row& w, const std::string& topic);

/// The id of an event's delivery to a webhook: always the same one, so that an event that is told twice is delivered once. Ids of
/// later events are greater.
storage::ulid delivery_id(const event_position& event, const storage::ulid& webhook);
storage::webhook_delivery_row delivery_of(const storage::webhook_row& w, const webhook_event& e, const event_position& at,
                                          storage::timestamp now);

/// How long to wait after so many attempts: 1 minute to 2 hours, a fifth more or less, so that what failed together does not come
/// back together. The same for the same delivery. @pre 1 <= attempts <= retries
std::chrono::seconds retry_wait(const storage::ulid& delivery, std::int32_t attempts);

/// An attempt was made: moves the delivery on, and the webhook's record with it.
/// @returns whether the webhook has changed; it may have become failing_too_long
bool attempted(storage::webhook_delivery_row& d, storage::webhook_row& w, const webhook_answer& how, storage::timestamp now);
/// Nothing is sent to a webhook that is not active: the delivery ends without an attempt.
void given_up(storage::webhook_delivery_row& d, const storage::webhook_row& w, storage::timestamp now);
/// By the merchant's wish a delivery waits again, with all its retries before it.
void again(storage::webhook_delivery_row& d, storage::timestamp now);

} // namespace webhook_rules

} // namespace souk::actors
