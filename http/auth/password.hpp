#pragma once

#include "actors/outcome.hpp"
#include "runtime/thread_pool.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace souk::http {

/// 8 to 200 characters, any of them (NIST SP 800-63B: length counts, composition rules do not).
std::optional<actors::rejection> check_password(std::string_view password);

/// argon2id with OWASP's minimum: 19 MiB, 2 passes, 1 lane; about 20 ms each. Passwords are hashed on a few
/// threads of their own, so that a flood of log-ins waits there and not where shoppers' requests are served.
class password_hasher {
public:
  /// @param workers threads, 19 MiB each while they hash @param queue_max calls that may wait for them
  password_hasher(std::size_t workers, std::size_t queue_max);

  // All of them block until it is done. nullopt: too many wait (or memory is short), answer 503.

  /// The hash as it is kept, with its salt and parameters.
  std::optional<std::string> hash(std::string_view password);
  /// Whether the password belongs to the hash.
  std::optional<bool> verify(std::string_view hash, std::string_view password);
  /// For an e-mail that nobody has: false, after the time that a real check takes, so that the clock does not
  /// tell who is a customer.
  std::optional<bool> verify_nobody(std::string_view password);

private:
  std::string nobody_; ///< the hash of a password that was thrown away
  runtime::thread_pool pool_;
};

} // namespace souk::http
