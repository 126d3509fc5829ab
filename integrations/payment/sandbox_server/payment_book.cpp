#include "integrations/payment/sandbox_server/payment_book.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sodium.h>
#include <stdexcept>

namespace souk::sandbox {

namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 6> status_names{"succeeded",  "declined",  "requires_action",
                                                       "processing", "cancelled", "refunded"};

payment_status parse_status(std::string_view text) {
  auto found = std::find(status_names.begin(), status_names.end(), text);
  if (found == status_names.end())
    throw std::runtime_error("unknown status " + std::string{text});
  return static_cast<payment_status>(found - status_names.begin());
}

std::string random_id(std::string_view prefix) {
  constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  std::array<unsigned char, 20> random{};
  randombytes_buf(random.data(), random.size());
  std::string id{prefix};
  for (auto byte : random)
    id += alphabet[byte & 31U];
  return id;
}

std::string to_hex(const fingerprint& bytes) {
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

fingerprint from_hex(const std::string& text) {
  fingerprint bytes{};
  std::size_t length = 0;
  if (sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &length, nullptr) != 0
      || length != bytes.size())
    throw std::runtime_error("bad fingerprint");
  return bytes;
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

} // namespace

std::string_view to_string(payment_status status) {
  return status_names[static_cast<std::size_t>(status)];
}

payment_book::payment_book(const std::string& path)
  : file_{path, [this](std::string_view line, std::uint64_t) { replay(line); }} {
  // nop
}

// -- memory and file ------------------------------------------------------------

std::uint32_t payment_book::insert(payment fresh, key_record record) {
  auto index = static_cast<std::uint32_t>(payments_.size());
  record.payment = index;
  by_id_.emplace(fresh.id, index);
  by_key_.emplace(fresh.key, record);
  by_reference_.emplace(fresh.reference, index);
  if (fresh.status == payment_status::succeeded)
    ledger_.push_back({index, false, fresh.amount});
  payments_.push_back(std::move(fresh));
  return index;
}

void payment_book::write(std::string_view line) {
  last_line_ = file_.append(line);
}

void payment_book::write_created(const payment& fresh, const key_record& record) {
  json line{{"event", "created"},
            {"id", fresh.id},
            {"key", fresh.key},
            {"reference", fresh.reference},
            {"amount", fresh.amount},
            {"currency", fresh.currency},
            {"at", fresh.created_at},
            {"status", to_string(fresh.status)},
            {"request", to_hex(record.request)}};
  if (record.burnt)
    line["burnt"] = true;
  if (!fresh.decline_code.empty())
    line["decline_code"] = fresh.decline_code;
  if (!fresh.return_url.empty())
    line["return_url"] = fresh.return_url;
  write(line.dump());
}

void payment_book::move_to(payment& subject, payment_status status, json line) {
  line["event"] = "moved";
  line["id"] = subject.id;
  line["status"] = to_string(status);
  line["at"] = now_ms();
  subject.status = status;
  if (line.contains("refund_id"))
    ledger_.push_back({by_id_.at(subject.id), true, line.at("amount").get<std::int64_t>()});
  else if (status == payment_status::succeeded)
    ledger_.push_back({by_id_.at(subject.id), false, subject.amount});
  write(line.dump());
}

void payment_book::replay(std::string_view text) {
  auto line = json::parse(text);
  auto event = line.at("event").get<std::string>();
  if (event == "created") {
    payment fresh;
    fresh.id = line.at("id");
    fresh.key = line.at("key");
    fresh.reference = line.at("reference");
    fresh.amount = line.at("amount");
    fresh.currency = line.at("currency");
    fresh.created_at = line.at("at");
    fresh.status = fresh.first = parse_status(line.at("status").get<std::string>());
    fresh.decline_code = line.value("decline_code", "");
    fresh.return_url = line.value("return_url", "");
    insert(std::move(fresh), {0, from_hex(line.at("request")), line.value("burnt", false)});
  } else if (event == "moved") {
    auto* subject = at(line.at("id"));
    if (subject == nullptr)
      throw std::runtime_error("moves a payment that was never created");
    subject->status = parse_status(line.at("status").get<std::string>());
    subject->decline_code = line.value("decline_code", subject->decline_code);
    auto index = by_id_.at(subject->id);
    if (line.contains("refund_id")) {
      subject->refund_id = line.at("refund_id");
      const auto amount = line.value("amount", subject->amount); // an older ledger knew whole refunds only
      subject->refunded += amount;
      ledger_.push_back({index, true, amount});
      by_key_.emplace(line.at("key").get<std::string>(),
                      key_record{index, from_hex(line.at("request")), false});
    }
    else if (subject->status == payment_status::succeeded)
      ledger_.push_back({index, false, subject->amount});
  } else if (event == "failed") {
    failed_once_.insert(line.at("key").get<std::string>());
  } else {
    throw std::runtime_error("unknown event " + event);
  }
}

payment* payment_book::at(const std::string& id) {
  auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &payments_[found->second];
}

// -- commands -------------------------------------------------------------------

// Not only what a call wrote itself: what it *saw* must be on file too, or a crash could take back an answer.
template <class Call>
auto payment_book::on_file(Call call) {
  std::unique_lock lock{mutex_};
  auto result = call();
  auto position = last_line_;
  lock.unlock();
  file_.settle(position);
  return result;
}

outcome payment_book::create(const std::string& key, const fingerprint& request, const charge& wanted) {
  return on_file([&]() -> outcome {
    if (auto used = by_key_.find(key); used != by_key_.end()) {
      if (!used->second.burnt && used->second.request != request)
        return refused{refusal::key_reused};
      auto as_answered = payments_[used->second.payment];
      as_answered.status = as_answered.first;
      as_answered.refund_id.clear();
      if (as_answered.first != payment_status::declined)
        as_answered.decline_code.clear();
      return done{std::move(as_answered), true};
    }
    if (wanted.fail_first && failed_once_.insert(key).second) {
      write(json{{"event", "failed"}, {"key", key}}.dump());
      return refused{refusal::failed_once};
    }
    payment fresh;
    fresh.id = random_id("pay_");
    fresh.key = key;
    fresh.reference = wanted.reference;
    fresh.currency = wanted.currency;
    fresh.amount = wanted.amount;
    fresh.decline_code = wanted.decline_code;
    fresh.return_url = wanted.return_url;
    fresh.created_at = now_ms();
    fresh.first = fresh.status = wanted.result;
    key_record record{0, request, false};
    write_created(fresh, record);
    insert(fresh, record);
    return done{std::move(fresh), false};
  });
}

outcome payment_book::cancel_locked(payment& subject) {
  switch (subject.status) {
    case payment_status::requires_action:
    case payment_status::processing:
      move_to(subject, payment_status::cancelled, json::object());
      return done{subject, false};
    case payment_status::declined:
    case payment_status::cancelled:
      return done{subject, true};
    case payment_status::succeeded:
    case payment_status::refunded:
      break;
  }
  return refused{refusal::wrong_status, subject};
}

outcome payment_book::cancel(const std::string& id) {
  return on_file([&]() -> outcome {
    auto* subject = at(id);
    if (subject == nullptr)
      return refused{refusal::unknown_payment};
    return cancel_locked(*subject);
  });
}

outcome payment_book::cancel_key(const std::string& key, const std::string& reference) {
  return on_file([&]() -> outcome {
    if (auto used = by_key_.find(key); used != by_key_.end())
      return cancel_locked(payments_[used->second.payment]);
    payment never;
    never.id = random_id("pay_");
    never.key = key;
    never.reference = reference;
    never.created_at = now_ms();
    never.first = never.status = payment_status::cancelled;
    key_record record{0, {}, true};
    write_created(never, record);
    insert(never, record);
    return done{std::move(never), false};
  });
}

outcome payment_book::decide(const std::string& id, bool approve) {
  return on_file([&]() -> outcome {
    auto* subject = at(id);
    if (subject == nullptr)
      return refused{refusal::unknown_payment};
    auto decided = approve ? payment_status::succeeded : payment_status::declined;
    if (subject->status == decided)
      return done{*subject, true};
    if (subject->status != payment_status::requires_action && subject->status != payment_status::processing)
      return refused{refusal::wrong_status, *subject};
    if (!approve)
      subject->decline_code = "declined_by_customer";
    move_to(*subject, decided, approve ? json::object() : json{{"decline_code", subject->decline_code}});
    return done{*subject, false};
  });
}

outcome payment_book::refund(const std::string& id, const std::string& key, const fingerprint& request, std::int64_t amount) {
  return on_file([&]() -> outcome {
    if (auto used = by_key_.find(key); used != by_key_.end()) {
      const auto& subject = payments_[used->second.payment];
      // The hash covers the path and so the payment's id: the same hash means a replay of this very refund.
      if (used->second.burnt || used->second.request != request)
        return refused{refusal::key_reused};
      return done{subject, true};
    }
    auto* subject = at(id);
    if (subject == nullptr)
      return refused{refusal::unknown_payment};
    if (subject->status != payment_status::succeeded)
      return refused{refusal::wrong_status, *subject};
    const auto left = subject->amount - subject->refunded;
    const auto part = amount == 0 ? left : amount;
    if (part <= 0 || part > left)
      return refused{refusal::wrong_status, *subject};
    subject->refund_id = random_id("ref_");
    subject->refunded += part;
    by_key_.emplace(key, key_record{by_id_.at(id), request, false});
    move_to(*subject, subject->refunded == subject->amount ? payment_status::refunded : payment_status::succeeded,
            {{"refund_id", subject->refund_id}, {"amount", part}, {"key", key}, {"request", to_hex(request)}});
    return done{*subject, false};
  });
}

// -- questions ------------------------------------------------------------------

std::optional<payment> payment_book::find(const std::string& id) {
  return on_file([&]() -> std::optional<payment> {
    auto* found = at(id);
    return found == nullptr ? std::nullopt : std::optional{*found};
  });
}

std::optional<payment> payment_book::find_key(const std::string& key) {
  return on_file([&]() -> std::optional<payment> {
    auto found = by_key_.find(key);
    return found == by_key_.end() ? std::nullopt : std::optional{payments_[found->second.payment]};
  });
}

std::vector<payment> payment_book::find_reference(const std::string& reference) {
  return on_file([&] {
    std::vector<std::uint32_t> indices;
    auto [begin, end] = by_reference_.equal_range(reference);
    for (auto it = begin; it != end; ++it)
      indices.push_back(it->second);
    std::sort(indices.begin(), indices.end());
    std::vector<payment> found;
    for (auto index : indices)
      found.push_back(payments_[index]);
    return found;
  });
}

std::vector<ledger_entry> payment_book::ledger(std::uint64_t after, std::size_t limit) {
  return on_file([&] {
    std::vector<ledger_entry> entries;
    for (auto i = after; i < ledger_.size() && entries.size() < limit; ++i)
      entries.push_back({i + 1, ledger_[i].refund, ledger_[i].amount, payments_[ledger_[i].payment]});
    return entries;
  });
}

} // namespace souk::sandbox
