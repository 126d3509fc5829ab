#include "integrations/payment/sandbox_server/ledger_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <stdexcept>
#include <sys/file.h>
#include <unistd.h>

namespace souk::sandbox {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error("ledger " + path + ": " + why);
}

std::string read_all(int file, const std::string& path) {
  std::string text;
  char buffer[1 << 16];
  while (true) {
    auto n = ::read(file, buffer, sizeof buffer);
    if (n == 0)
      return text;
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      refuse(path, std::strerror(errno));
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

} // namespace

ledger_file::ledger_file(const std::string& path, const std::function<void(std::string_view)>& replay)
  : path_{path} {
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0)
    refuse(path, std::strerror(errno));
  try {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0)
      refuse(path, "in use by another souk-sandbox");
    auto text = read_all(file_, path);
    auto whole = text.rfind('\n') + 1; // npos + 1 = 0: no whole line at all
    if (whole != text.size()) {
      spdlog::warn("ledger {}: the last line was never finished and is dropped", path);
      if (::ftruncate(file_, static_cast<off_t>(whole)) != 0)
        refuse(path, std::strerror(errno));
    }
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < whole;) {
      auto end = text.find('\n', begin);
      ++number;
      try {
        replay(std::string_view{text}.substr(begin, end - begin));
      } catch (const std::exception& error) {
        refuse(path, "line " + std::to_string(number) + ": " + error.what());
      }
      begin = end + 1;
    }
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
  return ++appended_;
}

void ledger_file::settle(std::uint64_t position) {
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

} // namespace souk::sandbox
