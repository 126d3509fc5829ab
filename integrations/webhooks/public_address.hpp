#pragma once

#include <sys/socket.h>

namespace souk::integrations {

/// Whether an address is one of the public internet, which anybody may name and we may call in his name. Everything else is no:
/// this machine, private and shared networks, link-local (where clouds keep their metadata), multicast, test and reserved ranges,
/// and IPv6 forms that carry such an IPv4 address.
bool is_public(const sockaddr& address) noexcept;

} // namespace souk::integrations
