#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace souk::actors {

enum class desk_answer : std::uint8_t {
  done = 1,
  refused = 2, ///< it was not made by whom it says it was; no use in trying again
  later = 3    ///< nothing or not all of it could be written down: it is safe to say it again
};

/// What others say about a store's mails. Any thread; calls block within a time limit and never throw.
class mail_desk {
public:
  virtual ~mail_desk() = default;

  /// The mail provider tells what became of mails: addresses that bounced or complained are written to no more.
  /// @param headers names in lower case @param body the raw bytes: the signature is over them
  virtual desk_answer provider_event(const std::map<std::string, std::string>& headers, const std::string& body) = 0;
  /// Somebody followed a link of a marketing mail, or his mail program did (RFC 8058). Again is nothing.
  virtual desk_answer unsubscribe(const std::string& token) = 0;
};

} // namespace souk::actors
