#pragma once

#include "integrations/events/event_id.hpp"
#include "storage/entity_reader.hpp"

#include <string>
#include <string_view>

namespace souk::integrations {

/// What a merchant's webhook gets of an event, as JSON: what it is, what it is about, and under "data" what the event itself says.
/// Money is in minor units; figures are numbers.
std::string webhook_payload(const storage::outbox_event& e, std::string_view topic);

} // namespace souk::integrations
