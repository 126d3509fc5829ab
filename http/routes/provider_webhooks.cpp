// What providers tell of their own accord. A call is believed only if its signature holds, and then only as far as asking the provider
// what happened; it is answered with 200 when what the provider says is committed, and else is sent again.

#include "actors/shipping/carrier.hpp"
#include "http/routes/on_workers.hpp"
#include "http/routes/routes.hpp"

#include <algorithm>
#include <array>
#include <sodium.h>
#include <spdlog/spdlog.h>

namespace souk::http::routes {

namespace {

using actors::event_reading;

constexpr std::size_t parcels_max = 500;

refusal no_such_address() {
  return {.why = actors::errc::not_found, .message = "There is nothing at this address."};
}

storage::store_row store_of(const exchange& x) {
  return x.shop.actors.get_store(x.id("store_id"), x.until).take();
}

response heard() {
  return ok(R"({"received":true})");
}

/// An order that is not there has nothing to hear: sending it again would not help.
void pass_on(const answer<bool>& told, const exchange& x, const storage::ulid& order) {
  if (told)
    return;
  if (told.refused_with(actors::errc::not_found) || told.refused_with(actors::errc::forbidden)) {
    spdlog::info("{}: a provider tells of order {}, which is not there", x.asked.id, order.str());
    return;
  }
  throw told.why();
}

response payment_event(exchange& x, const std::string& provider) {
  const auto& services = x.shop.base.services;
  if (!services)
    throw no_such_address();
  const auto gateway = services->gateways.find(provider);
  const auto store = store_of(x);
  const auto& accounts = store.settings.payments;
  const auto account =
    std::find_if(accounts.begin(), accounts.end(), [&](const auto& a) { return a.provider == provider; });
  // One that was switched off still hears of the payments it has taken.
  if (gateway == services->gateways.end() || account == accounts.end())
    throw no_such_address();
  // Anybody can send what must be verified, at some cost: the workers that pay must not do it.
  const auto reading = on_workers<event_reading>(
    x, provider + "-events",
    [gate = gateway->second, id = store.id, account = *account, now = x.shop.base.time.now(),
     call = actors::provider_call{x.asked.headers, x.asked.body}] { return gate->read_event(id, account, call, now); });
  switch (reading.what) {
    case event_reading::kind::forged: throw refusal{.why = errc::bad_signature};
    case event_reading::kind::unreadable: throw refusal{.why = errc::bad_request};
    case event_reading::kind::unknown: throw refusal{.why = runtime::errc::unavailable};
    case event_reading::kind::genuine: break;
  }
  const auto& event = reading.event;
  if (event.order_id.is_nil() || event.order_id.shard() != store.id.shard())
    return heard(); // about something that is not ours: a payment link, a dispute of another shop on the same account
  pass_on(x.shop.actors.provider_told(event.order_id, {store.id, provider, event}, x.until), x, event.order_id);
  return heard();
}

response stripe_event(exchange& x) {
  return payment_event(x, "stripe");
}
response paypal_event(exchange& x) {
  return payment_event(x, "paypal");
}

/// Takes as long for a wrong text as for the right one.
bool equal(const std::string& a, const std::string& b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

response shipstation_event(exchange& x) {
  const std::string service = "shipstation";
  const auto& services = x.shop.base.services;
  const auto store = store_of(x);
  const auto& accounts = store.settings.carriers;
  const auto account =
    std::find_if(accounts.begin(), accounts.end(), [&](const auto& a) { return a.provider == service; });
  if (!services || account == accounts.end() || account->webhook_path.empty() || !equal(account->webhook_path, x.token_id))
    throw no_such_address();
  const auto carrier = services->carriers.find(service);
  if (carrier == services->carriers.end())
    throw no_such_address();
  const auto news = on_workers<actors::shipping_news>(
    x, service + "-events",
    [at = carrier->second, id = store.id, account = *account,
     call = actors::provider_call{x.asked.headers, x.asked.body}] { return at->read_event(id, account, call); });
  if (news.what == actors::shipping_news::kind::forged)
    throw refusal{.why = errc::bad_signature};
  if (news.what == actors::shipping_news::kind::not_now || news.parcels.size() > parcels_max)
    throw refusal{.why = runtime::errc::unavailable};
  for (const auto& p : news.parcels) {
    if (p.order_id.is_nil() || p.order_id.shard() != store.id.shard())
      continue; // an order of another sales channel of the same account
    actors::parcel_left told{store.id, service, p.external_id, p.carrier, p.tracking_number, p.tracking_url, {}, p.voided};
    for (const auto& [line, pieces] : p.lines)
      told.lines.push_back({line, pieces});
    pass_on(x.shop.actors.parcel_left(p.order_id, std::move(told), x.until), x, p.order_id);
  }
  return heard();
}

constexpr std::array rows{
  route{"POST", "/webhooks/stripe/{store_id}", access::anyone, body_kind::any, stripe_event},
  route{"POST", "/webhooks/paypal/{store_id}", access::anyone, body_kind::any, paypal_event},
  route{"POST", "/webhooks/shipstation/{store_id}/{token_id}", access::anyone, body_kind::any, shipstation_event},
};

} // namespace

std::span<const route> provider_webhooks() {
  return rows;
}

} // namespace souk::http::routes
