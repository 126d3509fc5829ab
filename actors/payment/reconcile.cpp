#include "actors/payment/reconcile.hpp"

#include <algorithm>
#include <map>

namespace souk::actors {

namespace {

using kind = reconcile_difference::kind;

struct known {
  const storage::payment_row* payment = nullptr;
  const storage::order_snapshot* order = nullptr;
};

/// A refund that is under way may or may not have moved.
bool may_move(const storage::refund_row& r) {
  return r.state == storage::refund_state::started || r.state == storage::refund_state::pending;
}

bool went_back(const storage::refund_row& r) {
  return r.state == storage::refund_state::succeeded;
}

class comparison {
public:
  comparison(const std::string& provider, const std::vector<storage::order_snapshot>& ours, const provider_entries& theirs,
             storage::timestamp from, storage::timestamp to)
    : theirs_(theirs), from_(from), to_(to) {
    for (const auto& order : ours)
      for (const auto& p : order.payments)
        if (p.provider == provider)
          payments_.push_back({&p, &order});
  }

  reconciliation run() {
    for (const auto& e : theirs_.entries)
      e.refund ? refund(e) : payment(e);
    for (const auto& k : payments_)
      missing_at_provider(k);
    return std::move(out_);
  }

private:
  bool in_day(storage::timestamp at) const { return at >= from_ && at < to_; }

  bool is_of(const known& k, const provider_entry& e) const {
    if (!e.attempt_id.is_nil())
      return k.payment->id == e.attempt_id;
    if (!e.reference.empty() && !k.payment->provider_reference.empty())
      return k.payment->provider_reference == e.reference;
    return !e.order_id.is_nil() && k.payment->order_id == e.order_id;
  }

  const known* find(const provider_entry& e) const {
    const auto at = std::find_if(payments_.begin(), payments_.end(), [&](const known& k) { return is_of(k, e); });
    return at == payments_.end() ? nullptr : &*at;
  }

  void say(kind what, const storage::ulid& order, const std::string& reference, std::int64_t ours, std::int64_t theirs,
           const std::string& currency) {
    out_.differences.push_back({what, order, reference, ours, theirs, currency});
  }

  void payment(const provider_entry& e) {
    const auto* k = find(e);
    if (k != nullptr)
      taken_[k->payment->id] += e.amount;
    if (!in_day(e.at))
      return;
    ++out_.payments;
    if (k == nullptr)
      say(kind::not_here, e.order_id, e.reference, 0, e.amount, e.currency);
    else if (k->payment->captured != e.amount)
      say(kind::other_amount, k->payment->order_id, e.reference, k->payment->captured, e.amount, e.currency);
  }

  /// By the provider's id; one that has none yet by its sum, unless it failed.
  const storage::refund_row* find_refund(const known& k, const provider_entry& e) {
    const storage::refund_row* by_sum = nullptr;
    for (const auto& r : k.order->refunds) {
      if (r.payment_id != k.payment->id || seen_[r.id] > 0)
        continue;
      if (!r.provider_reference.empty() && r.provider_reference == e.refund_reference)
        return &r;
      if (by_sum == nullptr && r.provider_reference.empty() && r.amount == e.amount && (went_back(r) || may_move(r)))
        by_sum = &r;
    }
    return by_sum;
  }

  void refund(const provider_entry& e) {
    const auto* k = find(e);
    const storage::refund_row* ours = nullptr;
    if (k != nullptr)
      ours = find_refund(*k, e);
    if (ours != nullptr)
      ++seen_[ours->id];
    if (!in_day(e.at))
      return;
    ++out_.refunds;
    if (ours == nullptr || !(went_back(*ours) || may_move(*ours)))
      say(kind::refund_not_here, k == nullptr ? e.order_id : k->payment->order_id, e.refund_reference, 0, e.amount, e.currency);
    else if (ours->amount != e.amount)
      say(kind::other_refund, ours->order_id, e.refund_reference, ours->amount, e.amount, e.currency);
  }

  void missing_at_provider(const known& k) {
    const auto& p = *k.payment;
    if (in_day(p.created_at) && p.captured > 0 && p.amount > 0 && taken_.find(p.id) == taken_.end())
      say(kind::not_at_provider, p.order_id, p.provider_reference, p.captured, 0, p.currency);
    for (const auto& r : k.order->refunds)
      if (r.payment_id == p.id && went_back(r) && in_day(r.updated_at) && in_day(r.created_at) && seen_[r.id] == 0)
        say(kind::refund_not_at_provider, p.order_id, r.provider_reference, r.amount, 0, r.currency);
  }

  const provider_entries& theirs_;
  storage::timestamp from_;
  storage::timestamp to_;
  std::vector<known> payments_;
  std::map<storage::ulid, std::int64_t> taken_;
  std::map<storage::ulid, int> seen_;
  reconciliation out_;
};

} // namespace

std::string to_string(kind what) {
  switch (what) {
    case kind::not_at_provider: return "not_at_provider";
    case kind::not_here: return "not_here";
    case kind::other_amount: return "other_amount";
    case kind::refund_not_at_provider: return "refund_not_at_provider";
    case kind::refund_not_here: return "refund_not_here";
    case kind::other_refund: return "other_refund";
  }
  return "unknown";
}

reconciliation reconcile(const std::string& provider, const std::vector<storage::order_snapshot>& ours,
                         const provider_entries& theirs, storage::timestamp from, storage::timestamp to) {
  return comparison{provider, ours, theirs, from, to}.run();
}

} // namespace souk::actors
