#pragma once

#include "integrations/providers_sandbox/call.hpp"
#include "integrations/providers_sandbox/faults.hpp"
#include "integrations/providers_sandbox/signatures.hpp"
#include "integrations/providers_sandbox/store.hpp"
#include "integrations/providers_sandbox/webhooks.hpp"

#include <optional>
#include <string>

namespace souk::providers {

/// SendGrid's mail/send and its signed event webhook. It has no idempotency keys: what is sent twice is two mails.
class sendgrid : public provider {
public:
  sendgrid(store& memory, webhook_sender& sender, faults& knobs);

  /// Makes or finds the key that signs events. Call it once the store is open.
  void start();

  answer handle(call& asked) override;
  answer refusal(const call& asked, int status) override;
  bool is_command(const call& asked) const override;

  /// @returns accepted mails of all accounts, oldest first, from `after` (a count) on.
  json mails(std::size_t after, std::size_t limit);

  /// What happens to a mail later: fires an event of {account, event, email, message_id, …}.
  answer fire(const json& wanted);

  /// @returns the public key of the event webhook, base64 of its DER.
  std::string public_key() const { return base64(key_->public_der()); }

private:
  answer send_mail(call& asked, const std::string& api_key);
  void notify(store::transaction& change, std::uint32_t account, const json& events);
  void deliver(std::uint32_t account, place events);

  store& store_;
  webhook_sender& sender_;
  faults& faults_;
  std::optional<signing_key> key_;
  std::optional<signing_key> forger_;
};

} // namespace souk::providers
