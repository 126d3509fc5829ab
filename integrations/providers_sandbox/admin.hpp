#pragma once

#include "integrations/providers_sandbox/call.hpp"
#include "integrations/providers_sandbox/faults.hpp"
#include "integrations/providers_sandbox/paypal.hpp"
#include "integrations/providers_sandbox/sendgrid.hpp"
#include "integrations/providers_sandbox/shipstation.hpp"
#include "integrations/providers_sandbox/store.hpp"
#include "integrations/providers_sandbox/stripe.hpp"
#include "integrations/providers_sandbox/webhooks.hpp"

#include <map>
#include <string>

namespace souk::providers {

/// What a tester calls, below /admin: accounts, faults, the ledger, and what shoppers, banks and warehouses do.
/// docs/providers-sandbox.md describes the calls.
class admin {
public:
  struct parts {
    store& memory;
    webhook_sender& sender;
    std::map<std::string, faults*> knobs; ///< by provider
    providers::stripe& stripe;
    providers::paypal& paypal;
    providers::shipstation& shipstation;
    providers::sendgrid& sendgrid;
  };

  explicit admin(parts all) : all_{std::move(all)} {}

  answer handle(const call& asked);

private:
  answer set_faults(const json& body);
  answer show_faults() const;
  answer set_account(const json& body);
  answer ledger(std::size_t after, std::size_t limit);
  answer webhook_counts() const;

  parts all_;
};

} // namespace souk::providers
