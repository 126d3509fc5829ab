#include "integrations/sandbox_common/ledger_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <stdexcept>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace souk::sandbox_common {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error("ledger " + path + ": " + why);
}

/// The file's bytes while it is replayed: mapped, because a ledger after a load test is larger than what one
/// wants to copy.
class mapping {
public:
  mapping(int file, const std::string& path) {
    struct stat status {};
    if (::fstat(file, &status) != 0)
      refuse(path, std::strerror(errno));
    length_ = static_cast<std::size_t>(status.st_size);
    if (length_ == 0)
      return;
    start_ = ::mmap(nullptr, length_, PROT_READ, MAP_PRIVATE, file, 0);
    if (start_ == MAP_FAILED)
      refuse(path, std::strerror(errno));
  }
  ~mapping() {
    if (length_ > 0)
      ::munmap(start_, length_);
  }
  mapping(const mapping&) = delete;
  mapping& operator=(const mapping&) = delete;

  std::string_view text() const { return {static_cast<const char*>(start_), length_}; }

private:
  void* start_ = nullptr;
  std::size_t length_ = 0;
};

} // namespace

ledger_file::ledger_file(const std::string& path, const reader& replay) : path_{path} {
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0)
    refuse(path, std::strerror(errno));
  try {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0)
      refuse(path, "in use by another sandbox");
    mapping mapped{file_, path};
    auto text = mapped.text();
    auto whole = text.rfind('\n') + 1; // npos + 1 = 0: no whole line at all
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < whole;) {
      auto end = text.find('\n', begin);
      ++number;
      try {
        replay(text.substr(begin, end - begin), begin);
      } catch (const std::exception& error) {
        refuse(path, "line " + std::to_string(number) + ": " + error.what());
      }
      begin = end + 1;
    }
    if (whole != text.size()) {
      spdlog::warn("ledger {}: the last line was never finished and is dropped", path);
      if (::ftruncate(file_, static_cast<off_t>(whole)) != 0)
        refuse(path, std::strerror(errno));
    }
    appended_ = whole;
    written_ = whole;
  } catch (...) {
    ::close(file_);
    throw;
  }
}

ledger_file::~ledger_file() {
  settle(appended_);
  ::close(file_);
}

std::uint64_t ledger_file::append(std::string_view line) {
  std::lock_guard lock{pending_mutex_};
  pending_ += line;
  pending_ += '\n';
  appended_ += line.size() + 1;
  return appended_;
}

std::uint64_t ledger_file::length() {
  std::lock_guard lock{pending_mutex_};
  return appended_;
}

void ledger_file::settle(std::uint64_t position) {
  if (written_ >= position)
    return;
  std::lock_guard writing{write_mutex_};
  if (written_ >= position)
    return;
  batch_.clear();
  std::uint64_t last = 0;
  {
    std::lock_guard lock{pending_mutex_};
    std::swap(batch_, pending_);
    last = appended_;
  }
  for (std::size_t done = 0; done < batch_.size();) {
    auto n = ::write(file_, batch_.data() + done, batch_.size() - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      spdlog::critical("ledger {}: cannot write: {}", path_, std::strerror(errno));
      spdlog::default_logger()->flush();
      std::_Exit(1); // what was promised in memory is not on file; the restart goes on from the file
    }
    done += static_cast<std::size_t>(n);
  }
  written_ = last;
}

std::string ledger_file::read(std::uint64_t offset, std::size_t length) {
  settle(offset + length);
  std::string text(length, '\0');
  for (std::size_t done = 0; done < length;) {
    auto n = ::pread(file_, text.data() + done, length - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      refuse(path_, n < 0 ? std::strerror(errno) : "shorter than what was written to it");
    done += static_cast<std::size_t>(n);
  }
  return text;
}

} // namespace souk::sandbox_common
