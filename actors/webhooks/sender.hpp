#pragma once

#include "storage/rows/outgoing.hpp"

#include <string>

namespace souk::actors {

struct webhook_answer {
  std::int32_t status = 0; ///< HTTP; 0 = no answer was received
  std::string error;       ///< empty when it arrived: "timeout", "address_refused", "status_500", …
  std::int64_t took_ms = 0;
  bool arrived() const noexcept { return error.empty(); }
};

/// Delivers to merchants' webhooks. Called on worker threads; every call has a time limit and never throws.
class webhook_sender {
public:
  virtual ~webhook_sender() = default;
  /// Sends the delivery's payload, signed with the webhook's secret, and follows no redirect.
  virtual webhook_answer send(const storage::webhook_row& to, const storage::webhook_delivery_row& what,
                              const std::string& store_slug, storage::timestamp now) = 0;
  /// Whether the address may be called: https, and a public address behind it. @returns empty, or why not, for the merchant to
  /// read. Resolves the name, so it may block for a moment.
  virtual std::string vet(const std::string& address) = 0;
};

} // namespace souk::actors
