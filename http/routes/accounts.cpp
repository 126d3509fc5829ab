// A store's accounts at payment providers and shipping services. What is secret in them comes in, is sealed, and never goes out.

#include "actors/secret/secret_box.hpp"
#include "actors/shipping/carrier.hpp"
#include "http/auth/token.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/on_workers.hpp"
#include "http/routes/routes.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace souk::http::routes {

namespace {

constexpr actors::text_rule key_rule{1, 300, actors::lines::one};
constexpr std::size_t webhook_secrets_max = 5; ///< the old one and the new one, while they are replaced

/// How a provider calls its credentials.
struct provider_words {
  std::string_view name;
  std::string_view public_key;
  std::string_view secret;
  std::string_view webhook;
};
constexpr std::array payment_words{provider_words{"stripe", "publishable_key", "secret_key", "webhook_secrets"},
                                   provider_words{"paypal", "client_id", "client_secret", "webhook_id"}};

const provider_words& words_of(const exchange& x) {
  for (const auto& w : payment_words)
    if (w.name == x.token_id)
      return w;
  throw refusal{.why = actors::errc::not_found, .message = "There is no such provider; there are stripe and paypal."};
}

const actors::shop_services& services_of(const exchange& x) {
  const auto& services = x.shop.base.services;
  if (!services || !services->secrets || !services->secrets->ready())
    throw refusal{.why = errc::not_configured,
                  .message = "This shop has no key to seal secrets with: its operator sets secret_key_file."};
  return *services;
}

std::string public_url_of(const exchange& x) {
  const auto& services = x.shop.base.services;
  return services ? services->options.public_url : std::string{};
}

std::string account_json(const exchange& x, const storage::payment_account& a) {
  json::writer out;
  out.begin_object().field("provider", a.provider).field("active", a.active).field("manual_capture", a.manual_capture);
  for (const auto& w : payment_words)
    if (w.name == a.provider)
      out.field(w.public_key, a.public_key);
  out.field("webhook_url", public_url_of(x) + "/webhooks/" + a.provider + "/" + x.id("store_id").str()).end_object();
  return std::move(out).text();
}

std::string account_json(const exchange& x, const storage::carrier_account& a) {
  json::writer out;
  out.begin_object()
    .field("service", a.provider)
    .field("active", a.active)
    .field("api_key", a.public_key)
    .field("webhook_url",
           public_url_of(x) + "/webhooks/" + a.provider + "/" + x.id("store_id").str() + "/" + a.webhook_path)
    .end_object();
  return std::move(out).text();
}

template <class Account>
std::string list_json(const exchange& x, const char* name, const std::vector<Account>& accounts) {
  json::writer out;
  out.begin_object().key(name).begin_array();
  for (const auto& a : accounts)
    out.raw(account_json(x, a));
  out.end_array().end_object();
  return std::move(out).text();
}

template <class Account>
const Account* find(const std::vector<Account>& accounts, std::string_view provider) {
  const auto at = std::find_if(accounts.begin(), accounts.end(), [&](const auto& a) { return a.provider == provider; });
  return at == accounts.end() ? nullptr : &*at;
}

/// What the provider says of the credentials. Nothing is stored that it does not accept.
void insist(const std::string& verdict, std::string_view field) {
  if (verdict.empty())
    return;
  if (verdict == "unreachable")
    throw refusal{.why = runtime::errc::unavailable, .message = "The provider did not answer; nothing was changed."};
  throw refusal{.why = errc::account_refused,
                .message = "The provider does not accept these credentials (" + verdict + ").",
                .field = std::string{field}};
}

response payment_accounts(exchange& x) {
  const auto store = x.shop.actors.get_store(x.id("store_id"), x.until).take();
  return ok(list_json(x, "payment_accounts", store.settings.payments));
}

/// The secrets of a body, sealed; empty when there are none and the account keeps its own.
std::string sealed_payment_secrets(const exchange& x, const json::fields& f, const provider_words& w,
                                   const storage::payment_account* old) {
  const auto secret = f.maybe_text(w.secret, key_rule);
  const bool several = w.name == "stripe";
  const auto hooks = several ? f.maybe_texts(w.webhook, webhook_secrets_max, key_rule) : std::nullopt;
  const auto hook = several ? std::nullopt : f.maybe_text(w.webhook, key_rule);
  if (!secret && !hooks && !hook && old != nullptr)
    return {};
  const auto& services = services_of(x);
  const auto owner = actors::secret_owner(x.id("store_id"), w.name);
  nlohmann::json kept = nlohmann::json::object();
  if (old != nullptr) // what is not said stays
    if (const auto opened = services.secrets->open(owner, old->sealed))
      kept = nlohmann::json::parse(*opened, nullptr, false);
  if (!kept.is_object())
    kept = nlohmann::json::object();
  if (secret)
    kept[std::string{w.secret}] = *secret;
  if (hooks)
    kept[std::string{w.webhook}] = *hooks;
  if (hook)
    kept[std::string{w.webhook}] = *hook;
  if (!kept.contains(std::string{w.secret}))
    f.wrong(w.secret, "is missing");
  return services.secrets->seal(owner, kept.dump());
}

response put_payment_account(exchange& x) {
  const auto& w = words_of(x);
  const json::document body{x.asked.body};
  const auto f = body.root({w.public_key, w.secret, w.webhook, "manual_capture", "active"});
  const auto store = x.shop.actors.get_store(x.id("store_id"), x.until).take();
  const auto* old = find(store.settings.payments, w.name);
  storage::payment_account account;
  if (old != nullptr)
    account = *old;
  account.provider = w.name;
  account.public_key = f.maybe_text(w.public_key, key_rule).value_or(account.public_key);
  if (account.public_key.empty())
    f.wrong(w.public_key, "is missing");
  account.manual_capture = f.maybe_boolean("manual_capture").value_or(account.manual_capture);
  account.active = f.maybe_boolean("active").value_or(account.active);
  if (auto sealed = sealed_payment_secrets(x, f, w, old); !sealed.empty())
    account.sealed = std::move(sealed);
  const auto& services = services_of(x);
  const auto gateway = services.gateways.find(account.provider);
  if (gateway == services.gateways.end())
    throw refusal{.why = errc::not_configured};
  insist(on_workers<std::string>(x, account.provider,
                                 [gate = gateway->second, id = store.id, account] { return gate->check_account(id, account); }),
         w.secret);
  actors::change_settings command;
  command.by = x.by;
  command.store_id = store.id;
  command.put_payment = account;
  const auto changed = x.shop.actors.change_settings(std::move(command), x.until).take();
  return ok(account_json(x, *find(changed.settings.payments, w.name)));
}

response delete_payment_account(exchange& x) {
  actors::change_settings command;
  command.by = x.by;
  command.store_id = x.id("store_id");
  command.remove_payment = words_of(x).name;
  x.shop.actors.change_settings(std::move(command), x.until).take();
  return no_content();
}

void check_service(const exchange& x) {
  if (x.token_id != "shipstation")
    throw refusal{.why = actors::errc::not_found, .message = "There is no such service; there is shipstation."};
}

response carrier_accounts(exchange& x) {
  const auto store = x.shop.actors.get_store(x.id("store_id"), x.until).take();
  return ok(list_json(x, "carrier_accounts", store.settings.carriers));
}

response put_carrier_account(exchange& x) {
  check_service(x);
  const json::document body{x.asked.body};
  const auto f = body.root({"api_key", "api_secret", "active"});
  const auto store = x.shop.actors.get_store(x.id("store_id"), x.until).take();
  const auto* old = find(store.settings.carriers, x.token_id);
  const auto& services = services_of(x);
  storage::carrier_account account;
  if (old != nullptr)
    account = *old;
  account.provider = x.token_id;
  account.public_key = f.maybe_text("api_key", key_rule).value_or(account.public_key);
  if (account.public_key.empty())
    f.wrong("api_key", "is missing");
  account.active = f.maybe_boolean("active").value_or(account.active);
  if (const auto secret = f.maybe_text("api_secret", key_rule))
    account.sealed = services.secrets->seal(actors::secret_owner(store.id, account.provider),
                                            nlohmann::json{{"api_secret", *secret}}.dump());
  if (account.sealed.empty())
    f.wrong("api_secret", "is missing");
  if (account.webhook_path.empty()) {
    // The service does not sign: who knows the address is believed as far as asking. A token is "souk_", an id, "_" and what nobody
    // can guess.
    const auto drawn = make_token(store.id).text;
    account.webhook_path = drawn.substr(drawn.find('_', drawn.find('_') + 1) + 1);
  }
  const auto carrier = services.carriers.find(account.provider);
  if (carrier == services.carriers.end())
    throw refusal{.why = errc::not_configured};
  const auto url = public_url_of(x) + "/webhooks/" + account.provider + "/" + store.id.str() + "/" + account.webhook_path;
  insist(on_workers<std::string>(
           x, account.provider,
           [at = carrier->second, id = store.id, account, url] { return at->check_account(id, account, url); }),
         "api_secret");
  actors::change_settings command;
  command.by = x.by;
  command.store_id = store.id;
  command.put_carrier = account;
  const auto changed = x.shop.actors.change_settings(std::move(command), x.until).take();
  return ok(account_json(x, *find(changed.settings.carriers, x.token_id)));
}

response delete_carrier_account(exchange& x) {
  check_service(x);
  actors::change_settings command;
  command.by = x.by;
  command.store_id = x.id("store_id");
  command.remove_carrier = x.token_id;
  x.shop.actors.change_settings(std::move(command), x.until).take();
  return no_content();
}

// No API token may change where a store's money goes: a leaked one must not.
constexpr std::array rows{
  route{"GET", "/stores/{store_id}/payment-accounts", access::merchant, body_kind::none, payment_accounts},
  route{"PUT", "/stores/{store_id}/payment-accounts/{token_id}", access::merchant_login, body_kind::json, put_payment_account},
  route{"DELETE", "/stores/{store_id}/payment-accounts/{token_id}", access::merchant_login, body_kind::none,
        delete_payment_account},
  route{"GET", "/stores/{store_id}/carrier-accounts", access::merchant, body_kind::none, carrier_accounts},
  route{"PUT", "/stores/{store_id}/carrier-accounts/{token_id}", access::merchant_login, body_kind::json, put_carrier_account},
  route{"DELETE", "/stores/{store_id}/carrier-accounts/{token_id}", access::merchant_login, body_kind::none,
        delete_carrier_account},
};

} // namespace

std::span<const route> accounts() {
  return rows;
}

} // namespace souk::http::routes
