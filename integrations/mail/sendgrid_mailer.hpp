#pragma once

#include "actors/mail/mailer.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace httplib {
class Client;
} // namespace httplib

namespace souk::integrations {

/// Sends mail through SendGrid's API. It knows no idempotency key: a mail whose answer was lost may arrive twice. Calls may come
/// from any number of threads; each takes an idle keep-alive connection or opens one.
///
/// The process must ignore SIGPIPE: a connection that the service closed shows itself on writing.
class sendgrid_mailer final : public actors::mailer {
public:
  /// @param base_url `https://api.sendgrid.com`, as in the setting sendgrid_url; may have a path
  /// @param time_limit of one mail
  /// @throws std::invalid_argument when base_url is no http(s) address or there is no key
  sendgrid_mailer(const std::string& base_url, const std::string& key, std::chrono::milliseconds time_limit);
  ~sendgrid_mailer() override;

  actors::mail_answer send(const actors::mail& m) override;

private:
  std::unique_ptr<httplib::Client> take();
  actors::mail_answer post(const actors::mail& m);

  std::string origin_;
  std::string path_; ///< before "/v3/mail/send"
  std::string key_;
  std::chrono::milliseconds time_limit_;
  std::mutex idle_mutex_;
  std::vector<std::unique_ptr<httplib::Client>> idle_; ///< last used first: the rest may time out and go
};

} // namespace souk::integrations
