#include "simulation/world/gateway.hpp"

#include <algorithm>

namespace souk::simulation {

using actors::gateway_answer;
using actors::gateway_status;

gateway_answer simulated_gateway::unreliably(const actors::charge& c, call what) {
  ++calls_;
  bool heard = !random_.chance(rates_.lost_request);
  bool answers = !random_.chance(rates_.lost_answer);
  if (silent_ || !heard)
    return {};
  auto answer = (this->*what)(c);
  if (auto at = accounts_.find(c.attempt_id); at != accounts_.end() && at->second.drops_left > 0) {
    --at->second.drops_left;
    return {};
  }
  return answers ? answer : gateway_answer{};
}

gateway_answer simulated_gateway::authorize(const actors::charge& c) {
  return unreliably(c, &simulated_gateway::do_authorize);
}
gateway_answer simulated_gateway::query(const actors::charge& c) {
  return unreliably(c, &simulated_gateway::do_query);
}
gateway_answer simulated_gateway::cancel(const actors::charge& c) {
  return unreliably(c, &simulated_gateway::do_cancel);
}
gateway_answer simulated_gateway::refund(const actors::charge& c) {
  return unreliably(c, &simulated_gateway::do_refund);
}

gateway_answer simulated_gateway::capture(const actors::charge& c) {
  return unreliably(c, &simulated_gateway::do_capture);
}
gateway_answer simulated_gateway::query_refund(const actors::charge& c) {
  return unreliably(c, &simulated_gateway::do_query_refund);
}

std::int64_t simulated_gateway::back(const account& a) {
  std::int64_t sum = 0;
  for (const auto& [id, r] : a.given_back)
    if (!r.failed)
      sum += r.amount;
  return sum;
}

void simulated_gateway::news(const storage::ulid& attempt, const account& a) {
  if (on_news)
    on_news(attempt, a);
}

void simulated_gateway::take(const storage::ulid& attempt, account& a, std::int64_t amount) {
  a.now = state::taken;
  a.taken = amount;
  ++a.captures;
  news(attempt, a);
}

gateway_answer simulated_gateway::describe(const storage::ulid& id, account& a) {
  if (a.now == state::processing && time_.now() >= a.processed_at)
    take(id, a, a.amount);
  gateway_answer out;
  out.reference = "pay_" + id.str();
  switch (a.now) {
    case state::cancelled: out.status = gateway_status::cancelled; break;
    case state::declined:
      out.status = gateway_status::declined;
      out.code = "card_declined";
      break;
    case state::rejected:
      out.status = gateway_status::rejected;
      out.code = "bad_token";
      break;
    case state::waiting:
      out.status = gateway_status::requires_action;
      out.action_url = "https://pay.example/" + id.str();
      break;
    case state::processing: out.status = gateway_status::processing; break;
    case state::promised: out.status = gateway_status::authorized; break;
    case state::taken:
      out.status = gateway_status::succeeded;
      out.captured = a.taken;
      out.refunded = back(a);
      break;
    case state::refunded:
      out.status = gateway_status::refunded;
      out.captured = a.taken;
      break;
  }
  return out;
}

gateway_answer simulated_gateway::do_authorize(const actors::charge& c) {
  auto [at, fresh] = accounts_.try_emplace(c.attempt_id);
  auto& a = at->second;
  if (fresh) {
    a.order = c.order_id;
    a.amount = c.amount;
    a.currency = c.currency;
    a.token = c.method_token;
    if (a.token == "tok_declined") {
      a.now = state::declined;
    } else if (a.token == "tok_rejected") {
      a.now = state::rejected;
    } else if (a.token == "tok_requires_action") {
      a.now = state::waiting;
    } else if (a.token == "tok_slow") {
      a.now = state::processing;
      a.processed_at = time_.now() + std::chrono::seconds{1 + random_.below(60)};
      news(c.attempt_id, a); // it will have been taken by the time somebody hears of it
    } else if (a.token == "tok_promised") {
      a.now = state::promised;
      news(c.attempt_id, a);
    } else {
      if (a.token == "tok_drop")
        a.drops_left = 1 + static_cast<int>(random_.below(2));
      take(c.attempt_id, a, a.amount);
    }
  }
  return describe(c.attempt_id, a);
}

gateway_answer simulated_gateway::do_query(const actors::charge& c) {
  auto at = accounts_.find(c.attempt_id);
  if (at == accounts_.end()) {
    gateway_answer out;
    out.status = gateway_status::not_found;
    return out;
  }
  return describe(c.attempt_id, at->second);
}

gateway_answer simulated_gateway::do_cancel(const actors::charge& c) {
  auto [at, fresh] = accounts_.try_emplace(c.attempt_id);
  auto& a = at->second;
  if (fresh) // a mark: should the attempt arrive later, it does nothing
    a.order = c.order_id;
  describe(c.attempt_id, a);
  if (a.now == state::waiting || a.now == state::processing || a.now == state::promised) {
    a.now = state::cancelled;
    news(c.attempt_id, a);
  }
  return describe(c.attempt_id, a);
}

gateway_answer simulated_gateway::do_capture(const actors::charge& c) {
  auto at = accounts_.find(c.attempt_id);
  if (at == accounts_.end()) {
    gateway_answer out;
    out.status = gateway_status::not_found;
    return out;
  }
  auto& a = at->second;
  if (a.now == state::promised)
    take(c.attempt_id, a, std::min(c.captures, a.amount));
  return describe(c.attempt_id, a);
}

gateway_answer simulated_gateway::about_refund(const actors::charge& c, account& a) {
  const auto& r = a.given_back.at(c.refund_id);
  gateway_answer out;
  out.reference = "pay_" + c.attempt_id.str();
  out.refund_reference = "re_" + c.refund_id.str();
  out.status = r.failed                    ? gateway_status::rejected
               : time_.now() < r.done_at ? gateway_status::processing
                                         : gateway_status::refunded;
  if (r.failed)
    out.code = "refund_failed";
  return out;
}

gateway_answer simulated_gateway::do_query_refund(const actors::charge& c) {
  auto at = accounts_.find(c.attempt_id);
  if (at == accounts_.end() || !at->second.given_back.contains(c.refund_id)) {
    gateway_answer out;
    out.status = gateway_status::not_found;
    return out;
  }
  return about_refund(c, at->second);
}

gateway_answer simulated_gateway::do_refund(const actors::charge& c) {
  auto at = accounts_.find(c.attempt_id);
  gateway_answer out;
  if (at == accounts_.end()) {
    out.status = gateway_status::not_found;
    return out;
  }
  auto& a = at->second;
  if (a.given_back.contains(c.refund_id)) // asked again it is the same refund
    return about_refund(c, a);
  if (a.now != state::taken || c.refunds <= 0 || back(a) + c.refunds > a.taken) {
    out.status = gateway_status::rejected;
    out.code = "nothing_to_refund";
    return out;
  }
  returned r;
  r.amount = c.refunds;
  if (a.token == "tok_refund_waits")
    r.done_at = time_.now() + std::chrono::seconds{1 + random_.below(300)};
  r.failed = a.token == "tok_refund_fails";
  a.given_back.emplace(c.refund_id, r);
  if (back(a) == a.taken) {
    a.now = state::refunded;
    ++a.refunds;
  }
  news(c.attempt_id, a);
  return about_refund(c, a);
}

bool simulated_gateway::act(const storage::ulid& attempt, bool approve) {
  auto at = accounts_.find(attempt);
  if (at == accounts_.end() || at->second.now != state::waiting)
    return false;
  if (approve) {
    take(attempt, at->second, at->second.amount);
  } else {
    at->second.now = state::declined;
    news(attempt, at->second);
  }
  return true;
}

std::vector<storage::ulid> simulated_gateway::waiting() const {
  std::vector<storage::ulid> out;
  for (const auto& [id, a] : accounts_)
    if (a.now == state::waiting)
      out.push_back(id);
  return out;
}

} // namespace souk::simulation
