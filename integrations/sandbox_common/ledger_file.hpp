#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace souk::sandbox_common {

/// A sandbox's memory: one event per line, only ever appended to. An answer goes out after its line has
/// reached the kernel, so a killed sandbox forgets nothing it said. (It does not fsync: power failure is not
/// what a sandbox is for.)
///
/// There is no writer thread. Whoever settles first writes everything that queued up meanwhile, as one write,
/// so lines gather in batches under load, and an idle sandbox writes without a thread switch.
class ledger_file {
public:
  /// What is called for each whole line: its text and where in the file it begins.
  using reader = std::function<void(std::string_view line, std::uint64_t offset)>;

  /// Opens or creates the file, cuts off a last line without its end (a process killed while writing), and
  /// hands every whole line to `replay` in order. Holds a lock on the file: two processes on one ledger would
  /// give away the same money twice.
  /// @throws std::runtime_error naming the file when it cannot be used.
  ledger_file(const std::string& path, const reader& replay);
  ~ledger_file();
  ledger_file(const ledger_file&) = delete;
  ledger_file& operator=(const ledger_file&) = delete;

  /// Queues a line (without its end); order of calls is order in the file.
  /// @returns what to settle: the file's length once the line is in it.
  std::uint64_t append(std::string_view line);

  /// @returns the file's length with everything queued so far: where the next line will begin.
  std::uint64_t length();

  /// Returns once everything before `position` is written. A sandbox that cannot write must not go on: it
  /// ends the process.
  void settle(std::uint64_t position);

  /// @returns a part of what was appended, written or not.
  /// @throws std::runtime_error when the file is shorter than that.
  std::string read(std::uint64_t offset, std::size_t length);

private:
  std::string path_;
  int file_ = -1;
  std::mutex pending_mutex_;
  std::string pending_;
  std::uint64_t appended_ = 0; ///< bytes written or queued
  std::mutex write_mutex_;     ///< held while writing; taken before pending_mutex_
  std::string batch_;
  std::atomic<std::uint64_t> written_{0}; ///< bytes
};

} // namespace souk::sandbox_common
