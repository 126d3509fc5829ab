#pragma once

#include <chrono>
#include <httplib.h>
#include <string>
#include <string_view>

namespace souk::http {

/// A client's connection as cpp-httplib reads and writes it. Three things are different from its own: the
/// whole head of a request is read first, within a limit and a deadline, so that a slow client cannot hold a
/// thread a byte at a time; what an answer consists of goes out in one send; and descriptors above 1,023
/// work.
class connection final : public httplib::Stream {
public:
  struct limits {
    std::size_t head_max = 16 * 1024;
    std::chrono::milliseconds head{10'000}; ///< for the whole head
    std::chrono::milliseconds read{10'000}; ///< for each further piece of a body
    std::chrono::milliseconds write{10'000};
  };
  connection(socket_t sock, limits allowed);

  enum class head : std::uint8_t { complete, closed, timed_out, too_large, malformed };
  /// Waits up to `slice` for the first byte of the next request.
  bool wait(std::chrono::milliseconds slice);
  bool closed() const noexcept { return broken_; }
  /// Reads until the head (request line and headers) is in the buffer.
  head read_head();

  /// Whether the head that read_head() found has a line for this header, even one that cpp-httplib passes
  /// over because nothing stands behind the colon. @param name lower case
  bool head_names(std::string_view name) const;

  /// The answer ends the connection.
  void close_after() noexcept { close_after_ = true; }
  bool closes() const noexcept { return close_after_ || broken_; }
  /// Sends what was written. @returns false when the client is gone
  bool flush();
  /// Lets the client read the last answer: stops sending, reads off for a moment what it still sends.
  void linger();

  bool is_readable() const override { return true; }
  bool is_writable() const override { return !broken_; }
  ssize_t read(char* into, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  /// cpp-httplib refuses what select() could not take; nothing here selects.
  socket_t socket() const override { return 0; }

private:
  /// @returns bytes added, 0 at the end, -1 when nothing came in time
  ssize_t fill(std::chrono::milliseconds within);
  bool send_all(std::string_view bytes);

  socket_t sock_;
  limits allowed_;
  std::string in_;
  std::size_t taken_ = 0;    ///< bytes of in_ that were read
  std::size_t head_end_ = 0; ///< of the head in in_
  std::string out_;
  bool close_after_ = false;
  bool broken_ = false;
};

} // namespace souk::http
