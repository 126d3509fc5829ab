#include "integrations/mail/mail_planner.hpp"

#include "actors/mail/links.hpp"
#include "actors/text.hpp"
#include "integrations/mail/mail_data.hpp"

#include <algorithm>
#include <charconv>

namespace souk::integrations {

using storage::emit_event;
using storage::order_status;
using storage::outbox_event;
using storage::ulid;

namespace {

constexpr std::size_t cart_lines_max = 20;
constexpr std::string_view return_prefix = "return.";

std::string field(const emit_event& event, std::string_view name) {
  for (const auto& [key, value] : event.fields)
    if (key == name)
      return value;
  return {};
}

ulid id_field(const emit_event& event, std::string_view name) {
  return ulid::parse(field(event, name)).value_or(ulid{});
}

std::int64_t number_field(const emit_event& event, std::string_view name) {
  const auto text = field(event, name);
  std::int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

/// Which mail an order's event asks for; empty: none.
std::string mail_for(const emit_event& event, const storage::order_snapshot& order) {
  const auto& topic = event.topic;
  const auto status = order.order.status;
  if (topic == "order.created") // paid by hand; all others hear of it when they have paid
    return status == order_status::pending ? "order_confirmed" : "";
  if (topic == "order.paid" || topic == "order.authorized") {
    // Cancelled while the money was being taken: it is on its way back, and that mail will say so.
    bool over = status == order_status::cancelled || status == order_status::refunded
                || std::any_of(order.payments.begin(), order.payments.end(),
                               [](const auto& p) { return p.state == storage::attempt_state::refunding; });
    return over ? "" : "order_confirmed";
  }
  if (topic == "order.shipped" || topic == "order.partially_shipped")
    return "order_shipped";
  if (topic == "order.delivered")
    return "order_delivered";
  if (topic == "order.cancelled") {
    if (status != order_status::cancelled)
      return ""; // its money came late and was honoured: the order lives
    const auto why = field(event, "note");
    if (why == "reservation_expired")
      return "reservation_expired";
    return why == "payment_declined" || why == "payment_cancelled" ? "payment_failed" : "order_cancelled";
  }
  if (topic == "order.refunded") // one that cost nothing has nothing to give back
    return number_field(event, "amount") > 0 ? "order_refunded" : "order_cancelled";
  return topic.starts_with(return_prefix) ? "return_update" : "";
}

bool concerns_orders(std::string_view topic) {
  constexpr std::string_view topics[] = {"order.created", "order.paid", "order.authorized", "order.shipped", "order.partially_shipped",
                                         "order.delivered", "order.cancelled", "order.refunded", "return.requested",
                                         "return.approved", "return.declined", "return.received", "return.closed", "return.cancelled"};
  return std::find(std::begin(topics), std::end(topics), topic) != std::end(topics);
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words)
    out += (out.empty() ? "" : " / ") + w;
  return out;
}

/// What a mail that is of no store calls itself: the shop's host.
std::string host_of(std::string_view url) {
  if (auto at = url.find("://"); at != std::string_view::npos)
    url.remove_prefix(at + 3);
  return std::string{url.substr(0, url.find_first_of("/:?#"))};
}

} // namespace

std::optional<planned_mail> mail_planner::plan(const outbox_event& event, storage::timestamp now) const {
  const auto& topic = event.event.topic;
  if (concerns_orders(topic))
    return about_order(event);
  if (topic == "inventory.low_stock")
    return low_stock(event);
  if (topic == "webhook.disabled")
    return webhook_disabled(event);
  if (topic == "cart.abandoned")
    return cart_abandoned(event);
  if (topic == "user.password_reset")
    return password_reset(event, now);
  return std::nullopt;
}

std::optional<planned_mail> mail_planner::about_order(const outbox_event& event) const {
  if (event.event.topic == "order.created" && field(event.event, "provider") != "manual")
    return std::nullopt; // by far the most: not worth reading the order for
  const auto order = world_.load_order(event.event.subject);
  if (!order)
    return std::nullopt;
  planned_mail out;
  out.name = mail_for(event.event, *order);
  if (out.name.empty())
    return std::nullopt;
  out.store = world_.load_store(order->order.store_id);
  out.to = order->order.email;
  if (out.to.empty())
    if (auto user = world_.load_user(order->order.user_id))
      out.to = user->user.email;
  if (!out.store || out.to.empty())
    return std::nullopt;
  out.language = order->order.language.empty() ? out.store->settings.language : order->order.language;
  out.subject = order->order.id;
  out.key = event_id_of(event);
  const auto& words = composer_.language_of(out.language, out.store->settings.language);
  out.data = store_data(*out.store);
  out.data.set("cart_url", actors::cart_url(public_url_, out.store->id));
  add_order(out.data, *order, words);
  const auto& topic = event.event.topic;
  if (topic == "order.created") {
    for (const auto& p : order->payments)
      if (p.provider == "manual")
        out.data.set("payment_due", shown_amount(p.amount, p.currency, words));
  } else if (out.name == "order_confirmed") {
    out.key = order->order.id.str(); // promised money and, later, taken money: one confirmation
  } else if (out.name == "order_shipped") {
    add_parcel(out, *order, event.event);
    if (out.name.empty())
      return std::nullopt;
  } else if (out.name == "order_refunded") {
    out.data.set("amount", shown_amount(number_field(event.event, "amount"), order->order.currency, words));
  } else if (out.name == "return_update") {
    add_return(out, *order, event.event, topic.substr(return_prefix.size()));
  }
  return out;
}

// Takes the name away when the parcel did not leave after all.
void mail_planner::add_parcel(planned_mail& mail, const storage::order_snapshot& order, const emit_event& event) const {
  mail.data.flag("partial", event.topic == "order.partially_shipped");
  auto carrier = field(event, "carrier"), number = field(event, "tracking_number"), url = field(event, "tracking_url");
  const auto id = id_field(event, "fulfilment_id");
  for (const auto& parcel : order.life.fulfilments) {
    if (parcel.id != id)
      continue;
    if (parcel.state == storage::fulfilment_state::cancelled)
      mail.name.clear();
    carrier = parcel.carrier;
    number = parcel.tracking_number;
    url = parcel.tracking_url;
    pieces inside;
    for (const auto& l : parcel.lines)
      inside.emplace_back(l.line, l.quantity);
    show_only(mail.data, order, inside);
  }
  mail.data.set("carrier", carrier).set("tracking_number", number);
  if (actors::is_web_address(url))
    mail.data.set("tracking_url", url);
}

void mail_planner::add_return(planned_mail& mail, const storage::order_snapshot& order, const emit_event& event,
                              const std::string& step) const {
  mail.data.flag(step);
  const auto id = id_field(event, "return_id");
  for (const auto& r : order.life.returns) {
    if (r.id != id)
      continue;
    pieces back;
    for (const auto& l : r.lines)
      back.emplace_back(l.line, step == "received" ? l.received : l.quantity);
    std::erase_if(back, [](const auto& piece) { return piece.second == 0; });
    show_only(mail.data, order, back);
  }
  // The return's own note may be the shopper's; what the merchant said with this step stands in the timeline.
  for (const auto& entry : order.life.timeline)
    if (entry.at == event.at && entry.what == "return_" + step && entry.who == "merchant")
      mail.data.set("note", entry.text);
}

std::optional<planned_mail> mail_planner::to_merchant(const outbox_event& event, const std::string& name) const {
  planned_mail out;
  out.store = world_.load_store(event.event.store_id);
  if (!out.store || out.store->settings.mail.merchant_email.empty())
    return std::nullopt;
  out.name = name;
  out.to = out.store->settings.mail.merchant_email;
  out.language = out.store->settings.language;
  out.subject = event.event.subject;
  out.key = event_id_of(event);
  out.data = store_data(*out.store);
  return out;
}

std::optional<planned_mail> mail_planner::low_stock(const outbox_event& event) const {
  auto out = to_merchant(event, "low_stock");
  if (!out)
    return std::nullopt;
  const auto stock = world_.load_stock(event.event.subject);
  if (!stock)
    return std::nullopt;
  auto options = joined(stock->variant.option_values);
  out->data.set("product", stock->product_title + (options.empty() ? "" : ", " + options)).set("sku", field(event.event, "sku"));
  out->data.set("available", field(event.event, "available")).set("threshold", field(event.event, "threshold"));
  return out;
}

std::optional<planned_mail> mail_planner::webhook_disabled(const outbox_event& event) const {
  auto out = to_merchant(event, "webhook_disabled");
  if (out) {
    out->data.set("webhook_address", field(event.event, "address"));
    if (auto id = id_field(event.event, "webhook_id"); !id.is_nil())
      out->subject = id;
  }
  return out;
}

std::optional<planned_mail> mail_planner::cart_abandoned(const outbox_event& event) const {
  const auto user_id = id_field(event.event, "user_id"), cart_id = id_field(event.event, "cart_id");
  const auto user = world_.load_user(user_id);
  if (!user || user->user.email.empty())
    return std::nullopt; // a guest whose address nobody knows
  const auto cart = world_.load_cart(event.event.store_id, user_id);
  if (!cart || cart->lines.empty() || (!cart_id.is_nil() && cart->id != cart_id))
    return std::nullopt; // he has come back since
  planned_mail out;
  out.store = world_.load_store(event.event.store_id);
  if (!out.store || out.store->status != storage::store_status::open)
    return std::nullopt;
  out.name = "cart_abandoned";
  out.to = user->user.email;
  out.language = out.store->settings.language;
  out.subject = cart->id;
  out.key = event_id_of(event);
  out.marketing = true;
  const auto& words = composer_.language_of(out.language);
  out.data = store_data(*out.store);
  out.data.set("customer_name", user->user.name).set("cart_url", actors::cart_url(public_url_, out.store->id));
  out.data.set("unsubscribe_url",
               actors::unsubscribe_url(public_url_, actors::make_unsubscribe_token(secrets_, out.store->id, out.to)));
  auto& lines = out.data.lists["lines"];
  for (const auto& l : cart->lines) {
    if (lines.size() >= cart_lines_max)
      break;
    const auto stock = world_.load_stock(l.variant_id);
    if (!stock || stock->variant.removed || stock->product != storage::product_status::active)
      continue;
    template_data line;
    line.set("title", stock->product_title).set("variant", joined(stock->variant.option_values)).set("sku", stock->variant.sku);
    line.set("quantity", std::to_string(l.quantity));
    line.set("price", shown_amount(stock->variant.price * l.quantity, out.store->currency, words));
    lines.push_back(std::move(line));
  }
  if (lines.empty())
    return std::nullopt; // nothing of it can be had any more
  out.data.flag("has_lines");
  return out;
}

std::optional<planned_mail> mail_planner::password_reset(const outbox_event& event, storage::timestamp now) const {
  auto user_id = id_field(event.event, "user_id");
  if (user_id.is_nil())
    user_id = event.event.subject;
  const auto expires = std::chrono::floor<std::chrono::seconds>(event.event.at) + actors::reset_link_life;
  const auto user = now < expires ? world_.load_user(user_id) : std::nullopt;
  if (!user || user->user.password_hash.empty() || user->user.email.empty())
    return std::nullopt;
  planned_mail out;
  out.name = "password_reset";
  out.to = user->user.email; // not the event's: the address may have been changed since
  out.language = field(event.event, "language");
  out.subject = user_id;
  out.key = event_id_of(event);
  out.data.set("store_name", host_of(public_url_));
  out.data.set("reset_url", actors::reset_url(public_url_, actors::make_reset_token(secrets_, user_id, user->user.password_hash, expires)));
  return out;
}

} // namespace souk::integrations
