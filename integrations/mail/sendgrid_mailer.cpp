#include "integrations/mail/sendgrid_mailer.hpp"

#include "actors/text.hpp"
#include "integrations/mail/mime.hpp"

#include <algorithm>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace souk::integrations {

using actors::mail_answer;
using actors::mail_outcome;
using nlohmann::json;

namespace {

constexpr std::size_t error_max = 300; ///< bytes of what the service said that are kept
constexpr std::chrono::milliseconds connect_limit{3000};

json body_of(const actors::mail& m) {
  json from{{"email", m.from}};
  if (!m.from_name.empty())
    from["name"] = m.from_name;
  json person{{"to", json::array({{{"email", m.to}}})}};
  auto arguments = json::object();
  for (const auto& [name, value] : m.tags)
    arguments[name] = value; // come back with every event of the mail
  if (!arguments.empty())
    person["custom_args"] = std::move(arguments);
  auto content = json::array();
  if (!m.text.empty())
    content.push_back({{"type", "text/plain"}, {"value", m.text}});
  if (!m.html.empty())
    content.push_back({{"type", "text/html"}, {"value", m.html}});
  json headers{{"Message-ID", "<" + m.id + "@" + m.from.substr(m.from.rfind('@') + 1) + ">"}};
  if (!m.unsubscribe_url.empty()) {
    headers["List-Unsubscribe"] = "<" + m.unsubscribe_url + ">";
    headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click";
  }
  json out{{"personalizations", json::array({std::move(person)})},
           {"from", std::move(from)},
           {"subject", m.subject},
           {"content", std::move(content)},
           {"headers", std::move(headers)},
           // Links lead where they say: to the shop, and an unsubscribe link stays valid for ever.
           {"tracking_settings", {{"click_tracking", {{"enable", false}}}, {"open_tracking", {{"enable", false}}}}}};
  if (!m.reply_to.empty())
    out["reply_to"] = {{"email", m.reply_to}};
  return out;
}

struct refusal {
  std::string words;
  bool bad_address = false;
};

refusal refusal_in(const httplib::Response& r) {
  refusal out{"http_" + std::to_string(r.status), false};
  auto body = json::parse(r.body, nullptr, false);
  if (!body.is_object() || !body.contains("errors") || !body["errors"].is_array())
    return out;
  for (const auto& error : body["errors"]) {
    auto text = [&](const char* name) {
      auto at = error.is_object() ? error.find(name) : error.end();
      return at != error.end() && at->is_string() ? at->get<std::string>() : std::string{};
    };
    out.bad_address = out.bad_address || text("field").starts_with("personalizations.0.to.");
    if (out.words.size() < error_max)
      out.words += ": " + text("message").substr(0, error_max);
  }
  return out;
}

mail_answer answer_of(const httplib::Result& got) {
  if (!got)
    return {mail_outcome::not_now, false, false, {}, httplib::to_string(got.error())};
  if (got->status == 202 || got->status == 200)
    return {mail_outcome::sent, false, false, got->get_header_value("X-Message-Id"), {}};
  auto said = refusal_in(*got);
  // A key that is wrong or not allowed to send is the operator's to mend; the mails wait for it.
  const bool mail_is_wrong = got->status == 400 || got->status == 413;
  return {mail_is_wrong ? mail_outcome::refused : mail_outcome::not_now, mail_is_wrong && said.bad_address, false, {}, said.words};
}

} // namespace

sendgrid_mailer::sendgrid_mailer(const std::string& base_url, const std::string& key, std::chrono::milliseconds time_limit)
  : key_(key), time_limit_(time_limit) {
  auto url = base_url;
  while (url.ends_with('/'))
    url.pop_back();
  auto host = url.find("://");
  const bool known_scheme = url.starts_with("https://") || url.starts_with("http://");
  if (!known_scheme || !actors::is_web_address(url) || url.find_first_of("?#") != std::string::npos)
    throw std::invalid_argument("sendgrid_url: " + base_url + " is not https://HOST");
  if (key.empty() || !std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
    throw std::invalid_argument("sendgrid_key is not a key");
  auto path = url.find('/', host + 3);
  origin_ = url.substr(0, path);
  path_ = path == std::string::npos ? std::string{} : url.substr(path);
}

sendgrid_mailer::~sendgrid_mailer() = default;

std::unique_ptr<httplib::Client> sendgrid_mailer::take() {
  {
    std::lock_guard lock{idle_mutex_};
    if (!idle_.empty()) {
      auto out = std::move(idle_.back());
      idle_.pop_back();
      return out;
    }
  }
  auto client = std::make_unique<httplib::Client>(origin_);
  client->set_keep_alive(true);
  client->set_tcp_nodelay(true);
  client->set_follow_location(false);
  client->set_connection_timeout(std::min(time_limit_, connect_limit));
  client->set_read_timeout(time_limit_);
  client->set_write_timeout(time_limit_);
  return client;
}

mail_answer sendgrid_mailer::send(const actors::mail& m) {
  try {
    if (auto fault = fault_of(m); !fault.empty())
      return {mail_outcome::refused, fault == "bad_recipient", false, {}, fault};
    return post(m);
  } catch (const std::exception& e) { // the port does not throw: whatever went wrong here, the mail can be sent later
    return {mail_outcome::not_now, false, false, {}, e.what()};
  }
}

mail_answer sendgrid_mailer::post(const actors::mail& m) {
  auto client = take();
  httplib::Headers headers{{"Authorization", "Bearer " + key_}};
  auto answer = answer_of(client->Post(path_ + "/v3/mail/send", headers, body_of(m).dump(), "application/json"));
  std::lock_guard lock{idle_mutex_};
  idle_.push_back(std::move(client)); // after an error cpp-httplib has closed the socket and connects anew
  return answer;
}

} // namespace souk::integrations
