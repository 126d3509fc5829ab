#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace souk::sandbox {

/// The gateway's memory: one event per line, only ever appended to. An answer goes out after its line has
/// reached the kernel, so a killed gateway forgets nothing it said. (It does not fsync: power failure is not
/// what a sandbox is for.)
///
/// There is no writer thread. Whoever settles first writes everything that queued up meanwhile, as one write,
/// so lines gather in batches under load, and an idle gateway writes without a thread switch.
class ledger_file {
public:
  /// Opens or creates the file, cuts off a last line without its end (a process killed while writing), and
  /// hands every whole line to `replay` in order. Holds a lock on the file: two gateways on one ledger would
  /// give away the same money twice.
  /// @throws std::runtime_error naming the file when it cannot be used.
  ledger_file(const std::string& path, const std::function<void(std::string_view)>& replay);
  ~ledger_file();
  ledger_file(const ledger_file&) = delete;
  ledger_file& operator=(const ledger_file&) = delete;

  /// Queues a line (without its end); order of calls is order in the file.
  /// @returns what to settle.
  std::uint64_t append(std::string_view line);

  /// Returns once everything up to `position` is written. A gateway that cannot write must not go on: it ends
  /// the process.
  void settle(std::uint64_t position);

private:
  std::string path_;
  int file_ = -1;
  std::mutex pending_mutex_;
  std::string pending_;
  std::uint64_t appended_ = 0; ///< lines ever queued
  std::mutex write_mutex_;     ///< held while writing; taken before pending_mutex_
  std::string batch_;
  std::uint64_t written_ = 0;
};

} // namespace souk::sandbox
