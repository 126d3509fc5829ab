#pragma once

#include "actors/order/messages.hpp"
#include "runtime/wire_format.hpp"

// What differs on the wire: the next release's place_order has one more field at its end, a gift note. Its nodes send one always, so
// whether they read one tells what kind of node wrote the message.
namespace souk::actors {

bool inspect(runtime::wire::writer& f, place_order& x);
/// Fails, and the command with it, unless the field is whole or not there at all.
bool inspect(runtime::wire::reader& f, place_order& x);

} // namespace souk::actors
