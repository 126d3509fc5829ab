#pragma once

#include "integrations/sandbox_common/ledger_file.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace souk::providers {

using nlohmann::json;

/// What the providers remember. The names on file are in store.cpp.
enum class table : std::uint8_t {
  account, ///< what an admin call set for an account of a provider; id is the provider's name
  ledger,  ///< money that moved, for all providers; the row's number is the entry's seq
  stripe_intent,
  stripe_charge,
  stripe_refund,
  stripe_session,
  stripe_session_plan, ///< what a session will make of the payment, and its line items
  stripe_event,
  stripe_key,
  paypal_order,
  paypal_authorization,
  paypal_capture,
  paypal_refund,
  paypal_event,
  paypal_request,
  paypal_invoice,
  paypal_token,
  ship_order,
  shipment,
  ship_webhook,
  mail,
  mail_event,
  count
};

/// Where a document lies in the file.
struct place {
  std::uint64_t offset = 0; ///< bytes
  std::uint32_t length = 0; ///< bytes
};

struct row {
  std::string id;
  std::uint32_t account = 0;
  std::int64_t created = 0; ///< milliseconds since 1970, of the first version
  std::int64_t updated = 0; ///< milliseconds since 1970, of this version
  place at;                 ///< this version's document
  std::uint32_t number = 0; ///< in its table, oldest first
};

/// Every provider's state: tables of JSON documents, of which only the latest version counts. The file is the
/// memory (docs/providers-sandbox.md shows a line); what is kept in RAM is an index of some hundred bytes per
/// document, so a load test of millions of payments does not fill it.
///
/// A row's id is unique within its table and account.
class store {
public:
  class transaction;

  /// Called for every version of a row, when it is written and when the file is replayed. Called with the
  /// store locked.
  using watcher = std::function<void(const row& subject, const json& document)>;

  /// At most one per table, set before `open`.
  void watch(table which, watcher call) { watchers_[static_cast<std::size_t>(which)] = std::move(call); }

  /// Replays the file, which is created when missing.
  /// @throws std::runtime_error naming the file when it cannot be used.
  void open(const std::string& path);

  /// @returns a document's text as it was written at that place; needs no lock.
  std::string text(place at) { return file_->read(at.offset, at.length); }

  /// @returns the number of an account, which is made when it is new. Needs no lock.
  std::uint32_t intern(std::string_view account);

  /// @returns an account's name ("sk_test_1"). Needs no lock.
  std::string account_name(std::uint32_t account);

  /// @returns what stands for an account in the address of a page, where its key must not: 16 hex digits.
  std::string account_handle(std::uint32_t account);

  /// @returns the account behind a handle. Needs no lock.
  std::optional<std::uint32_t> account_behind(std::string_view handle);

private:
  struct key {
    std::uint32_t account;
    std::string_view id; ///< of the row's own string, which a deque never moves
    bool operator==(const key&) const = default;
  };
  struct key_hash {
    std::size_t operator()(const key& it) const {
      return std::hash<std::string_view>{}(it.id) ^ (it.account * 0x9e3779b97f4a7c15ULL);
    }
  };
  struct rows {
    std::deque<row> all; ///< oldest first
    std::unordered_map<key, std::uint32_t, key_hash> by_id;
    std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> by_account;
  };

  void replay(std::string_view line, std::uint64_t offset);
  std::uint32_t index(table which, std::uint32_t account, std::string_view id, std::int64_t at, place where);
  rows& of(table which) { return tables_[static_cast<std::size_t>(which)]; }

  std::mutex mutex_; ///< over everything but the file
  std::array<rows, static_cast<std::size_t>(table::count)> tables_;
  std::array<watcher, static_cast<std::size_t>(table::count)> watchers_;
  std::mutex accounts_mutex_; ///< taken after mutex_
  std::deque<std::string> accounts_;
  std::unordered_map<std::string_view, std::uint32_t> account_numbers_;
  std::unordered_map<std::string, std::uint32_t> account_handles_;
  std::unique_ptr<sandbox_common::ledger_file> file_;
};

/// One look at the store, or one change of it: what is put reaches the file as one line, all or nothing. It
/// holds the store's lock, so it must be short: nothing may wait inside.
class store::transaction {
public:
  explicit transaction(store& owner);
  ~transaction();
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  /// Ends the transaction and returns once all it wrote *and saw* is on file: only then may an answer go out.
  void finish();

  bool open() const { return lock_.owns_lock(); }

  std::uint32_t account(std::string_view name) { return owner_.intern(name); }

  /// @returns nullptr when there is no such row. Valid until the next `put` of the same row.
  const row* find(table which, std::uint32_t account, std::string_view id) const;

  /// @returns all of an account's rows, oldest first, as numbers for `at`.
  const std::vector<std::uint32_t>& list(table which, std::uint32_t account) const;

  const row& at(table which, std::uint32_t number) const { return owner_.of(which).all[number]; }
  std::size_t size(table which) const { return owner_.of(which).all.size(); }

  std::string text(place where);
  json read(const row& subject) { return json::parse(text(subject.at)); }

  /// Writes a new row, or a new version of one. @returns where its document is.
  place put(table which, std::uint32_t account, std::string_view id, const json& document);

private:
  store& owner_;
  std::unique_lock<std::mutex> lock_;
  std::string line_;
  std::uint64_t begin_ = 0; ///< where line_ will be in the file, once something was put
};

/// Milliseconds since 1970, UTC.
std::int64_t now_ms();

/// @returns `prefix` and `length` random letters and digits.
std::string random_id(std::string_view prefix, std::size_t length);

/// Writes what moved money: the row's number plus one is the entry's seq.
/// @param type "captured" or "refunded".
/// @param amount minor units.
void book(store::transaction& change, std::string_view provider, std::uint32_t account, std::string_view type,
          const std::string& id, const std::string& payment, const std::string& order_reference,
          std::int64_t amount, const std::string& currency);

} // namespace souk::providers
