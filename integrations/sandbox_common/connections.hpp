#pragma once

#include <string>

namespace souk::sandbox_common {

/// Closes this process's connection with the given peer, both ways and at once. cpp-httplib 0.11 shows a
/// handler the peer's address but not its socket, so the socket is found among the process's own; that costs
/// a scan, and only faults and shutdown pay it.
void close_connection_with(const std::string& address, int port);

/// Tells every peer's connection that nothing more will be read: a worker that waits for the next request of
/// an idle keep-alive connection then ends, one that is answering still finishes its answer.
void stop_reading_from_peers();

} // namespace souk::sandbox
