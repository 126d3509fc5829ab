#include "unit/order_life.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

using namespace souk;
using namespace souk::testing;

namespace {

using event = std::function<void(order_life&)>;

void about_payment(std::vector<event>& out) {
  for (int s = 1; s <= 11; ++s)
    out.push_back([s](order_life& o) { o.answers(static_cast<gateway_status>(s)); });
  for (int s : {1, 2, 4, 6, 7, 8, 9, 11})
    out.push_back([s](order_life& o) {
      if (auto call = o.machine.pending_call(); !call.refund.id.is_nil())
        o.happens(o.machine.refund_answered(call.refund.id, saying(static_cast<gateway_status>(s)), noon));
    });
  out.push_back([](order_life& o) { // somebody gave a part back at the provider
    auto a = saying(gateway_status::succeeded);
    a.refunded = 100;
    o.happens(o.machine.payment_answered(id(attempt_id), a, noon));
  });
  out.push_back([](order_life& o) { o.happens(o.machine.reservation_expired(noon + minutes{15})); });
  out.push_back([](order_life& o) { o.happens(o.machine.reservation_expired(noon + std::chrono::hours{24 * 7})); });
  out.push_back([](order_life& o) { o.happens(o.machine.cancel("cancelled_by_customer", noon)); });
  out.push_back([](order_life& o) { o.happens(o.machine.confirm_manual(noon, merchant)); });
  out.push_back([](order_life& o) { o.happens(o.machine.capture({}, noon, merchant)); });
  out.push_back([](order_life& o) { o.happens(o.machine.capture(400, noon, merchant)); });
  out.push_back([](order_life& o) { o.happens(o.machine.resume_refund(noon)); });
  out.push_back([](order_life& o) { o.goods_there = !o.goods_there; });
}

storage::ulid next_refund(const order_life& o) {
  return id(100 + static_cast<int>(o.machine.rows().refunds.size()));
}

void about_money_back(std::vector<event>& out) {
  for (auto amount : {600, 1500})
    out.push_back([amount](order_life& o) {
      refund_order c;
      c.refund_id = next_refund(o);
      c.amount = amount;
      o.happens(o.machine.refund(c, noon, merchant));
    });
  out.push_back([](order_life& o) {
    refund_order c;
    c.refund_id = next_refund(o);
    c.lines = {{1, 1, 0, true}};
    o.happens(o.machine.refund(c, noon, merchant));
  });
}

void about_parcels(std::vector<event>& out) {
  out.push_back([](order_life& o) { o.happens(o.ships({{}, "DHL", "1Z", "", {{1, 1}}})); });
  out.push_back([](order_life& o) { o.happens(o.ships({})); });
  for (bool voided : {false, true})
    out.push_back([voided](order_life& o) {
      o.happens(o.machine.parcel_left({{}, "shipstation", "7", "ups", "1Z", "", {}, voided}, id(70), noon));
    });
  out.push_back([](order_life& o) { o.happens(o.machine.deliver({}, noon, merchant)); });
}

void about_returns(std::vector<event>& out) {
  out.push_back([](order_life& o) {
    auto n = static_cast<int>(o.machine.rows().life.returns.size());
    o.happens(o.machine.request_return({{}, id(120 + n), {{1, 1, "", 0, 0}}, false, ""}, noon, {"customer", id(buyer)}));
  });
  for (auto step : {return_step::approve, return_step::decline, return_step::cancel, return_step::close})
    out.push_back([step](order_life& o) {
      if (const auto& all = o.machine.rows().life.returns; !all.empty())
        o.happens(o.machine.step_return({{}, all.back().id, step, "", {}}, noon, merchant));
    });
  out.push_back([](order_life& o) {
    if (const auto& all = o.machine.rows().life.returns; !all.empty())
      o.happens(o.machine.receive_return({{}, all.back().id, {}, true, {}}, next_refund(o), noon, merchant));
  });
}

/// Everything that can happen to an order, also what no sane gateway would send.
std::vector<event> all_events() {
  std::vector<event> out;
  about_payment(out);
  about_money_back(out);
  about_parcels(out);
  about_returns(out);
  return out;
}

template <class E>
std::string number(E e) {
  return std::to_string(static_cast<int>(e)) + ".";
}

/// What tells one state from another, as far as the rules look: neither the words of the timeline nor the ids.
std::string state_of(const order_life& o) {
  const auto& r = o.machine.rows();
  auto s = number(r.order.status) + number(r.order.payment) + number(r.order.fulfilment) + (o.goods_there ? "g" : "-")
           + number(o.money()) + std::to_string(o.machine.attempt()->captured) + "/" + number(o.goods()) + r.order.note;
  for (const auto& x : r.refunds)
    s += "|" + std::to_string(x.amount) + x.reason + number(x.state) + (x.lines.empty() ? "" : "L");
  for (const auto& f : r.life.fulfilments)
    s += "+" + number(f.state) + f.source + std::to_string(f.lines.size()) + "x" + std::to_string(f.lines.front().quantity);
  for (const auto& x : r.life.returns)
    s += "<" + number(x.state);
  return s;
}

class findings {
public:
  void expect(bool right, const char* what) {
    if (!right)
      text_ += std::string{what} + "; ";
  }
  const std::string& text() const { return text_; }

private:
  std::string text_;
};

void check_money(const order_life& o, findings& out) {
  const auto& now = o.machine.rows();
  const auto status = now.order.status;
  std::int64_t asked = 0, done = 0;
  bool failed = false;
  for (const auto& r : now.refunds) {
    asked += r.state == storage::refund_state::failed ? 0 : r.amount;
    done += r.state == storage::refund_state::succeeded ? r.amount : 0;
    failed = failed || r.state == storage::refund_state::failed;
  }
  out.expect(asked <= o.machine.attempt()->captured, "more goes back than was taken");
  out.expect(done == now.order.refunded && done == o.machine.attempt()->refunded, "what went back is counted wrongly");
  out.expect(!is_paid(status) || o.money() == attempt_state::succeeded || o.money() == attempt_state::refunding
               || o.money() == attempt_state::refunded, "paid without money");
  out.expect(status != order_status::refunded || o.money() == attempt_state::refunded, "refunded, and money is here");
  out.expect(status != order_status::cancelled || o.money() != attempt_state::succeeded || failed, "cancelled, and money is here");
}

void check_goods(order_life& o, const storage::order_snapshot& before, findings& out) {
  const auto& now = o.machine.rows();
  const auto status = now.order.status;
  for (std::size_t i = 0; i < now.reservations.size(); ++i) {
    const auto& r = now.reservations[i];
    bool open = r.state == reservation_state::held || r.state == reservation_state::pinned;
    auto was = before.reservations[i].state;
    out.expect(was != reservation_state::claimed || r.state == was, "what was sold became unsold");
    out.expect(!is_paid(status) || r.state == reservation_state::claimed, "paid and not claimed");
    out.expect(status != order_status::pending || open, "pending without its goods");
    out.expect(status != order_status::cancelled || r.state == reservation_state::released, "cancelled and not released");
    out.expect(o.db.reserved[r.variant_id] == (open ? r.quantity : 0), "reserved is not what is held");
    auto sold = r.state == reservation_state::claimed ? r.quantity : 0;
    auto back = sold + o.db.on_hand[r.variant_id];
    out.expect(back >= 0 && back <= sold, "more came back than was sold");
  }
  const auto call = o.machine.pending_call().what;
  out.expect(!o.machine.holds_goods() || call != gateway_call::none || o.goods() == reservation_state::held
               || o.machine.promise_ends().has_value(), "goods are held by nobody");
  for (const auto& item : now.items) {
    std::int64_t left = 0, returned = 0;
    for (const auto& f : now.life.fulfilments)
      if (f.state == storage::fulfilment_state::shipped || f.state == storage::fulfilment_state::delivered)
        for (const auto& l : f.lines)
          left += l.line == item.line ? l.quantity : 0;
    for (const auto& r : now.life.returns)
      for (const auto& l : r.lines)
        returned += l.line == item.line ? l.received : 0;
    out.expect(left <= item.quantity, "more left than was sold");
    out.expect(returned <= item.quantity, "more came back than was sold");
  }
}

std::string what_is_wrong(order_life& o, const storage::order_snapshot& before) {
  findings out;
  const auto& now = o.machine.rows();
  out.expect(o.db.rows.order == now.order, "the order's row is not what memory became");
  out.expect(o.db.rows.reservations == now.reservations, "the reservations' rows are not what memory became");
  out.expect(o.db.rows.payments == now.payments, "the payments' rows are not what memory became");
  out.expect(o.db.rows.refunds == now.refunds, "the refunds' rows are not what memory became");
  out.expect(o.db.rows.life == now.life, "the row of its later life is not what memory became");
  check_money(o, out);
  check_goods(o, before, out);
  return out.text();
}

} // namespace

TEST_CASE("every event in every state of an order keeps the books right", "[order_machine]") {
  const auto type = GENERATE(std::string{"sandbox"}, std::string{"manual"});
  const auto events = all_events();
  // More of the same makes no new state of the rules, only larger sums.
  constexpr std::size_t refunds_max = 2, parcels_max = 2, returns_max = 1;
  std::set<std::string> seen;
  std::vector<std::pair<order_life, std::string>> open;
  open.emplace_back(order_life{type}, "");
  seen.insert(state_of(open.front().first));
  while (!open.empty()) {
    auto [from, path] = std::move(open.back());
    open.pop_back();
    for (std::size_t e = 0; e < events.size(); ++e) {
      auto o = from;
      events[e](o);
      if (auto wrong = what_is_wrong(o, from.machine.rows()); !wrong.empty())
        FAIL(wrong << "after the events" << path << " " << e << ", in state " << state_of(o));
      const auto& r = o.machine.rows();
      if (r.refunds.size() > refunds_max || r.life.fulfilments.size() > parcels_max || r.life.returns.size() > returns_max)
        continue;
      if (seen.insert(state_of(o)).second)
        open.emplace_back(std::move(o), path + " " + std::to_string(e));
    }
  }
  INFO(seen.size() << " states of an order that is paid by " << type);
  CHECK(seen.size() > 100);
}
