// Sends mails given as JSON, one per line, and prints what became of each: what tests/integration/test_mail.py drives.
//
//   mail-probe smtp URL [plain] [authority=FILE] [limit_ms=N]
//   mail-probe sendgrid URL KEY [limit_ms=N]
//   mail-probe sendgrid-events PUBLIC_KEY          lines: {"signature", "timestamp", "body"}
//
// A line with "copies" sends so many mails at once, each from a thread of its own. A line with "template" and "language" sends that mail of ours, filled with sample data.

#include "integrations/mail/mail_composer.hpp"
#include "integrations/mail/sendgrid_events.hpp"
#include "integrations/mail/sendgrid_mailer.hpp"
#include "integrations/mail/smtp_mailer.hpp"

#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sodium.h>
#include <thread>

namespace {

using nlohmann::json;
using namespace souk;

std::string text(const json& object, const char* name) {
  return object.value(name, std::string{});
}

actors::mail mail_of(const json& line) {
  actors::mail m;
  m.id = text(line, "id");
  m.from_name = text(line, "from_name");
  m.from = text(line, "from");
  m.reply_to = text(line, "reply_to");
  m.to = text(line, "to");
  m.subject = text(line, "subject");
  m.text = text(line, "text");
  m.html = text(line, "html");
  m.unsubscribe_url = text(line, "unsubscribe_url");
  if (auto tags = line.find("tags"); tags != line.end())
    for (const auto& [name, value] : tags->items())
      m.tags.emplace_back(name, value.get<std::string>());
  return m;
}

void fill(actors::mail& m, const std::string& name, const std::string& language) {
  static const integrations::mail_composer composer;
  storage::store_row store;
  store.name = m.from_name;
  store.currency = "EUR";
  store.logo_url = "https://cdn.example/logo.png?a=1&b=2";
  auto made = composer.preview(store, name, language, {}).mail;
  m.subject = made.subject;
  m.text = made.text;
  m.html = made.html;
}

json shown(const actors::mail_answer& a) {
  static constexpr const char* words[] = {"", "sent", "refused", "not_now"};
  return {{"outcome", words[static_cast<int>(a.outcome)]},
          {"bad_address", a.bad_address},
          {"only_this", a.only_this},
          {"reference", a.reference},
          {"error", a.error}};
}

/// How many of the copies were sent.
json at_once(actors::mailer& mailer, const actors::mail& m, int copies) {
  std::atomic<int> sent{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < copies; ++i)
    threads.emplace_back([&, i] {
      auto mine = m;
      mine.id += "-" + std::to_string(i);
      if (mailer.send(mine).outcome == actors::mail_outcome::sent)
        ++sent;
    });
  for (auto& t : threads)
    t.join();
  return {{"sent", sent.load()}};
}

json shown(const std::optional<std::vector<integrations::mail_event>>& events) {
  if (!events)
    return nullptr;
  auto list = json::array();
  for (const auto& e : *events)
    list.push_back({{"kind", static_cast<int>(e.what)},
                    {"store", e.store.str()},
                    {"mail", e.mail.str()},
                    {"email", e.email},
                    {"reason", e.reason},
                    {"id", e.id}});
  return list;
}

std::unique_ptr<actors::mailer> mailer_of(const std::vector<std::string>& words, const runtime::clock& time) {
  std::chrono::milliseconds limit{5000};
  integrations::smtp_options smtp;
  for (const auto& word : words) {
    if (word.starts_with("limit_ms="))
      limit = std::chrono::milliseconds{std::stoi(word.substr(9))};
    if (word.starts_with("authority="))
      smtp.authority = word.substr(10);
    if (word == "plain")
      smtp.require_tls = false;
  }
  smtp.url = words.at(1);
  smtp.time_limit = limit;
  if (words.at(0) == "smtp")
    return std::make_unique<integrations::smtp_mailer>(smtp, time);
  return std::make_unique<integrations::sendgrid_mailer>(words.at(1), words.at(2), limit);
}

} // namespace

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.size() < 2 || sodium_init() < 0)
    return 2;
  auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  runtime::database_clock time{now};
  std::unique_ptr<actors::mailer> mailer;
  if (words[0] != "sendgrid-events")
    mailer = mailer_of(words, time);
  for (std::string line; std::getline(std::cin, line);) {
    auto asked = json::parse(line);
    if (!mailer) {
      auto events = integrations::read_sendgrid_events(words[1], text(asked, "signature"), text(asked, "timestamp"),
                                                       text(asked, "body"), time.now());
      std::cout << shown(events).dump() << std::endl;
      continue;
    }
    if (asked.contains("copies")) {
      std::cout << at_once(*mailer, mail_of(asked), asked["copies"].get<int>()).dump() << std::endl;
      continue;
    }
    auto began = std::chrono::steady_clock::now();
    auto mail = mail_of(asked);
    if (asked.contains("template"))
      fill(mail, text(asked, "template"), text(asked, "language"));
    auto answer = shown(mailer->send(mail));
    answer["took_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
    std::cout << answer.dump() << std::endl;
  }
}
