#include "integrations/providers_sandbox/sendgrid.hpp"

#include "integrations/providers_sandbox/form.hpp"

#include <algorithm>
#include <thread>

namespace souk::providers {

namespace {

constexpr std::size_t personalizations_max = 1000;
constexpr std::size_t categories_max = 10;
constexpr std::int64_t schedule_max_s = 72 * 3600;
constexpr std::size_t custom_args_max = 10'000; ///< bytes
constexpr std::size_t key_length_max = 200;
constexpr std::size_t mail_max = 30 * 1024 * 1024; ///< bytes
constexpr std::string_view key_owner = "sendgrid signing key";

struct mail_error {
  std::string message;
  std::string field; ///< empty: none
};

answer error_answer(int status, const std::string& message, const std::string& field = {}) {
  json error{{"message", message}, {"field", field.empty() ? json() : json(field)}, {"help", nullptr}};
  return {status, json{{"errors", json::array({error})}}.dump(-1, ' ', false, json::error_handler_t::replace)};
}

std::string text_in(const json& object, const char* name) {
  if (!object.is_object())
    return {};
  auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string{};
}

bool is_address(const std::string& text) {
  auto at = text.find('@');
  return at != std::string::npos && at > 0 && at + 1 < text.size() && text.find('@', at + 1) == std::string::npos
      && std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 127; });
}

void check_addresses(const json& list, const std::string& field) {
  if (!list.is_array())
    throw mail_error{"The " + field + " parameter must be an array.", field};
  for (std::size_t i = 0; i < list.size(); ++i)
    if (!is_address(text_in(list[i], "email")))
      throw mail_error{"Does not contain a valid address.", field + "." + std::to_string(i) + ".email"};
}

void check_schedule(const json& object, const std::string& field) {
  if (!object.contains("send_at"))
    return;
  if (!object["send_at"].is_number_integer() || object["send_at"] > now_ms() / 1000 + schedule_max_s)
    throw mail_error{"Scheduled mail is at most 72 hours ahead.", field};
}

/// Checks what the API would refuse. @throws mail_error.
void check_mail(const json& mail) {
  if (!mail.is_object())
    throw mail_error{"Bad Request", ""};
  const auto personalizations = mail.value("personalizations", json());
  if (!personalizations.is_array() || personalizations.empty())
    throw mail_error{"The personalizations field is required and must have at least one personalization.",
                     "personalizations"};
  if (personalizations.size() > personalizations_max)
    throw mail_error{"There are at most 1000 personalizations.", "personalizations"};
  bool template_given = !text_in(mail, "template_id").empty();
  bool every_subject = !text_in(mail, "subject").empty();
  bool own_subjects = true;
  for (std::size_t i = 0; i < personalizations.size(); ++i) {
    auto field = "personalizations." + std::to_string(i);
    const auto& one = personalizations[i];
    if (!one.is_object() || !one.contains("to") || !one["to"].is_array() || one["to"].empty())
      throw mail_error{"The to array is required for all personalization objects, and must have at least one email "
                       "object with a valid email address.",
                       field + ".to"};
    for (const char* list : {"to", "cc", "bcc"})
      if (one.contains(list))
        check_addresses(one[list], field + "." + list);
    own_subjects = own_subjects && !text_in(one, "subject").empty();
    check_schedule(one, field + ".send_at");
    if (one.contains("custom_args") && one["custom_args"].dump().size() > custom_args_max)
      throw mail_error{"custom_args has at most 10000 bytes.", field + ".custom_args"};
  }
  if (!is_address(text_in(mail.value("from", json()), "email")))
    throw mail_error{"The from object must be provided for every email send. It is an object that requires the email "
                     "parameter, but may also contain a name parameter.",
                     "from.email"};
  if (mail.contains("reply_to") && !is_address(text_in(mail["reply_to"], "email")))
    throw mail_error{"Does not contain a valid address.", "reply_to.email"};
  if (!template_given && !every_subject && !own_subjects)
    throw mail_error{"The subject is required. You can get around this requirement if you use a template with a subject "
                     "defined or if every personalization has a subject defined.",
                     "subject"};
  const auto content = mail.value("content", json());
  if (!template_given && (!content.is_array() || content.empty()))
    throw mail_error{"Unless a valid template_id is provided, the content parameter is required. There must be at least "
                     "one defined content block.",
                     "content"};
  if (content.is_array())
    for (std::size_t i = 0; i < content.size(); ++i) {
      auto field = "content." + std::to_string(i);
      if (text_in(content[i], "value").empty())
        throw mail_error{"The content value must be a string at least one character in length.", field + ".value"};
      auto type = text_in(content[i], "type");
      if (type.find('/') == std::string::npos)
        throw mail_error{"The content type is a MIME type.", field + ".type"};
      if (i > 0 && type == "text/plain")
        throw mail_error{"If present, text/plain and text/html may only be provided once, text/plain first.", "content"};
    }
  if (mail.contains("categories")
      && (!mail["categories"].is_array() || mail["categories"].size() > categories_max))
    throw mail_error{"There are at most 10 categories.", "categories"};
  if (mail.contains("attachments"))
    for (const auto& attachment : mail["attachments"])
      if (text_in(attachment, "content").empty() || text_in(attachment, "filename").empty()
          || from_base64(text_in(attachment, "content")).empty())
        throw mail_error{"An attachment has a filename and its content in base64.", "attachments"};
  check_schedule(mail, "send_at");
}

/// What is remembered of a mail: everything but the bytes of its attachments.
json remembered(json mail, const std::string& id) {
  if (mail.contains("attachments"))
    for (auto& attachment : mail["attachments"]) {
      attachment["bytes"] = from_base64(text_in(attachment, "content")).size();
      attachment.erase("content");
    }
  mail["message_id"] = id;
  return mail;
}

json event_of(const std::string& type, const std::string& email, const std::string& message_id, const json& custom_args) {
  json event = custom_args.is_object() ? custom_args : json::object();
  event["email"] = email;
  event["timestamp"] = now_ms() / 1000;
  event["event"] = type;
  event["sg_event_id"] = random_id("", 22);
  event["sg_message_id"] = message_id + ".recvd-sandbox-1";
  event["smtp-id"] = "<" + message_id + "@ismtpd>";
  return event;
}

/// A recipient's mailbox says what becomes of a mail: bounce@…, dropped@…, deferred@…; all others take it.
std::vector<std::string> fate_of(const std::string& email) {
  for (const char* name : {"bounce", "dropped", "deferred", "spamreport"})
    if (email.starts_with(std::string{name} + "@") || email.starts_with(std::string{name} + "+"))
      return name == std::string{"dropped"}      ? std::vector<std::string>{"dropped"}
           : name == std::string{"spamreport"} ? std::vector<std::string>{"processed", "delivered", "spamreport"}
                                               : std::vector<std::string>{"processed", name};
  return {"processed", "delivered"};
}

} // namespace

sendgrid::sendgrid(store& memory, webhook_sender& sender, faults& knobs)
  : store_{memory}, sender_{sender}, faults_{knobs} {
  // nop
}

void sendgrid::start() {
  store::transaction change{store_};
  auto owner = change.account(key_owner);
  if (const auto* kept = change.find(table::account, owner, "sendgrid key")) {
    key_ = signing_key::from_pem(change.read(*kept)["pem"].get<std::string>());
  } else {
    key_ = signing_key::p256();
    change.put(table::account, owner, "sendgrid key", {{"pem", key_->private_pem()}});
  }
  change.finish();
  forger_ = signing_key::p256();
}

bool sendgrid::is_command(const call& asked) const {
  return asked.method != "GET";
}

answer sendgrid::refusal(const call&, int status) {
  if (status == 429)
    return error_answer(429, "too many requests").with("Retry-After", "1").with("X-RateLimit-Remaining", "0");
  return error_answer(status, "internal server error");
}

answer sendgrid::handle(call& asked) {
  auto header = asked.header("Authorization");
  auto key = header.starts_with("Bearer ") ? header.substr(7) : std::string{};
  if (!key.starts_with("SG.") || key.size() > key_length_max || key.find("bad") != std::string::npos || !is_utf8(key))
    return error_answer(401, "The provided authorization grant is invalid, expired, or revoked");
  if (asked.method == "POST" && asked.path == "/v3/mail/send")
    return send_mail(asked, key);
  if (asked.method == "GET" && asked.path == "/v3/user/webhooks/event/settings/signed")
    return {200, json{{"public_key", public_key()}}.dump()};
  return error_answer(404, "not found");
}

answer sendgrid::send_mail(call& asked, const std::string& api_key) {
  if (!asked.header("Content-Type").starts_with("application/json"))
    return error_answer(415, "Content-Type should be application/json.", "");
  if (asked.body.size() > mail_max)
    return error_answer(413, "The message is larger than 30 MB.");
  auto mail = json::parse(asked.body, nullptr, false);
  if (mail.is_discarded())
    return error_answer(400, "Bad Request");
  try {
    check_mail(mail);
  } catch (const mail_error& error) {
    return error_answer(400, error.message, error.field);
  } catch (const json::exception&) { // a member of another type than the API has
    return error_answer(400, "Bad Request");
  }
  if (asked.faults.latency_ms > 0)
    std::this_thread::sleep_for(std::chrono::milliseconds{asked.faults.latency_ms});
  if (asked.faults.conflict)
    return error_answer(409, "conflict");
  const auto settings = mail.value("mail_settings", json::object());
  const auto sandbox_mode = settings.is_object() ? settings.value("sandbox_mode", json()) : json();
  if (sandbox_mode.is_object() && sandbox_mode.value("enable", json()) == true)
    return {200, ""}; // checked, and sent to nobody
  auto id = random_id("", 22);
  store::transaction change{store_};
  auto account = change.account(api_key);
  change.put(table::mail, account, id, remembered(mail, id));
  auto events = json::array();
  const auto shared = mail.value("custom_args", json::object());
  for (const auto& one : mail["personalizations"]) {
    auto arguments = shared;
    if (one.contains("custom_args") && one["custom_args"].is_object())
      arguments.update(one["custom_args"]);
    for (const char* list : {"to", "cc", "bcc"})
      for (const auto& recipient : one.value(list, json::array())) {
        auto email = text_in(recipient, "email");
        for (const auto& type : fate_of(email)) {
          auto event = event_of(type, email, id, arguments);
          if (type == "bounce") {
            event["type"] = "bounce";
            event["status"] = "5.1.1";
            event["reason"] = "550 5.1.1 The email account that you tried to reach does not exist.";
          } else if (type == "dropped") {
            event["reason"] = "Bounced Address";
          } else if (type == "deferred") {
            event["response"] = "451 4.2.1 try again later";
          }
          events.push_back(std::move(event));
        }
      }
  }
  notify(change, account, events);
  if (asked.faults.fail)
    return refusal(asked, 500);
  return answer{202, ""}.with("X-Message-Id", id);
}

json sendgrid::mails(std::size_t after, std::size_t limit) {
  std::vector<std::pair<std::uint32_t, place>> found;
  store::transaction look{store_};
  for (auto i = after; i < look.size(table::mail) && found.size() < limit; ++i) {
    const auto& subject = look.at(table::mail, static_cast<std::uint32_t>(i));
    found.emplace_back(subject.account, subject.at);
  }
  look.finish();
  auto list = json::array();
  for (auto [account, where] : found) {
    auto mail = json::parse(store_.text(where));
    mail["seq"] = after + list.size() + 1;
    mail["account"] = store_.account_name(account);
    list.push_back(std::move(mail));
  }
  return list;
}

answer sendgrid::fire(const json& wanted) {
  auto api_key = text_in(wanted, "account");
  auto type = text_in(wanted, "event");
  auto email = text_in(wanted, "email");
  auto message = text_in(wanted, "message_id");
  constexpr std::string_view known[] = {"processed", "dropped",    "delivered",   "deferred",          "bounce", "open",
                                        "click",     "spamreport", "unsubscribe", "group_unsubscribe", "blocked"};
  if (api_key.empty() || std::find(std::begin(known), std::end(known), type) == std::end(known))
    return error_answer(400, "an event has an account and one of SendGrid's event types");
  store::transaction change{store_};
  auto account = change.account(api_key);
  auto arguments = wanted.value("custom_args", json::object());
  if (!message.empty()) {
    const auto* subject = change.find(table::mail, account, message);
    if (subject == nullptr)
      return error_answer(404, "no mail of the account has this message_id");
    auto mail = change.read(*subject);
    const auto& first = mail["personalizations"][0];
    if (email.empty())
      email = text_in(first["to"][0], "email");
    for (const auto& given : {mail.value("custom_args", json::object()), first.value("custom_args", json::object())})
      if (given.is_object())
        arguments.update(given);
  }
  if (!is_address(email))
    return error_answer(400, "an event has an email or the message_id of a mail", "email");
  auto event = event_of(type, email, message.empty() ? random_id("", 22) : message, arguments);
  for (const char* name : {"reason", "status", "type", "response", "url"})
    if (!text_in(wanted, name).empty())
      event[name] = wanted[name];
  notify(change, account, json::array({event}));
  return {200, event.dump(-1, ' ', false, json::error_handler_t::replace)};
}

/// Writes the events, ends the transaction and sends them.
void sendgrid::notify(store::transaction& change, std::uint32_t account, const json& events) {
  auto where = change.put(table::mail_event, account, random_id("", 22), events);
  change.finish();
  deliver(account, where);
}

void sendgrid::deliver(std::uint32_t account, place events) {
  std::vector<std::string> targets;
  {
    store::transaction look{store_};
    if (const auto* known = look.find(table::account, account, "sendgrid")) {
      auto settings = look.read(*known);
      for (const auto& hook : settings["webhooks"])
        targets.push_back(hook["url"]);
    }
  }
  for (const auto& target : targets) {
    webhook subject;
    subject.url = target;
    subject.body = [this, events](bool) { return store_.text(events); };
    subject.sign = [this](const std::string& body, std::int64_t at, bool forged) -> header_list {
      auto time = std::to_string(at);
      const auto& key = forged ? *forger_ : *key_;
      return {{"X-Twilio-Email-Event-Webhook-Signature", base64(key.sign(time + body))},
              {"X-Twilio-Email-Event-Webhook-Timestamp", time}};
    };
    sender_.send(faults_, std::move(subject));
  }
}

} // namespace souk::providers
