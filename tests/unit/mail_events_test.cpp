#include "actors/mail/links.hpp"
#include "integrations/mail/mail_events.hpp"
#include "unit/mail_world.hpp"

#include <deque>

using namespace souk;
using namespace mail_tests;
using namespace std::chrono_literals;
using actors::mail_outcome;
using Catch::Matchers::Contains;
using storage::mail_state;
using storage::suppression_reason;
using storage::ulid;

namespace {

/// Keeps what it is given, and answers what the test says.
struct post_office : actors::mailer {
  std::deque<actors::mail_answer> answers;
  std::vector<actors::mail> sent;
  actors::mail_answer send(const actors::mail& m) override {
    actors::mail_answer answer{mail_outcome::sent, false, false, "ref", ""};
    if (!answers.empty()) {
      answer = answers.front();
      answers.pop_front();
    }
    if (answer.outcome == mail_outcome::sent)
      sent.push_back(m);
    return answer;
  }
};

const actors::mail_answer away{mail_outcome::not_now, false, false, "", "no route to host"};
const actors::mail_answer full{mail_outcome::not_now, false, true, "", "smtp_452: full"};

struct a_shop {
  set_clock time;
  std::shared_ptr<rows_of_a_shop> world = std::make_shared<rows_of_a_shop>();
  std::shared_ptr<post_office> office = std::make_shared<post_office>();
  std::shared_ptr<actors::secret_box> box = std::make_shared<actors::secret_box>(std::vector{std::string(64, 'a')});
  integrations::mail_events mails{world, office, std::make_shared<integrations::mail_composer>(), box, time,
                                  {"https://shop.example/", "mail@shop.example"}};
  ulid store = id_of(1), order = id_of(2), user = id_of(3), variant = id_of(4);
  std::int64_t seq = 0;

  a_shop() {
    auto& s = world->stores[store];
    s.id = store;
    s.name = "Käthe & Töchter";
    s.currency = "EUR";
    s.settings.language = "de";
    s.settings.mail.merchant_email = "kaethe@example.com";
    s.settings.mail.reply_to = "hallo@example.com";
    auto& o = world->orders[order];
    o.order.id = order;
    o.order.store_id = store;
    o.order.user_id = user;
    o.order.number = 1001;
    o.order.currency = "EUR";
    o.order.total = o.order.subtotal = 1999;
    o.order.email = "Ada@Example.com";
    o.order.address = {"Ada <b>", "Street 1", "", "Paris", "", "75001", "FR", ""};
    o.order.language = "en";
    o.items.resize(2);
    o.items[0].line = 1;
    o.items[0].title = "Tea";
    o.items[0].quantity = 3;
    o.items[0].total = 999;
    o.items[1].line = 2;
    o.items[1].title = "Pot";
    o.items[1].quantity = 1;
    o.items[1].total = 1000;
    auto& u = world->users[user].user;
    u.id = user;
    u.email = "ada@example.com";
    u.name = "Ada";
    u.password_hash = "$argon2id$x";
    auto& v = world->stocks[variant];
    v.variant.id = variant;
    v.variant.option_values = {"250 g"};
    v.variant.price = 500;
    v.product_title = "Earl Grey";
    v.product = storage::product_status::active;
  }

  storage::order_snapshot& the_order() { return world->orders[order]; }
  storage::outbox_event event(const std::string& topic, std::vector<std::pair<std::string, std::string>> fields = {},
                              std::optional<ulid> subject = {}) {
    return {77, ++seq, 0, {store, topic, subject.value_or(order), std::move(fields), time.time}};
  }
  std::size_t hear(const std::string& topic, std::vector<std::pair<std::string, std::string>> fields = {},
                   std::optional<ulid> subject = {}) {
    return mails.deliver({event(topic, std::move(fields), subject)});
  }
  /// The name of the one mail that was sent since; "" for none.
  std::string last() {
    if (office->sent.empty())
      return {};
    REQUIRE(office->sent.size() == 1);
    auto id = ulid::parse(office->sent[0].id);
    auto name = id ? world->mails.at(*id).name : "no store's";
    return name;
  }
  actors::mail take() {
    REQUIRE(office->sent.size() == 1);
    auto out = office->sent[0];
    office->sent.clear();
    return out;
  }
};

} // namespace

TEST_CASE("an order's mail carries what the store and the order say", "[mail]") {
  a_shop shop;
  CHECK(shop.hear("order.paid") == 1);
  auto mail = shop.take();
  CHECK(mail.from == "mail@shop.example");
  CHECK(mail.from_name == "Käthe & Töchter");
  CHECK(mail.reply_to == "hallo@example.com");
  CHECK(mail.to == "ada@example.com");
  CHECK(mail.subject == "Your order 1001 at Käthe & Töchter"); // the order's language, not the store's
  CHECK_THAT(mail.text, Contains("3 x Tea: 9.99 EUR") && Contains("Total: 19.99 EUR") && Contains("Hello Ada <b>"));
  CHECK_THAT(mail.html, Contains("Ada &lt;b&gt;") && !Contains("Ada <b>"));
  CHECK(mail.unsubscribe_url.empty());
  auto row = shop.world->mails.begin()->second;
  CHECK(mail.id == row.id.str());
  CHECK(mail.tags == std::vector<std::pair<std::string, std::string>>{{"store", shop.store.str()}, {"mail", row.id.str()}});
  CHECK(row.event_id == "77-1-0");
  CHECK(row.state == mail_state::sent);
  CHECK(row.email == "ada@example.com");
  CHECK(row.subject_id == shop.order);
  CHECK(row.provider_reference == "ref");
}

TEST_CASE("every topic has the mail that fits it", "[mail]") {
  struct expectation {
    const char* topic;
    std::vector<std::pair<std::string, std::string>> fields;
    storage::order_status status;
    const char* name;
  };
  using s = storage::order_status;
  auto [topic, fields, status, name] = GENERATE(values<expectation>({
    {"order.created", {}, s::pending, ""},
    {"order.created", {{"provider", "manual"}}, s::pending, "order_confirmed"},
    {"order.created", {{"provider", "manual"}}, s::paid, ""},
    {"order.authorized", {}, s::pending, "order_confirmed"},
    {"order.paid", {}, s::paid, "order_confirmed"},
    {"order.paid", {}, s::shipped, "order_confirmed"},
    {"order.paid", {}, s::refunded, ""},
    {"order.shipped", {}, s::shipped, "order_shipped"},
    {"order.partially_shipped", {}, s::paid, "order_shipped"},
    {"order.fulfilment_changed", {}, s::paid, ""},
    {"order.delivered", {}, s::delivered, "order_delivered"},
    {"order.cancelled", {{"note", "cancelled_by_customer"}}, s::cancelled, "order_cancelled"},
    {"order.cancelled", {{"note", "payment_declined"}}, s::cancelled, "payment_failed"},
    {"order.cancelled", {{"note", "payment_cancelled"}}, s::cancelled, "payment_failed"},
    {"order.cancelled", {{"note", "reservation_expired"}}, s::cancelled, "reservation_expired"},
    {"order.cancelled", {{"note", "reservation_expired"}}, s::paid, ""},
    {"order.refunded", {{"refund_id", "x"}, {"amount", "500"}}, s::paid, "order_refunded"},
    {"order.refunded", {}, s::refunded, "order_cancelled"},
    {"order.refund_failed", {{"amount", "500"}}, s::paid, ""},
    {"return.requested", {}, s::delivered, "return_update"},
    {"return.approved", {}, s::delivered, "return_update"},
    {"return.declined", {}, s::delivered, "return_update"},
    {"return.received", {}, s::delivered, "return_update"},
    {"return.closed", {}, s::delivered, "return_update"},
    {"return.cancelled", {}, s::delivered, "return_update"},
    {"product.updated", {}, s::paid, ""},
    {"something.new", {}, s::paid, ""},
  }));
  INFO(topic << " " << static_cast<int>(status));
  a_shop shop;
  shop.the_order().order.status = status;
  CHECK(shop.hear(topic, fields) == 1);
  CHECK(shop.last() == name);
}

TEST_CASE("a manual payment is asked for at once, and confirmed when it came", "[mail]") {
  a_shop shop;
  shop.the_order().payments.push_back({});
  shop.the_order().payments[0].provider = "manual";
  shop.the_order().payments[0].amount = 1499;
  shop.the_order().payments[0].currency = "EUR";
  shop.hear("order.created", {{"provider", "manual"}});
  CHECK_THAT(shop.take().text, Contains("Please pay 14.99 EUR"));
  shop.the_order().order.status = storage::order_status::paid;
  shop.hear("order.paid");
  CHECK_THAT(shop.take().text, !Contains("Please pay"));
}

TEST_CASE("promised and then taken money is confirmed once", "[mail]") {
  a_shop shop;
  shop.hear("order.authorized");
  CHECK(shop.last() == "order_confirmed");
  shop.hear("order.paid");
  CHECK(shop.office->sent.size() == 1);
}

TEST_CASE("an order that was cancelled while its money was taken is not confirmed", "[mail]") {
  a_shop shop;
  shop.the_order().order.status = storage::order_status::paid;
  shop.the_order().payments.resize(1);
  shop.the_order().payments[0].state = storage::attempt_state::refunding;
  CHECK(shop.hear("order.paid") == 1);
  CHECK(shop.office->sent.empty());
}

TEST_CASE("a parcel's mail shows what is in it", "[mail]") {
  a_shop shop;
  storage::fulfilment parcel;
  parcel.id = id_of(9);
  parcel.state = storage::fulfilment_state::shipped;
  parcel.lines = {{1, 2}};
  parcel.carrier = "DHL";
  parcel.tracking_number = "T1";
  parcel.tracking_url = "https://carrier.example/T1";
  shop.the_order().life.fulfilments = {parcel};
  std::vector<std::pair<std::string, std::string>> fields{{"fulfilment_id", parcel.id.str()}};
  shop.hear("order.partially_shipped", fields);
  auto mail = shop.take();
  CHECK_THAT(mail.text, Contains("2 x Tea") && !Contains("Pot") && Contains("a part of your order") && Contains("DHL") && Contains("T1"));
  CHECK_THAT(mail.html, Contains("href=\"https://carrier.example/T1\""));
  shop.the_order().life.fulfilments[0].tracking_url = "javascript:alert(1)";
  shop.hear("order.shipped", fields);
  mail = shop.take();
  CHECK(mail.html.find("javascript") == std::string::npos);
  CHECK_THAT(mail.text, !Contains("a part of your order"));
  shop.the_order().life.fulfilments[0].state = storage::fulfilment_state::cancelled; // voided before its mail was made
  shop.hear("order.shipped", fields);
  CHECK(shop.office->sent.empty());
}

TEST_CASE("a return's mail shows the merchant's words, not the shopper's", "[mail]") {
  a_shop shop;
  storage::order_return back;
  back.id = id_of(9);
  back.lines = {{2, 1, "damaged", 0, 0}};
  back.note = "it is broken";
  auto& life = shop.the_order().life;
  life.returns = {back};
  life.timeline.push_back({shop.time.time, "return_requested", "customer", {}, "it is broken"});
  std::vector<std::pair<std::string, std::string>> fields{{"return_id", back.id.str()}, {"return_note", back.note}};
  shop.hear("return.requested", fields);
  auto mail = shop.take();
  CHECK_THAT(mail.text, Contains("1 x Pot") && !Contains("Tea") && !Contains("broken"));
  shop.time.time += 1h;
  life.timeline.push_back({shop.time.time, "return_declined", "merchant", {}, "it was used"});
  shop.hear("return.declined", fields);
  mail = shop.take();
  CHECK_THAT(mail.text, Contains("writes: it was used") && Contains("cannot take"));
}

TEST_CASE("the merchant hears of low stock and of webhooks that fail", "[mail]") {
  a_shop shop;
  shop.hear("inventory.low_stock", {{"sku", "TEA"}, {"available", "2"}, {"threshold", "5"}}, shop.variant);
  CHECK(shop.last() == "low_stock");
  auto mail = shop.take();
  CHECK(mail.to == "kaethe@example.com");
  CHECK(mail.subject == "Wenig Vorrat: Earl Grey, 250 g");
  CHECK_THAT(mail.text, Contains("nur noch 2") && Contains("TEA"));
  shop.hear("webhook.disabled", {{"webhook_id", id_of(8).str()}, {"address", "https://erp.example/x"}}, id_of(8));
  CHECK(shop.last() == "webhook_disabled");
  CHECK_THAT(shop.take().text, Contains("https://erp.example/x"));
  shop.world->stores[shop.store].settings.mail.merchant_email.clear();
  CHECK(shop.hear("webhook.disabled", {{"address", "https://erp.example/x"}}) == 1);
  CHECK(shop.office->sent.empty());
}

TEST_CASE("a cart that was left is a marketing mail", "[mail]") {
  a_shop shop;
  auto& cart = shop.world->carts[shop.user];
  cart.id = id_of(7);
  cart.lines = {{{}, shop.variant, 2, 0, {}}, {{}, id_of(99), 1, 0, {}}};
  std::vector<std::pair<std::string, std::string>> fields{{"user_id", shop.user.str()}, {"cart_id", cart.id.str()}};

  SECTION("to a shopper with an address, with a link to unsubscribe") {
    shop.hear("cart.abandoned", fields, cart.id);
    CHECK(shop.last() == "cart_abandoned");
    auto mail = shop.take();
    CHECK_THAT(mail.text, Contains("2 x Earl Grey, 250 g: 10,00 EUR") && Contains("https://shop.example/stores/" + shop.store.str() + "/cart"));
    const std::string prefix = "https://shop.example/unsubscribe/";
    REQUIRE(mail.unsubscribe_url.starts_with(prefix));
    CHECK_THAT(mail.text, Contains(mail.unsubscribe_url));
    CHECK_THAT(mail.html, Contains("href=\"" + mail.unsubscribe_url + "\""));
    auto claim = actors::read_unsubscribe_token(*shop.box, mail.unsubscribe_url.substr(prefix.size()));
    REQUIRE(claim);
    CHECK(claim->store == shop.store);
    CHECK(claim->email == "ada@example.com");
  }
  SECTION("not to a guest") {
    shop.world->users[shop.user].user.email.clear();
    CHECK(shop.hear("cart.abandoned", fields, cart.id) == 1);
  }
  SECTION("not when the cart is empty or another one") {
    cart.lines.clear();
    CHECK(shop.hear("cart.abandoned", fields, cart.id) == 1);
    cart.lines = {{{}, shop.variant, 2, 0, {}}};
    cart.id = id_of(6);
    CHECK(shop.hear("cart.abandoned", fields, cart.id) == 1);
  }
  SECTION("not when nothing of it is for sale") {
    shop.world->stocks[shop.variant].product = storage::product_status::archived;
    CHECK(shop.hear("cart.abandoned", fields, cart.id) == 1);
  }
  SECTION("not to who has unsubscribed, which does not stop other mails") {
    shop.world->suppressions["ada@example.com"] = {shop.store, "ada@example.com", suppression_reason::unsubscribed, {}};
    shop.hear("cart.abandoned", fields, cart.id);
    CHECK(shop.office->sent.empty());
    CHECK(shop.world->mails.begin()->second.state == mail_state::suppressed);
    shop.hear("order.paid");
    CHECK(shop.take().to == "ada@example.com");
  }
  SECTION("not when the link could not be signed") {
    *shop.box = actors::secret_box{};
    CHECK(shop.hear("cart.abandoned", fields, cart.id) == 1);
  }
  CHECK(shop.office->sent.empty());
}

TEST_CASE("a link to a new password has no store and no row", "[mail]") {
  a_shop shop;
  auto event = shop.event("user.password_reset", {{"email", "old@example.com"}, {"user_id", shop.user.str()}, {"language", "fr"}}, shop.user);
  event.event.store_id = {};
  shop.time.time += 10min;
  CHECK(shop.mails.deliver({event}) == 1);
  auto mail = shop.take();
  CHECK(mail.to == "ada@example.com");
  CHECK(mail.subject == "Choisir un nouveau mot de passe");
  CHECK(mail.from_name == "shop.example");
  CHECK(shop.world->mails.empty());
  const std::string prefix = "https://shop.example/password-reset/";
  auto at = mail.text.find(prefix);
  REQUIRE(at != std::string::npos);
  auto token = mail.text.substr(at + prefix.size());
  auto read = actors::read_reset_token(token.substr(0, token.find_first_of(" \n")));
  REQUIRE(read);
  CHECK(actors::holds(*shop.box, *read, "$argon2id$x", shop.time.time));
  CHECK_FALSE(actors::holds(*shop.box, *read, "$argon2id$x", shop.time.time + 50min)); // an hour from when it was asked for
  shop.time.time += 1h;
  CHECK(shop.mails.deliver({event}) == 1); // too late to be of use
  CHECK(shop.office->sent.empty());
}

TEST_CASE("an event that is heard again makes no second mail", "[mail]") {
  a_shop shop;
  auto paid = shop.event("order.paid"), delivered = shop.event("order.delivered");
  CHECK(shop.mails.deliver({paid, delivered}) == 2);
  CHECK(shop.mails.deliver({paid, delivered}) == 2);
  CHECK(shop.office->sent.size() == 2);
  CHECK(shop.world->mails.size() == 2);
  CHECK(shop.office->sent[0].id != shop.office->sent[1].id);
}

TEST_CASE("a mail that was sent counts as sent though its row was not written", "[mail]") {
  a_shop shop;
  shop.world->commits = false;
  CHECK(shop.hear("order.paid") == 1);
  CHECK(shop.office->sent.size() == 1);
}

TEST_CASE("nothing is written to addresses that bounced or complained", "[mail]") {
  a_shop shop;
  auto reason = GENERATE(suppression_reason::bounced, suppression_reason::complained);
  shop.world->suppressions["ada@example.com"] = {shop.store, "ada@example.com", reason, {}};
  CHECK(shop.hear("order.paid") == 1);
  CHECK(shop.office->sent.empty());
  CHECK(shop.world->mails.begin()->second.state == mail_state::suppressed);
}

TEST_CASE("a mailbox that does not exist is not written to again", "[mail]") {
  a_shop shop;
  shop.office->answers = {{mail_outcome::refused, true, false, "", "smtp_550: no such user \xff"}};
  CHECK(shop.hear("order.paid") == 1);
  auto row = shop.world->mails.begin()->second;
  CHECK(row.state == mail_state::refused);
  CHECK(row.error == "smtp_550: no such user ?");
  CHECK(shop.world->suppressions.at("ada@example.com").reason == suppression_reason::bounced);
  CHECK(shop.hear("order.delivered") == 1);
  CHECK(shop.office->sent.empty());
}

TEST_CASE("a mail that is refused for itself costs the address nothing", "[mail]") {
  a_shop shop;
  shop.office->answers = {{mail_outcome::refused, false, false, "", "smtp_554: spam"}};
  CHECK(shop.hear("order.paid") == 1);
  CHECK(shop.world->suppressions.empty());
  CHECK(shop.hear("order.delivered") == 1);
  CHECK(shop.office->sent.size() == 1);
}

TEST_CASE("an address that is none is refused without asking anybody", "[mail]") {
  a_shop shop;
  shop.the_order().order.email = "ada@example.com, eve@example.com";
  CHECK(shop.hear("order.paid") == 1);
  CHECK(shop.office->sent.empty());
  CHECK(shop.world->mails.begin()->second.error == "bad_recipient");
}

TEST_CASE("a server that is away is waited for, and no event is put aside meanwhile", "[mail]") {
  a_shop shop;
  CHECK(shop.mails.parks_what_fails(shop.event("order.paid").shard));
  auto paid = shop.event("order.paid"), delivered = shop.event("order.delivered"), shipped = shop.event("order.shipped");
  shop.office->answers = {{mail_outcome::sent, false, false, "", ""}, away};
  CHECK(shop.mails.deliver({paid, delivered, shipped}) == 1);
  CHECK_FALSE(shop.mails.parks_what_fails(shop.event("order.paid").shard));
  shop.time.time += 24h;
  shop.office->answers = {away};
  CHECK(shop.mails.deliver({delivered, shipped}) == 0); // however long it takes
  CHECK_FALSE(shop.mails.parks_what_fails(shop.event("order.paid").shard));
  CHECK(shop.mails.deliver({delivered, shipped}) == 2);
  CHECK(shop.mails.parks_what_fails(shop.event("order.paid").shard));
  CHECK(shop.office->sent.size() == 3);
}

TEST_CASE("one shard's wait is not another's", "[mail]") {
  a_shop shop;
  auto here = shop.event("order.paid"), elsewhere = shop.event("order.nothing");
  elsewhere.shard = static_cast<storage::shard_id>(here.shard + 1);
  shop.office->answers = {away};
  CHECK(shop.mails.deliver({here}) == 0);
  CHECK(shop.mails.deliver({elsewhere}) == 1);
  CHECK_FALSE(shop.mails.parks_what_fails(here.shard));
  CHECK(shop.mails.parks_what_fails(elsewhere.shard));
}

TEST_CASE("a database that is away is waited for", "[mail]") {
  a_shop shop;
  shop.world->away = true;
  CHECK(shop.hear("order.paid") == 0);
  CHECK_FALSE(shop.mails.parks_what_fails(shop.event("order.paid").shard));
  shop.world->away = false;
  CHECK(shop.hear("order.paid") == 1);
  CHECK(shop.office->sent.size() == 1);
}

TEST_CASE("a mailbox that is full is waited for, but not for ever", "[mail]") {
  a_shop shop;
  auto paid = shop.event("order.paid");
  shop.office->answers = {full, full, full};
  CHECK(shop.mails.deliver({paid}) == 0);
  CHECK_FALSE(shop.mails.parks_what_fails(shop.event("order.paid").shard));
  shop.time.time += 9min;
  CHECK(shop.mails.deliver({paid}) == 0);
  shop.time.time += 1min;
  CHECK(shop.mails.deliver({paid}) == 1);
  auto row = shop.world->mails.begin()->second;
  CHECK(row.state == mail_state::refused);
  CHECK(row.error == "smtp_452: full");
  CHECK(shop.world->suppressions.empty());
}

TEST_CASE("mails that a merchant switched off are not sent", "[mail]") {
  a_shop shop;
  shop.world->stores[shop.store].settings.mail.switched_off = {"order_delivered"};
  CHECK(shop.hear("order.delivered") == 1);
  CHECK(shop.office->sent.empty());
  CHECK(shop.world->mails.empty());
  CHECK(shop.hear("order.shipped") == 1);
  CHECK(shop.office->sent.size() == 1);
}

TEST_CASE("a merchant's own template wins, and ours stands in when it cannot be rendered", "[mail]") {
  a_shop shop;
  auto& own = shop.world->templates[{"order_confirmed", "en"}];
  own.subject = "Yay, {{order_number}}!";
  own.html = "<p>{{customer_name}}</p>";
  shop.hear("order.paid");
  auto mail = shop.take();
  CHECK(mail.subject == "Yay, 1001!");
  CHECK_THAT(mail.html, Contains("<p>Ada &lt;b&gt;</p>"));
  auto& broken = shop.world->templates[{"order_delivered", "en"}];
  broken.subject = "{{#lines}}";
  CHECK(shop.hear("order.delivered") == 1);
  CHECK(shop.take().subject == "Your order 1001 has arrived");
  // In a language that we have no words for.
  shop.the_order().order.language = "it";
  auto& italian = shop.world->templates[{"order_shipped", "it"}];
  italian.subject = "Il tuo ordine {{order_number}}";
  shop.hear("order.shipped");
  CHECK(shop.take().subject == "Il tuo ordine 1001");
}

TEST_CASE("what happened long ago makes no mail", "[mail]") {
  a_shop shop;
  auto paid = shop.event("order.paid");
  shop.time.time += 73h;
  CHECK(shop.mails.deliver({paid}) == 1);
  CHECK(shop.office->sent.empty());
}

TEST_CASE("a mail's id lies in its store's shard and follows from its event", "[mail]") {
  storage::timestamp at{std::chrono::milliseconds{1'720'000'000'123}};
  auto id = integrations::mail_id_of(id_of(1), "77-1-0", "order_shipped", at);
  CHECK(id.shard() == 77);
  CHECK(id.drawn_at() == at);
  CHECK(id == integrations::mail_id_of(id_of(1), "77-1-0", "order_shipped", at));
  CHECK(id != integrations::mail_id_of(id_of(1), "77-1-1", "order_shipped", at));
  CHECK(id != integrations::mail_id_of(id_of(1), "77-1-0", "order_delivered", at));
  CHECK(id != integrations::mail_id_of(id_of(5), "77-1-0", "order_shipped", at));
}
