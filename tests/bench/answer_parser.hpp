#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace souk::bench {

/// Reads one HTTP/1.1 answer after another from a connection's bytes, however they are cut. Knows what our servers send: bodies
/// with Content-Length or in chunks, or none (1xx, which are skipped, 204 and 304). A body that only the connection's end would
/// delimit is malformed.
class answer_parser {
public:
  /// Takes bytes up to the end of the current answer. @returns how many; fewer than given only when done() or malformed()
  std::size_t take(std::string_view bytes);

  bool done() const { return at_ == state::done; }
  bool malformed() const { return at_ == state::malformed; }
  /// Whether nothing of an answer has arrived yet.
  bool untouched() const { return at_ == state::head && head_.empty(); }

  // Of the answer that is done(), until next().
  int status() const { return status_; }
  std::string_view body() const { return body_; }
  /// Whether the server keeps the connection.
  bool keeps_alive() const { return keeps_alive_; }

  /// Forgets this answer and begins with another.
  void next();

private:
  enum class state : std::uint8_t { head, sized_body, chunk_size, chunk, chunk_end, trailer, done, malformed };

  std::size_t take_head(std::string_view bytes);
  std::size_t take_line(std::string_view bytes);
  void read_head();
  bool read_header(std::string_view name, std::string_view value);
  void read_line();

  state at_ = state::head;
  std::string head_; ///< the head, later the line under way: a chunk's size or a trailer
  std::string body_;
  std::size_t left_ = 0; ///< bytes that the body or the chunk still lacks
  int status_ = 0;
  bool keeps_alive_ = true;
  bool chunked_ = false;
};

} // namespace souk::bench
