#include "integrations/providers_sandbox/admin.hpp"

#include "integrations/providers_sandbox/form.hpp"

#include <charconv>

namespace souk::providers {

namespace {

constexpr std::size_t page_default = 1000;
constexpr std::size_t page_max = 10000;
constexpr std::size_t webhooks_max = 16;
constexpr std::size_t name_length_max = 400;

answer say(int status, const json& body) {
  return {status, body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

answer bad(const std::string& message, int status = 400) {
  return say(status, {{"error", {{"message", message}}}});
}

std::string text_at(const json& body, const char* name) {
  auto found = body.find(name);
  return found != body.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// @returns what is wrong with one of an account's webhooks, or nullopt.
std::optional<std::string> check_webhook(const json& given, const std::string& provider) {
  if (!given.is_object())
    return "a webhook is an object";
  auto url = text_at(given, "url");
  if ((!url.starts_with("http://") && !url.starts_with("https://")) || url.size() > 2048)
    return "a webhook has a url of http or https";
  for (const auto& [name, value] : given.items())
    if (name != "url" && name != "secrets" && name != "events" && name != "webhook_id")
      return "a webhook has no " + name;
  for (const char* list : {"secrets", "events"})
    if (given.contains(list)) {
      if (!given[list].is_array() || given[list].empty() || given[list].size() > 32)
        return std::string{list} + " is a list of texts";
      for (const auto& entry : given[list])
        if (!entry.is_string())
          return std::string{list} + " is a list of texts";
    }
  if (provider == "stripe" && !given.contains("secrets"))
    return "a webhook of Stripe has secrets: [\"whsec_…\"]";
  if (provider == "paypal" && text_at(given, "webhook_id").empty())
    return "a webhook of PayPal has a webhook_id";
  return std::nullopt;
}

struct page {
  std::size_t after = 0;
  std::size_t limit = page_default;
};

std::optional<page> read_page(std::string_view query) {
  auto fields = parse_form(query);
  page wanted;
  if (!fields)
    return std::nullopt;
  for (auto [name, value] : {std::pair{"after", &wanted.after}, std::pair{"limit", &wanted.limit}}) {
    if (!fields->contains(name))
      continue;
    auto text = text_at(*fields, name);
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size())
      return std::nullopt;
  }
  return wanted.limit >= 1 && wanted.limit <= page_max ? std::optional{wanted} : std::nullopt;
}

} // namespace

answer admin::handle(const call& asked) {
  const auto& path = asked.segments;
  auto what = path.size() > 1 ? path[1] : std::string_view{};
  if (asked.method == "GET") {
    if (what == "faults")
      return show_faults();
    if (what == "ledger" || what == "mails" || what == "shipments") {
      auto page = read_page(asked.query);
      if (!page)
        return bad("after is a seq from 0, limit is 1 to 10000");
      if (what == "ledger")
        return ledger(page->after, page->limit);
      auto list = what == "mails" ? all_.sendgrid.mails(page->after, page->limit)
                                  : all_.shipstation.shipments(page->after, page->limit);
      auto next = page->after + list.size();
      return say(200, {{std::string{what}, std::move(list)}, {"next", next}});
    }
    if (what == "webhooks")
      return webhook_counts();
    return bad("no such admin call", 404);
  }
  auto body = json::parse(asked.body, nullptr, false);
  if (asked.method != "POST" || !body.is_object())
    return bad(asked.method != "POST" ? "no such admin call" : "the body is not a JSON object",
               asked.method != "POST" ? 405 : 400);
  if (what == "faults")
    return set_faults(body);
  if (what == "accounts")
    return set_account(body);
  if (what == "stripe" && path.size() == 3 && path[2] == "act")
    return all_.stripe.act(text_at(body, "account"), text_at(body, "id"), text_at(body, "action"));
  if (what == "paypal" && path.size() == 3 && path[2] == "act")
    return all_.paypal.act(text_at(body, "account"), text_at(body, "id"), text_at(body, "action"));
  if (what == "shipstation" && path.size() == 3 && path[2] == "ship")
    return all_.shipstation.ship(text_at(body, "account"), text_at(body, "orderKey"), text_at(body, "carrierCode"),
                                 text_at(body, "trackingNumber"));
  if (what == "sendgrid" && path.size() == 3 && path[2] == "event")
    return all_.sendgrid.fire(body);
  return bad("no such admin call", 404);
}

answer admin::show_faults() const {
  auto shown = json::object();
  for (const auto& [name, knobs] : all_.knobs)
    shown[name] = knobs->show();
  return say(200, shown);
}

// {"provider": "stripe", "fail_next": 1} or, for several at once, {"stripe": {…}, "paypal": {…}}.
answer admin::set_faults(const json& body) {
  std::vector<std::pair<faults*, json>> wanted;
  if (body.contains("provider")) {
    auto known = all_.knobs.find(text_at(body, "provider"));
    if (known == all_.knobs.end())
      return bad("provider is one of stripe, paypal, shipstation, sendgrid");
    auto values = body;
    values.erase("provider");
    wanted.emplace_back(known->second, std::move(values));
  } else {
    for (const auto& [name, values] : body.items()) {
      auto known = all_.knobs.find(name);
      if (known == all_.knobs.end() || !values.is_object())
        return bad("name the provider: {\"provider\": \"stripe\", …}");
      wanted.emplace_back(known->second, values);
    }
  }
  for (auto& [knobs, values] : wanted)
    if (auto wrong = knobs->set(values))
      return bad(*wrong);
  return show_faults();
}

// {"provider", "account", "webhooks": [{"url", "secrets", "events", "webhook_id"}]}; it replaces what was set.
answer admin::set_account(const json& body) {
  auto provider = text_at(body, "provider");
  auto account = text_at(body, "account");
  if (!all_.knobs.contains(provider))
    return bad("provider is one of stripe, paypal, shipstation, sendgrid");
  if (account.empty() || account.size() > name_length_max)
    return bad("account is the key (Stripe, SendGrid, ShipStation) or client id (PayPal) of at most 400 characters");
  auto webhooks = body.value("webhooks", json::array());
  if (!webhooks.is_array() || webhooks.size() > webhooks_max)
    return bad("webhooks is a list of at most 16");
  for (const auto& given : webhooks)
    if (auto wrong = check_webhook(given, provider))
      return bad(*wrong);
  json settings{{"provider", provider}, {"account", account}, {"webhooks", webhooks}};
  store::transaction change{all_.memory};
  change.put(table::account, change.account(account), provider, settings);
  change.finish();
  return say(200, settings);
}

answer admin::ledger(std::size_t after, std::size_t limit) {
  std::vector<std::pair<std::uint32_t, place>> found;
  store::transaction look{all_.memory};
  for (auto i = after; i < look.size(table::ledger) && found.size() < limit; ++i) {
    const auto& subject = look.at(table::ledger, static_cast<std::uint32_t>(i));
    found.emplace_back(subject.account, subject.at);
  }
  look.finish();
  auto entries = json::array();
  for (auto& [account, where] : found) {
    auto entry = json::parse(all_.memory.text(where));
    entry["seq"] = after + entries.size() + 1;
    entry["account"] = all_.memory.account_name(account);
    entries.push_back(std::move(entry));
  }
  auto next = after + entries.size();
  return say(200, {{"entries", std::move(entries)}, {"next", next}});
}

answer admin::webhook_counts() const {
  auto counts = all_.sender.count();
  return say(200, {{"queued", counts.queued},
                   {"delivered", counts.delivered},
                   {"failed_attempts", counts.failed},
                   {"given_up", counts.given_up},
                   {"dropped", counts.dropped},
                   {"waiting", counts.waiting}});
}

} // namespace souk::providers
