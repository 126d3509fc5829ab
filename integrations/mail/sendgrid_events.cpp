#include "integrations/mail/sendgrid_events.hpp"

#include "actors/user/account.hpp"
#include "integrations/mail/mime.hpp"

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>

namespace souk::integrations {

using nlohmann::json;

namespace {

constexpr std::chrono::hours age_max{1}; ///< a body that somebody wrote down is of no use to him for ever
constexpr std::size_t reason_max = 500;

std::string from_base64(const std::string& text) {
  std::string out(text.size(), '\0');
  std::size_t length = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(), text.size(), " \r\n", &length,
                        nullptr, sodium_base64_VARIANT_ORIGINAL)
      != 0)
    return {};
  out.resize(length);
  return out;
}

bool holds(const std::string& public_key, const std::string& signature, const std::string& text) {
  const auto der = from_base64(public_key), raw = from_base64(signature);
  if (der.empty() || raw.empty())
    return false;
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())), EVP_PKEY_free};
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  if (!key || !context || EVP_PKEY_base_id(key.get()) != EVP_PKEY_EC)
    return false;
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1
         && EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(raw.data()), raw.size(),
                             reinterpret_cast<const unsigned char*>(text.data()), text.size())
              == 1;
}

bool recent(const std::string& timestamp, storage::timestamp now) {
  std::int64_t seconds = 0;
  auto end = timestamp.data() + timestamp.size();
  auto [stop, error] = std::from_chars(timestamp.data(), end, seconds);
  if (error != std::errc{} || stop != end)
    return false;
  auto now_s = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  constexpr auto most = std::chrono::seconds{age_max}.count();
  return seconds > now_s - most && seconds < now_s + most;
}

std::string text_in(const json& object, const char* name) {
  auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string{};
}

std::optional<mail_event::kind> kind_of(const json& event) {
  const auto word = text_in(event, "event");
  if (word == "bounce") // a block is a refusal of this one mail, by a server that may take the next
    return text_in(event, "type") == "blocked" ? std::nullopt : std::optional{mail_event::kind::bounced};
  if (word == "dropped") {
    // Dropped for what the address did before; other reasons ("Invalid SMTPAPI header") are about the mail.
    const auto reason = text_in(event, "reason");
    if (reason == "Bounced Address" || reason == "Invalid")
      return mail_event::kind::dropped;
    if (reason == "Spam Reporting Address")
      return mail_event::kind::complained;
    if (reason == "Unsubscribed Address")
      return mail_event::kind::unsubscribed;
    return std::nullopt;
  }
  if (word == "spamreport")
    return mail_event::kind::complained;
  if (word == "unsubscribe" || word == "group_unsubscribe")
    return mail_event::kind::unsubscribed;
  return std::nullopt;
}

storage::ulid id_in(const json& event, const char* name) {
  return storage::ulid::parse(text_in(event, name)).value_or(storage::ulid{});
}

} // namespace

std::optional<std::vector<mail_event>> read_sendgrid_events(const std::string& public_key, const std::string& signature,
                                                            const std::string& timestamp, const std::string& body,
                                                            storage::timestamp now) {
  if (!recent(timestamp, now) || !holds(public_key, signature, timestamp + body))
    return std::nullopt;
  std::vector<mail_event> out;
  const auto list = json::parse(body, nullptr, false);
  if (!list.is_array())
    return out;
  for (const auto& event : list) {
    if (!event.is_object())
      continue;
    auto what = kind_of(event);
    auto email = actors::normal_email(text_in(event, "email"));
    if (!what || !is_mailbox(email))
      continue;
    out.push_back({*what, id_in(event, "store"), id_in(event, "mail"), std::move(email),
                   text_in(event, "reason").substr(0, reason_max), text_in(event, "sg_event_id")});
  }
  return out;
}

std::optional<storage::mail_suppression_row> suppression_of(const mail_event& event, storage::timestamp now) {
  if (event.store.is_nil())
    return std::nullopt;
  auto reason = storage::suppression_reason::bounced;
  if (event.what == mail_event::kind::complained)
    reason = storage::suppression_reason::complained;
  if (event.what == mail_event::kind::unsubscribed)
    reason = storage::suppression_reason::unsubscribed;
  return storage::mail_suppression_row{event.store, event.email, reason, now};
}

} // namespace souk::integrations
