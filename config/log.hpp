#pragma once

#include "config/settings.hpp"

namespace souk::config {

/// Directs spdlog's default logger to the chosen file or stderr, one line per event:
/// `2024-05-01T12:00:00.123Z info  [thread] message`. Times are UTC. Messages at `warn` and above are flushed
/// at once, the rest within a second, so that a killed process leaves its last words behind. Call it once,
/// before any thread starts.
/// @throws std::runtime_error when log_file cannot be opened.
void start_log(const settings& chosen);

/// Writes out what is buffered; the log stays usable.
void flush_log();

} // namespace souk::config
