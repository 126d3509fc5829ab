#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace souk::actors {

/// A mail as it is sent: both bodies, and what identifies it.
struct mail {
  std::string id; ///< the same for every attempt of the same mail: becomes the Message-ID
  std::string from_name;
  std::string from;
  std::string reply_to;
  std::string to;
  std::string subject;
  std::string text;
  std::string html;
  std::string unsubscribe_url; ///< marketing mail: List-Unsubscribe (RFC 8058); else empty
  std::vector<std::pair<std::string, std::string>> tags; ///< for the provider's own statistics and events: "store", "mail"
};

enum class mail_outcome : std::uint8_t {
  sent = 1,
  refused = 2,  ///< this address or this mail will never be accepted
  not_now = 3   ///< the server is away, busy, or says to come back
};

struct mail_answer {
  mail_outcome outcome = mail_outcome::not_now;
  bool bad_address = false; ///< refused because the mailbox does not exist: write to it no more
  bool only_this = false;   ///< not_now: the server is well, it is this mail that must wait (a full mailbox, greylisting)
  std::string reference;    ///< the server's id of the mail
  std::string error;
};

/// Sends mail. Called on worker threads; every call has a time limit and never throws.
class mailer {
public:
  virtual ~mailer() = default;
  virtual mail_answer send(const mail& m) = 0;
};

} // namespace souk::actors
