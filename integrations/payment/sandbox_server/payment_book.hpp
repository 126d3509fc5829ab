#pragma once

#include "integrations/sandbox_common/ledger_file.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

namespace souk::sandbox {

enum class payment_status : std::uint8_t {
  succeeded,
  declined,
  requires_action,
  processing,
  cancelled,
  refunded
};

std::string_view to_string(payment_status status);

/// A hash of what a request asked for: the same key with another one is a client's mistake.
using fingerprint = std::array<std::uint8_t, 16>;

struct payment {
  std::string id;                                    ///< "pay_…"
  std::string key;                                   ///< the Idempotency-Key that created it
  std::string reference;                             ///< the shop's order
  std::string currency;                              ///< ISO 4217, capitals
  std::string decline_code;                          ///< empty unless declined
  std::string return_url;                            ///< where the shopper goes after acting; may be empty
  std::string refund_id;                             ///< "ref_…" of the last refund
  std::int64_t refunded = 0;                         ///< minor units given back so far
  std::int64_t amount = 0;                           ///< minor units
  std::int64_t created_at = 0;                       ///< milliseconds since 1970, UTC
  payment_status first = payment_status::succeeded;  ///< as answered at creation: what a replay repeats
  payment_status status = payment_status::succeeded; ///< now
};

struct charge {
  std::int64_t amount = 0;
  std::string currency;
  std::string reference;
  std::string return_url;
  payment_status result = payment_status::succeeded; ///< what the token decides
  std::string decline_code;
  bool fail_first = false; ///< tok_error_once: the first call with the key is a failure that executes nothing
};

enum class refusal : std::uint8_t {
  key_reused, ///< the key belongs to a request with other parameters
  unknown_payment,
  wrong_status, ///< the payment is in a status that does not allow this
  failed_once   ///< nothing was executed; the next call with the key works
};

/// What a command did: the payment as it is now, and whether it had been done before by the same key.
struct done {
  sandbox::payment payment;
  bool replayed = false;
};

struct refused {
  refusal why;
  std::optional<sandbox::payment> payment = std::nullopt; ///< as it is, when there is one
};

using outcome = std::variant<done, refused>;

/// Money that moved: what a shop's books are compared with.
struct ledger_entry {
  std::uint64_t seq = 0; ///< 1, 2, 3 …
  bool refund = false;
  std::int64_t amount = 0; ///< minor units
  sandbox::payment payment;
};

/// The rules of the gateway and everything it knows. All calls may come from any thread, and return once what
/// they did is on file.
class payment_book {
public:
  explicit payment_book(const std::string& path);

  outcome create(const std::string& key, const fingerprint& request, const charge& wanted);

  /// Ends a payment before money moves. One that was declined or cancelled stays as it is (nothing will
  /// move); one that succeeded or was refunded is refused.
  outcome cancel(const std::string& id);

  /// The same for a client that never heard the payment's id. A key nobody used is burnt: a request with it
  /// that is still on its way will find a cancelled payment, so the client may let go of what it held.
  outcome cancel_key(const std::string& key, const std::string& reference);

  /// What the shopper decides on the action page; also settles a payment that is processing.
  outcome decide(const std::string& id, bool approve);

  /// Gives `amount` back (0: all that is left), once per key. Refused when that is more than is left.
  outcome refund(const std::string& id, const std::string& key, const fingerprint& request, std::int64_t amount);

  std::optional<payment> find(const std::string& id);
  std::optional<payment> find_key(const std::string& key);
  std::vector<payment> find_reference(const std::string& reference); ///< oldest first

  /// @returns entries with a greater seq than `after`, oldest first.
  std::vector<ledger_entry> ledger(std::uint64_t after, std::size_t limit);

private:
  struct key_record {
    std::uint32_t payment = 0;
    sandbox::fingerprint request{};
    bool burnt = false; ///< by cancel_key: any request may use it, and finds the cancelled payment
  };
  struct money_moved {
    std::uint32_t payment;
    bool refund;
    std::int64_t amount;
  };

  void replay(std::string_view line);

  /// Runs the call under the lock and returns its result once all it may have seen is on file.
  template <class Call>
  auto on_file(Call call);

  // Everything below is called with mutex_ held.
  std::uint32_t insert(payment fresh, key_record record);
  payment* at(const std::string& id);
  outcome cancel_locked(payment& subject);
  void write(std::string_view line);
  void write_created(const payment& fresh, const key_record& record);
  /// Changes the status and writes the line for it, with further members from `line`.
  void move_to(payment& subject, payment_status status, nlohmann::json line);

  std::mutex mutex_;
  std::deque<payment> payments_;
  std::unordered_map<std::string, std::uint32_t> by_id_;
  std::unordered_map<std::string, key_record> by_key_;
  std::unordered_multimap<std::string, std::uint32_t> by_reference_;
  std::unordered_set<std::string> failed_once_;
  std::vector<money_moved> ledger_;
  std::uint64_t last_line_ = 0;
  sandbox_common::ledger_file file_; ///< last: its constructor replays into the members above
};

} // namespace souk::sandbox
