#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace souk::bench {

/// Whom the shop depends on without being paid by them: the mail server and the merchants' webhooks, both on 127.0.0.1 and both in
/// one thread. Alive they take everything at once. Dead they accept connections and never say a word, which is worse than refusing.
class neighbours {
public:
  /// @param mail_port where SMTP is spoken; the webhooks' port is any free one @throws std::system_error
  explicit neighbours(std::uint16_t mail_port);
  ~neighbours();
  neighbours(const neighbours&) = delete;
  neighbours& operator=(const neighbours&) = delete;

  /// Of a webhook; any path.
  const std::string& webhook_url() const { return webhook_url_; }
  /// Whoever waits for an answer when they come back to life is cut off, as by a server that was started again.
  void be_alive(bool alive) { alive_ = alive; }
  std::uint64_t mails() const { return mails_; }
  std::uint64_t webhooks() const { return webhooks_; }
  /// Connections that are open and get no answer.
  std::uint64_t hanging() const { return hanging_; }

private:
  class desk; ///< what their thread does
  std::string webhook_url_;
  std::atomic<bool> alive_{true}, stopping_{false};
  std::atomic<std::uint64_t> mails_{0}, webhooks_{0}, hanging_{0};
  std::unique_ptr<desk> desk_;
  std::thread thread_;
};

} // namespace souk::bench
