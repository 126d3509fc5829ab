#pragma once

#include "actors/outcome.hpp"
#include "storage/entity_reader.hpp"

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace souk::actors {

/// Trimmed and in lower case (ASCII), as e-mail addresses are kept and compared.
std::string normal_email(std::string_view text);
/// Whether it looks like an address that mail can be sent to: what RFC 5321 allows without quotes, at most
/// 254 characters. It is a check against typing errors; only a mail that arrives proves more.
bool is_email(std::string_view text) noexcept;
/// 1 to 200 characters without control characters.
std::optional<rejection> check_person_name(std::string_view text);

/// One user's profile, sessions and index of carts. The rules, pure.
class account {
public:
  static constexpr std::size_t sessions_max = 100; ///< log-ins; a new one ends the oldest
  static constexpr std::size_t api_tokens_max =
    100; ///< never ended by others: a merchant's shop depends on them

  account() = default;
  explicit account(storage::user_snapshot rows);

  /// A registered user needs e-mail, name and password hash; a guest has neither e-mail nor password.
  static std::optional<rejection> check_new(const storage::user_row& user);
  /// Whether the session may be opened by this user now.
  std::optional<rejection> check_session(const storage::session_row& s, storage::timestamp now) const;

  const storage::user_row& user() const noexcept { return user_; }
  bool has_room_for_api_token(storage::timestamp now) const;

  /// The session, unless it is unknown or has expired.
  const storage::session_row* session(const storage::token_hash& hash, storage::timestamp now) const noexcept;
  /// The sessions that end when another of this kind opens: expired ones, and the oldest log-in when there
  /// are too many.
  std::vector<storage::token_hash> sessions_to_end(storage::session_kind opening,
                                                   storage::timestamp now) const;
  /// The log-ins that have not expired.
  std::vector<storage::session_row> log_ins(storage::timestamp now) const;
  /// @pre the new row is committed
  void change(const storage::user_row& next) { user_ = next; }
  void open(const storage::session_row& s) { sessions_.insert_or_assign(s.hash, s); }
  void close(const storage::token_hash& hash) { sessions_.erase(hash); }
  /// The API tokens of one store that have not expired, oldest first.
  std::vector<storage::session_row> api_tokens(const storage::ulid& store, storage::timestamp now) const;

  /// Last touched first.
  const std::vector<storage::user_cart_row>& carts() const noexcept { return carts_; }
  bool is_last_touched(const storage::ulid& store, const storage::ulid& cart) const noexcept;
  bool has_cart_in(const storage::ulid& store) const noexcept;
  /// The index row that makes this cart the last one touched, whatever the clock says.
  storage::user_cart_row touched(const storage::ulid& store, const storage::ulid& cart,
                                 storage::timestamp now) const;
  void put(const storage::user_cart_row& cart);
  void forget_cart(const storage::ulid& store);

private:
  struct hash_of {
    std::size_t operator()(const storage::token_hash& h) const noexcept {
      std::size_t out = 0; // a SHA-256: any part of it is as good as the whole
      std::memcpy(&out, h.data(), sizeof out);
      return out;
    }
  };

  storage::user_row user_;
  std::unordered_map<storage::token_hash, storage::session_row, hash_of> sessions_;
  std::vector<storage::user_cart_row> carts_;
};

} // namespace souk::actors
