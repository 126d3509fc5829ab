#include "integrations/providers_sandbox/store.hpp"

#include <algorithm>
#include <chrono>
#include <sodium.h>
#include <stdexcept>

namespace souk::providers {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(table::count)> table_names{
  "account",          "ledger",         "stripe.payment_intent", "stripe.charge",  "stripe.refund",
  "stripe.session",   "stripe.session_plan",  "stripe.event",   "stripe.key",            "paypal.order",   "paypal.authorization",
  "paypal.capture",   "paypal.refund",  "paypal.event",          "paypal.request", "paypal.invoice",
  "paypal.token",     "ship.order",     "ship.shipment",         "ship.webhook",   "sendgrid.mail",
  "sendgrid.event",
};

constexpr std::string_view document_mark = ",\"doc\":";

table parse_table(std::string_view name) {
  auto found = std::find(table_names.begin(), table_names.end(), name);
  if (found == table_names.end())
    throw std::runtime_error("unknown table " + std::string{name});
  return static_cast<table>(found - table_names.begin());
}

std::string handle_of(std::string_view account) {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(account.data()),
                     account.size(), nullptr, 0);
  std::array<char, 17> text{};
  sodium_bin2hex(text.data(), text.size(), hash.data(), 8);
  return text.data();
}

} // namespace

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string random_id(std::string_view prefix, std::size_t length) {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  // libsodium asks the kernel each time, which a payment with its dozen ids would notice: a block lasts.
  thread_local std::array<unsigned char, 4096> block;
  thread_local std::size_t used = block.size();
  std::string id{prefix};
  for (auto left = length; left > 0;) {
    if (used == block.size()) {
      randombytes_buf(block.data(), block.size());
      used = 0;
    }
    auto byte = block[used++];
    if (byte >= 62 * 4) // keeps all characters equally likely
      continue;
    id += alphabet[byte % 62];
    --left;
  }
  return id;
}

void book(store::transaction& change, std::string_view provider, std::uint32_t account, std::string_view type,
          const std::string& id, const std::string& payment, const std::string& order_reference,
          std::int64_t amount, const std::string& currency) {
  change.put(table::ledger, account, id,
             {{"provider", provider},
              {"type", type},
              {"id", id},
              {"payment", payment},
              {"order_reference", order_reference},
              {"amount", amount},
              {"currency", currency}});
}

// -- the file -------------------------------------------------------------------

void store::open(const std::string& path) {
  file_ = std::make_unique<sandbox_common::ledger_file>(
    path, [this](std::string_view line, std::uint64_t offset) { replay(line, offset); });
}

// A line is a JSON array of {"table", "account", "id", "at", "bytes", "doc"}. The document comes last and its
// length before it, so that a replay reads the few words of the head and steps over the rest.
void store::replay(std::string_view line, std::uint64_t offset) {
  if (line.size() < 2 || line.front() != '[' || line.back() != ']')
    throw std::runtime_error("is not a list of rows");
  for (std::size_t begin = 1; begin < line.size();) {
    auto mark = line.find(document_mark, begin); // inside a string it would read ,\"doc\":
    if (mark == std::string_view::npos)
      throw std::runtime_error("a row without a document");
    auto head = json::parse(std::string{line.substr(begin, mark - begin)} + '}');
    auto which = parse_table(head.at("table").get<std::string>());
    auto length = head.at("bytes").get<std::uint32_t>();
    auto document = mark + document_mark.size();
    if (document + length + 2 > line.size() || line[document + length] != '}')
      throw std::runtime_error("a document of another length than its row says");
    auto number = index(which, intern(head.at("account").get<std::string>()), head.at("id").get<std::string>(),
                        head.at("at"), {offset + document, length});
    if (const auto& call = watchers_[static_cast<std::size_t>(which)])
      call(of(which).all[number], json::parse(line.substr(document, length)));
    begin = document + length + 2; // past the } and what follows it, a comma or the end
  }
}

std::uint32_t store::index(table which, std::uint32_t account, std::string_view id, std::int64_t at,
                           place where) {
  auto& known_rows = of(which);
  if (auto known = known_rows.by_id.find(key{account, id}); known != known_rows.by_id.end()) {
    auto& subject = known_rows.all[known->second];
    subject.at = where;
    subject.updated = at;
    return known->second;
  }
  auto number = static_cast<std::uint32_t>(known_rows.all.size());
  known_rows.all.push_back({std::string{id}, account, at, at, where, number});
  known_rows.by_id.emplace(key{account, known_rows.all.back().id}, number);
  known_rows.by_account[account].push_back(number);
  return number;
}

std::uint32_t store::intern(std::string_view account) {
  std::lock_guard lock{accounts_mutex_};
  if (auto known = account_numbers_.find(account); known != account_numbers_.end())
    return known->second;
  auto number = static_cast<std::uint32_t>(accounts_.size());
  accounts_.emplace_back(account);
  account_numbers_.emplace(accounts_.back(), number);
  account_handles_.emplace(handle_of(account), number);
  return number;
}

std::string store::account_handle(std::uint32_t account) {
  return handle_of(account_name(account));
}

std::optional<std::uint32_t> store::account_behind(std::string_view handle) {
  std::lock_guard lock{accounts_mutex_};
  auto known = account_handles_.find(std::string{handle});
  return known == account_handles_.end() ? std::nullopt : std::optional{known->second};
}

std::string store::account_name(std::uint32_t account) {
  std::lock_guard lock{accounts_mutex_};
  return accounts_[account];
}

// -- transactions ---------------------------------------------------------------

store::transaction::transaction(store& owner) : owner_{owner}, lock_{owner.mutex_} {
  // nop
}

store::transaction::~transaction() {
  if (lock_.owns_lock() && !line_.empty()) { // an exception on its way: what is in the index must be on file
    line_ += ']';
    owner_.file_->append(line_);
  }
}

void store::transaction::finish() {
  if (!line_.empty()) {
    line_ += ']';
    owner_.file_->append(line_);
    line_.clear();
  }
  auto position = owner_.file_->length();
  lock_.unlock();
  owner_.file_->settle(position);
}

const row* store::transaction::find(table which, std::uint32_t account, std::string_view id) const {
  auto& rows = owner_.of(which);
  auto found = rows.by_id.find(key{account, id});
  return found == rows.by_id.end() ? nullptr : &rows.all[found->second];
}

const std::vector<std::uint32_t>& store::transaction::list(table which, std::uint32_t account) const {
  static const std::vector<std::uint32_t> none;
  auto& rows = owner_.of(which);
  auto found = rows.by_account.find(account);
  return found == rows.by_account.end() ? none : found->second;
}

std::string store::transaction::text(place where) {
  if (!line_.empty() && where.offset >= begin_)
    return line_.substr(where.offset - begin_, where.length);
  return owner_.text(where);
}

place store::transaction::put(table which, std::uint32_t account, std::string_view id, const json& document) {
  if (line_.empty())
    begin_ = owner_.file_->length();
  auto at = now_ms();
  auto text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  line_ += line_.empty() ? '[' : ',';
  line_ += "{\"table\":\"";
  line_ += table_names[static_cast<std::size_t>(which)];
  line_ += "\",\"account\":";
  line_ += json(owner_.account_name(account)).dump(-1, ' ', false, json::error_handler_t::replace);
  line_ += ",\"id\":";
  line_ += json(id).dump(-1, ' ', false, json::error_handler_t::replace);
  line_ += ",\"at\":" + std::to_string(at) + ",\"bytes\":" + std::to_string(text.size());
  line_ += document_mark;
  place where{begin_ + line_.size(), static_cast<std::uint32_t>(text.size())};
  line_ += text;
  line_ += '}';
  auto number = owner_.index(which, account, id, at, where);
  if (const auto& call = owner_.watchers_[static_cast<std::size_t>(which)])
    call(owner_.of(which).all[number], document);
  return where;
}

} // namespace souk::providers
