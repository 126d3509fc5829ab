#pragma once

#include "actors/payment/gateway.hpp"
#include "simulation/world/timeline.hpp"
#include "storage/simulated/fault_plan.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace souk::simulation {

/// How unreliable the payment provider is, as probabilities per call.
struct gateway_rates {
  double lost_request = 0; ///< nothing was done, nothing is heard
  double lost_answer = 0;  ///< done, and nothing is heard
};

/// A payment provider that keeps a ledger of the money it moved. It knows an attempt by its id, so asking again does nothing
/// twice, and an attempt that was cancelled before it arrived never takes money: what the sandbox and real providers promise.
///
/// Tokens: tok_promised (only authorised: somebody captures it, or lets it go), tok_ok, tok_declined, tok_requires_action (the shopper approves, declines or walks away), tok_slow (processing for a
/// while, then taken), tok_drop (taken, but the first answers are lost), tok_rejected, tok_refund_waits (a refund is under way for a
/// while), tok_refund_fails (the provider cannot give the money back).
class simulated_gateway final : public actors::gateway {
public:
  enum class state : std::uint8_t { cancelled, declined, rejected, waiting, processing, promised, taken, refunded };
  struct returned {
    std::int64_t amount = 0;
    timestamp done_at{}; ///< until then it is under way
    bool failed = false;
  };
  struct account {
    storage::ulid order;
    state now = state::cancelled;
    std::int64_t amount = 0;
    std::string currency;
    std::string token;
    int captures = 0;
    int refunds = 0;
    std::int64_t taken = 0; ///< what was captured of `amount`
    std::map<storage::ulid, returned> given_back; ///< by refund
    int drops_left = 0;
    timestamp processed_at{};
  };

  simulated_gateway(const timeline& time, std::uint64_t seed, gateway_rates rates) : time_(time), random_(seed), rates_(rates) {}

  actors::gateway_answer authorize(const actors::charge& c) override;
  actors::gateway_answer query(const actors::charge& c) override;
  actors::gateway_answer cancel(const actors::charge& c) override;
  actors::gateway_answer refund(const actors::charge& c) override;
  actors::gateway_answer capture(const actors::charge& c) override;
  actors::gateway_answer query_refund(const actors::charge& c) override;

  /// Called when something happened to an attempt's money, whoever asked for it. May be empty.
  std::function<void(const storage::ulid& attempt, const account& a)> on_news;
  /// What went back of an attempt, or will.
  static std::int64_t back(const account& a);
  /// The shopper acts on the provider's page. @returns false when the attempt does not wait for him (any more).
  bool act(const storage::ulid& attempt, bool approve);
  /// Attempts that wait for their shopper.
  std::vector<storage::ulid> waiting() const;
  void heal() { rates_ = {}; }
  /// Does not answer until told otherwise.
  void go_silent(bool silent) { silent_ = silent; }
  const std::map<storage::ulid, account>& accounts() const { return accounts_; }
  int calls() const { return calls_; }

private:
  using call = actors::gateway_answer (simulated_gateway::*)(const actors::charge&);
  actors::gateway_answer unreliably(const actors::charge& c, call what);
  actors::gateway_answer do_authorize(const actors::charge& c);
  actors::gateway_answer do_query(const actors::charge& c);
  actors::gateway_answer do_cancel(const actors::charge& c);
  actors::gateway_answer do_refund(const actors::charge& c);
  actors::gateway_answer do_capture(const actors::charge& c);
  actors::gateway_answer do_query_refund(const actors::charge& c);
  actors::gateway_answer about_refund(const actors::charge& c, account& a);
  void news(const storage::ulid& attempt, const account& a);
  actors::gateway_answer describe(const storage::ulid& id, account& a);
  void take(const storage::ulid& attempt, account& a, std::int64_t amount);

  const timeline& time_;
  storage::simulated::random_source random_;
  gateway_rates rates_;
  std::map<storage::ulid, account> accounts_;
  bool silent_ = false;
  int calls_ = 0;
};

} // namespace souk::simulation
