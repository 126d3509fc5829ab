#pragma once

#include "actors/mail/mailer.hpp"
#include "runtime/clock.hpp"

#include <atomic>
#include <chrono>
#include <string>

namespace souk::integrations {

struct smtp_options {
  std::string url;         ///< `smtp://host:port` or `smtps://user:password@host:port`
  bool require_tls = true; ///< smtp://: no STARTTLS with a certificate that holds, no mail. False: encrypted if the server can, unchecked
  std::chrono::milliseconds time_limit{10'000}; ///< of one mail, connecting included
  std::string authority{}; ///< PEM file with the authorities to believe; empty: the system's
};

/// Sends mail to a server that speaks SMTP. Each mail has a connection of its own, so any number of threads may send at once.
/// A server that did not answer is left alone for two seconds: mails that wait behind it hear so without waiting for it again.
class smtp_mailer final : public actors::mailer {
public:
  /// @param time dates the mails; must outlive this
  /// @throws std::invalid_argument when the url is none of the two above
  smtp_mailer(const smtp_options& options, const runtime::clock& time);

  actors::mail_answer send(const actors::mail& m) override;

private:
  actors::mail_answer attempt(const actors::mail& m);

  std::string server_; ///< scheme, host and port
  bool implicit_tls_ = false;
  std::string user_;
  std::string password_;
  smtp_options options_;
  const runtime::clock& time_;
  std::atomic<std::int64_t> silent_until_{0}; ///< nanoseconds of the steady clock
};

} // namespace souk::integrations
