#pragma once

#include "actors/secret/secret_box.hpp"
#include "actors/webhooks/sender.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <semaphore>

namespace souk::integrations {

struct webhook_http_options {
  std::chrono::milliseconds timeout{5000}; ///< for everything: name, connection, TLS, answer
  bool allow_insecure = false;             ///< plain http, any port and private addresses: for tests
};

/// Calls merchants' webhooks over HTTPS. Merchants choose the addresses, so every socket is checked when it is opened, whatever the
/// name meant a moment ago: only public addresses are called, port 443, no redirect is followed and no proxy asked. Of the answer
/// only the status counts. Safe from any thread.
class webhook_http_sender final : public actors::webhook_sender {
public:
  webhook_http_sender(webhook_http_options options, std::shared_ptr<const actors::secret_box> secrets);

  actors::webhook_answer send(const storage::webhook_row& to, const storage::webhook_delivery_row& what,
                              const std::string& store_slug, storage::timestamp now) override;
  std::string vet(const std::string& address) override;
  /// From here on nothing is sent: what was given answers "stopping" at once.
  void stop() { stopping_ = true; }

private:
  static constexpr std::ptrdiff_t vets_at_once = 4; ///< a name server that hangs must not take every thread of the edge

  std::atomic<bool> stopping_{false};
  webhook_http_options options_;
  std::shared_ptr<const actors::secret_box> secrets_;
  std::counting_semaphore<vets_at_once> vets_{vets_at_once};
};

} // namespace souk::integrations
