#include "actors/mail/links.hpp"
#include "integrations/mail/stored_mail_desk.hpp"
#include "unit/mail_world.hpp"

#include <memory>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>

using namespace souk;
using namespace mail_tests;
using namespace std::chrono_literals;
using actors::desk_answer;
using storage::suppression_reason;

namespace {

std::string base64(const unsigned char* raw, std::size_t size) {
  std::string out(sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), raw, size, sodium_base64_VARIANT_ORIGINAL);
  out.resize(out.size() - 1);
  return out;
}

/// The key that SendGrid would sign with.
class signer {
public:
  signer() : key_(EVP_EC_gen("P-256"), EVP_PKEY_free) {}
  std::string public_key() const {
    unsigned char* der = nullptr;
    auto size = i2d_PUBKEY(key_.get(), &der);
    auto out = base64(der, static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
  }
  std::string sign(const std::string& text) const {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    REQUIRE(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
    unsigned char out[200];
    std::size_t size = sizeof out;
    REQUIRE(EVP_DigestSign(context.get(), out, &size, reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1);
    return base64(out, size);
  }

private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

struct a_desk {
  set_clock time;
  signer provider;
  std::shared_ptr<rows_of_a_shop> world = std::make_shared<rows_of_a_shop>();
  std::shared_ptr<actors::secret_box> box = std::make_shared<actors::secret_box>(std::vector{std::string(64, 'a')});
  integrations::stored_mail_desk desk{world, box, time, provider.public_key()};
  ulid store = id_of(1), mail = id_of(2);

  a_desk() {
    world->stores[store].id = store;
    auto& row = world->mails[mail];
    row.id = mail;
    row.store_id = store;
    row.email = "ada@example.com";
  }
  std::map<std::string, std::string> headers_for(const std::string& body, std::chrono::seconds ago = 0s) const {
    auto at = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time.time.time_since_epoch() - ago).count());
    return {{"x-twilio-email-event-webhook-signature", provider.sign(at + body)}, {"x-twilio-email-event-webhook-timestamp", at}};
  }
  std::string event(const std::string& word, const std::string& more = "") const {
    return R"({"event":")" + word + R"(","email":"Ada@Example.com","store":")" + store.str() + R"(","mail":")" + mail.str()
           + R"(","sg_event_id":"e1","reason":"550 no\nsuch user")" + more + "}";
  }
  desk_answer hear(const std::string& body) { return desk.provider_event(headers_for(body), body); }
  std::optional<suppression_reason> reason() const {
    auto at = world->suppressions.find("ada@example.com");
    return at == world->suppressions.end() ? std::nullopt : std::optional{at->second.reason};
  }
};

} // namespace

TEST_CASE("an address that bounced is written to no more, and its mail says so", "[mail]") {
  a_desk it;
  CHECK(it.hear("[" + it.event("delivered") + "," + it.event("bounce") + "]") == desk_answer::done);
  CHECK(it.reason() == suppression_reason::bounced);
  CHECK(it.world->mails[it.mail].state == storage::mail_state::bounced);
  CHECK(it.world->mails[it.mail].error == "550 no?such user");
}

TEST_CASE("what a provider says is weighed", "[mail]") {
  a_desk it;
  CHECK(it.hear("[" + it.event("bounce", R"(,"type":"blocked")") + "]") == desk_answer::done);
  CHECK(it.hear("[" + it.event("deferred") + "," + it.event("open") + ",7,{}]") == desk_answer::done);
  CHECK_FALSE(it.reason());
  CHECK(it.hear("[" + it.event("unsubscribe") + "]") == desk_answer::done);
  CHECK(it.reason() == suppression_reason::unsubscribed);
  CHECK(it.hear("[" + it.event("spamreport") + "]") == desk_answer::done);
  CHECK(it.reason() == suppression_reason::complained);
  CHECK(it.hear("[" + it.event("unsubscribe") + "]") == desk_answer::done); // does not make it less
  CHECK(it.reason() == suppression_reason::complained);
  CHECK(it.world->mails[it.mail].state == storage::mail_state::sent);
}

TEST_CASE("what is not the provider's word changes nothing", "[mail]") {
  a_desk it;
  const auto body = "[" + it.event("bounce") + "]";
  auto headers = it.headers_for(body);
  CHECK(it.desk.provider_event(headers, body + " ") == desk_answer::refused);
  CHECK(it.desk.provider_event({}, body) == desk_answer::refused);
  CHECK(it.desk.provider_event(it.headers_for(body, 2h), body) == desk_answer::refused);
  CHECK(it.desk.provider_event(it.headers_for(body, -2h), body) == desk_answer::refused);
  headers["x-twilio-email-event-webhook-signature"] = signer{}.sign(headers["x-twilio-email-event-webhook-timestamp"] + body);
  CHECK(it.desk.provider_event(headers, body) == desk_answer::refused);
  integrations::stored_mail_desk deaf{it.world, it.box, it.time, ""};
  CHECK(deaf.provider_event(it.headers_for(body), body) == desk_answer::refused);
  CHECK_FALSE(it.reason());
}

TEST_CASE("events about other stores' mails stay theirs", "[mail]") {
  a_desk it;
  it.world->mails[it.mail].store_id = id_of(9);
  CHECK(it.hear("[" + it.event("bounce") + "]") == desk_answer::done);
  CHECK(it.world->mails[it.mail].state == storage::mail_state::sent);
  it.world->stores.clear();
  it.world->suppressions.clear();
  CHECK(it.hear("[" + it.event("bounce") + "]") == desk_answer::done); // a store of before
  CHECK_FALSE(it.reason());
}

TEST_CASE("a desk that cannot write asks to be told again", "[mail]") {
  a_desk it;
  it.world->commits = false;
  CHECK(it.hear("[" + it.event("bounce") + "]") == desk_answer::later);
  it.world->commits = true;
  it.world->away = true;
  CHECK(it.hear("[" + it.event("bounce") + "]") == desk_answer::later);
  auto token = actors::make_unsubscribe_token(*it.box, it.store, "ada@example.com");
  CHECK(it.desk.unsubscribe(token) == desk_answer::later);
  it.world->away = false;
  CHECK(it.desk.unsubscribe(token) == desk_answer::done);
  CHECK(it.reason() == suppression_reason::unsubscribed);
  CHECK(it.desk.unsubscribe(token) == desk_answer::done);
  CHECK(it.desk.unsubscribe(token + "x") == desk_answer::refused);
  CHECK(it.desk.unsubscribe("") == desk_answer::refused);
}
