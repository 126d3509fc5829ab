#pragma once

#include "actors/payment/gateway.hpp"
#include "storage/entity_reader.hpp"

#include <string>
#include <vector>

namespace souk::actors {

/// A day of ours held against the provider's: one line of what does not agree.
struct reconcile_difference {
  enum class kind : std::uint8_t {
    not_at_provider = 1,    ///< we say that money moved; the provider knows nothing of it
    not_here = 2,           ///< the provider moved money that we know nothing of
    other_amount = 3,
    refund_not_at_provider = 4,
    refund_not_here = 5,
    other_refund = 6
  };
  kind what = kind::not_here;
  storage::ulid order_id; ///< nil: the provider does not say
  std::string reference;  ///< the provider's, of the payment or the refund
  std::int64_t ours = 0;  ///< minor units
  std::int64_t theirs = 0;
  std::string currency;
};

/// "not_at_provider"
std::string to_string(reconcile_difference::kind what);

struct reconciliation {
  std::size_t payments = 0; ///< of the provider's in the day, compared
  std::size_t refunds = 0;
  std::vector<reconcile_difference> differences;
};

/// @param ours every order that the entries name, and every order that was placed in the day
/// @param theirs what moved in the day and around it: a payment that was started before midnight is taken after it
/// @param from, to the day: only what moved in it, by the provider's clock, or was started in it, by ours, is judged
reconciliation reconcile(const std::string& provider, const std::vector<storage::order_snapshot>& ours,
                         const provider_entries& theirs, storage::timestamp from, storage::timestamp to);

} // namespace souk::actors
