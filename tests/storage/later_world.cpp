#include "storage/later_world.hpp"

namespace souk::tests {

using namespace storage;

later_world::later_world(shard_id shard, std::uint64_t seed) : store(new_store(shard)), random_(seed), shard_(shard) {
  for (int i = 0; i < 4; ++i) {
    orders.push_back(new_order(store.id, new_id(3)));
    payments.push_back(new_payment(orders.back()));
    refunds.push_back(new_refund(payments.back(), 300));
    refunds.push_back(new_refund(payments.back(), 500));
    refunds.back().created_at = at(1);
  }
  for (int i = 0; i < 3; ++i) {
    discounts.push_back(new_discount(store.id, i < 2 ? "TWICE" : "ONCE", i < 2 ? 2 : -1));
    cards.push_back(new_gift_card(store.id, 1000));
    cards.back().code_hash = (i < 2 ? "shared " : "own ") + store.id.str();
    carts.push_back(new_cart(store.id, new_id(3)));
    mails.push_back(new_mail(store.id));
  }
  for (int i = 0; i < 2; ++i) {
    webhooks.push_back(new_webhook(store.id));
    for (int k = 0; k < 3; ++k)
      deliveries.push_back(new_delivery(webhooks.back(), "7-" + std::to_string(k) + "-0"));
  }
}

write_set later_world::founding() const {
  auto ws = in_shard(shard_, insert_store{store});
  for (std::size_t n = 0; n < 2; ++n) {
    ws.mutations.emplace_back(insert_order{orders[n], {}});
    ws.mutations.emplace_back(insert_payment{payments[n]});
    ws.mutations.emplace_back(insert_refund{refunds[2 * n]});
  }
  return ws;
}

const ulid& later_world::of_code(const discount_row& row) const {
  return row.code == "TWICE" ? discounts[0].id : discounts[2].id; // one name for the code, whichever row has it
}

void later_world::believe(const ulid& id, std::int64_t version) {
  if (version > 0)
    versions_[id] = version;
  else
    versions_.erase(id);
}

void later_world::look(entity_reader& r) {
  versions_.clear();
  for (const auto& order : orders)
    if (auto x = r.load_order(order.id)) {
      believe(order.id, x->order.version);
      for (const auto& p : x->payments)
        believe(p.id, 1);
      for (const auto& f : x->refunds)
        believe(f.id, 1);
    }
  for (const auto& d : {discounts[0], discounts[2]})
    if (auto x = r.load_discount(store.id, d.code))
      believe(of_code(d), x->version);
  for (const auto& c : cards)
    if (auto x = r.load_gift_card(store.id, c.code_hash))
      believe(x->id, x->version);
  for (const auto& w : r.load_webhooks(store.id).webhooks)
    believe(w.id, w.version);
  for (const auto& c : carts)
    if (auto x = r.load_cart(store.id, c.user_id))
      believe(c.id, x->version);
}

bool later_world::worth_it(const ulid& id) {
  if (there(id))
    return true;
  if (!random_.chance(0.05))
    return false;
  missed_.insert(id);
  return true;
}

std::int64_t later_world::expected(const ulid& id) {
  if (!there(id))
    return 1;
  auto version = versions_[id];
  if (random_.chance(0.95))
    ++versions_[id];
  return version;
}

std::vector<write_set> later_world::next_batch(entity_reader& r) {
  look(r);
  missed_.clear();
  touched_.clear();
  asked_.clear();
  std::vector<write_set> out(1 + random_.below(6));
  for (auto& ws : out) {
    ws.shard = shard_;
    code_in_set_ = false;
    add_command(ws.mutations);
    if (random_.chance(0.2))
      add_command(ws.mutations);
  }
  return out;
}

void later_world::add_command(commands& out) {
  switch (random_.below(9)) { // codes are what batches get wrong
    case 0: return about_orders(out);
    case 1: return about_money(out);
    case 2: return about_cards(out);
    case 3: return about_webhooks(out);
    case 4: return about_mail(out);
    case 5: return about_carts(out);
    default: return about_codes(out);
  }
}

void later_world::use_code(commands& out, const order_row& order) {
  const auto& discount = any(discounts);
  if (code_in_set_ || !worth_it(of_code(discount)))
    return;
  code_in_set_ = true;
  const auto customer = emails[&order == &orders[0] || &order == &orders[1] ? 0 : 1];
  const auto use = use_of(discount, order.id, customer, discount.code == "ONCE");
  if (random_.chance(0.3)) {
    // Whether a customer may have a code once more that is given back later in the batch is left to the store.
    if (use.once && asked_.contains({customer, discount.code}))
      return;
    given_back_.insert({order.id, discount.code});
    out.emplace_back(given_back(use));
  } else if (!given_back_.contains({order.id, discount.code})) {
    asked_.insert({customer, discount.code});
    out.emplace_back(use);
  }
}

void later_world::about_orders(commands& out) {
  auto& order = any(orders);
  const auto n = static_cast<std::size_t>(&order - orders.data());
  switch (random_.below(3)) {
    case 0: // placed, at best with a code
      if (!may_make(order.id))
        return;
      if (!there(order.id))
        believe(order.id, 1);
      out.emplace_back(insert_order{order, {}});
      if (random_.chance(0.5) && may_make(payments[n].id)) {
        believe(payments[n].id, 1);
        out.emplace_back(insert_payment{payments[n]});
      }
      if (random_.chance(0.5))
        use_code(out, order);
      return;
    case 1: {
      if (!worth_it(order.id) || !untouched(order.id))
        return;
      auto changed = order;
      changed.refunded = some_sum(order.total + 100);
      changed.fulfilment = fulfilment_status::partial;
      out.emplace_back(update_order{changed, expected(order.id)});
      return;
    }
    case 2: {
      // The life's version is not looked at: a guess is often right, and both stores must say the same of it.
      if (!worth_it(order.id) || !untouched(refunds[2 * n].id))
        return;
      auto life = new_life(order);
      life.fulfilments = {new_parcel(order, 1)};
      life.returns = {new_return(order, 1, random_.chance(0.5) ? return_state::requested : return_state::closed)};
      life.timeline = {{some_time(), "shipped", "merchant", {}, ""}};
      life.heard = {{"stripe", "evt_" + std::to_string(random_.below(100)), some_time()}};
      out.emplace_back(put_order_life{life, some_sum(3)});
      return;
    }
  }
}

void later_world::about_money(commands& out) {
  auto& payment = any(payments);
  const auto n = static_cast<std::size_t>(&payment - payments.data());
  auto& refund = refunds[2 * n + random_.below(2)];
  switch (random_.below(4)) {
    case 0:
      if (!worth_it(payment.order_id) || !may_make(payment.id))
        return;
      believe(payment.id, 1);
      out.emplace_back(insert_payment{payment});
      return;
    case 1: {
      if (!worth_it(payment.id) || !untouched(payment.id))
        return;
      auto changed = payment;
      changed.state = attempt_state::succeeded;
      changed.captured = some_sum(payment.amount + 100);
      changed.refunded = some_sum(payment.amount + 100);
      out.emplace_back(update_payment{changed});
      return;
    }
    case 2:
      if (!worth_it(payment.id) || !may_make(refund.id))
        return;
      believe(refund.id, 1);
      out.emplace_back(insert_refund{refund});
      return;
    case 3: {
      if (!worth_it(refund.id))
        return;
      auto changed = refund;
      changed.state = static_cast<refund_state>(1 + random_.below(4));
      changed.provider_reference = "re_" + std::to_string(random_.below(1000));
      out.emplace_back(update_refund{changed});
      return;
    }
  }
}

void later_world::about_codes(commands& out) {
  auto row = any(discounts);
  const auto code = of_code(row);
  row.rule.percent_ppm = static_cast<std::int32_t>(random_.below(1000));
  switch (random_.below(4)) {
    case 0:
      if (!may_make(code))
        return;
      if (!there(code))
        believe(code, 1);
      out.emplace_back(put_discount{row, 0});
      return;
    case 1:
      if (!worth_it(code))
        return;
      row.usage_limit = some_sum(4) - 1;
      out.emplace_back(put_discount{row, expected(code)});
      return;
    default: return use_code(out, any(orders));
  }
}

void later_world::about_cards(commands& out) {
  auto card = any(cards);
  switch (random_.below(4)) {
    case 0:
      if (!may_make(card.id))
        return;
      if (!there(card.id) && (card.id == cards[2].id || (!there(cards[0].id) && !there(cards[1].id))))
        believe(card.id, 1);
      out.emplace_back(put_gift_card{card, 0});
      return;
    case 1:
      if (!worth_it(card.id))
        return;
      card.note = std::to_string(random_.below(1000));
      card.active = random_.chance(0.5);
      out.emplace_back(put_gift_card{card, expected(card.id)});
      return;
    default:
      if (!worth_it(card.id))
        return;
      out.emplace_back(random_.chance(0.6) ? spent(card, 1 + some_sum(600), any(orders).id)
                                           : put_back(card, 1 + some_sum(400), any(orders).id));
  }
}

void later_world::about_webhooks(commands& out) {
  auto webhook = any(webhooks);
  auto delivery = any(deliveries);
  switch (random_.below(5)) {
    case 0:
      if (!may_make(webhook.id))
        return;
      touched_.insert(webhook.id);
      if (!there(webhook.id))
        believe(webhook.id, 1);
      out.emplace_back(put_webhook{webhook, 0});
      return;
    case 1:
      if (!worth_it(webhook.id))
        return;
      touched_.insert(webhook.id);
      webhook.state = static_cast<webhook_state>(1 + random_.below(3));
      webhook.failing_since = random_.chance(0.5) ? timestamp{} : some_time();
      out.emplace_back(put_webhook{webhook, expected(webhook.id)});
      return;
    case 2:
      // Whether something was wrong about a webhook that is gone at the end of the batch is left to the store.
      if (!untouched(webhook.id))
        return;
      versions_.erase(webhook.id);
      missed_.insert(webhook.id);
      out.emplace_back(delete_webhook{webhook.id, webhook.store_id});
      return;
    case 3:
      if (touched_.contains(delivery.id)) // tried before it was there
        return;
      // A webhook made later in the batch would have it in one store only.
      if (!there(delivery.webhook_id))
        missed_.insert(delivery.webhook_id);
      out.emplace_back(put_webhook_delivery{delivery, true});
      return;
    case 4:
      if (!untouched(delivery.id))
        return;
      delivery.state = static_cast<delivery_state>(1 + random_.below(3));
      delivery.attempts = static_cast<std::int32_t>(random_.below(9));
      delivery.next_at = some_time();
      out.emplace_back(put_webhook_delivery{delivery, false});
      return;
  }
}

void later_world::about_mail(commands& out) {
  const auto &name = any(names), &language = any(languages), &email = any(emails);
  switch (random_.below(5)) {
    case 0: {
      const auto subject = std::to_string(random_.below(100));
      out.emplace_back(put_mail_template{{store.id, name, language, subject, "", "", some_time()}});
      return;
    }
    case 1: out.emplace_back(delete_mail_template{store.id, name, language}); return;
    case 2:
      out.emplace_back(put_suppression{{store.id, email, static_cast<suppression_reason>(1 + random_.below(3)), some_time()}});
      return;
    case 3: out.emplace_back(delete_suppression{store.id, email}); return;
    case 4: {
      auto mail = any(mails);
      mail.state = static_cast<mail_state>(1 + random_.below(4));
      mail.at = some_time();
      out.emplace_back(put_mail{mail});
      return;
    }
  }
}

void later_world::about_carts(commands& out) {
  auto cart = any(carts);
  cart.updated_at = some_time();
  cart.expires_at = cart.updated_at + std::chrono::hours{24 * 30};
  if (random_.chance(0.2))
    cart.lines.clear();
  if (random_.chance(0.5)) {
    if (!may_make(cart.id))
      return;
    if (!there(cart.id))
      believe(cart.id, 1);
    out.emplace_back(insert_cart{cart});
    return;
  }
  if (!worth_it(cart.id))
    return;
  cart.reminded_at = random_.chance(0.5) ? timestamp{} : some_time();
  out.emplace_back(update_cart{cart, expected(cart.id)});
}

} // namespace souk::tests
