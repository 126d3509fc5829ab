#include "actors/user/account.hpp"

#include "actors/text.hpp"

#include <algorithm>
#include <tuple>

namespace souk::actors {

namespace {

bool is_control(unsigned char c) noexcept {
  return c < 0x20 || c == 0x7F;
}

bool is_alnum(unsigned char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_local_part(std::string_view text) noexcept {
  if (text.empty() || text.size() > 64 || text.front() == '.' || text.back() == '.')
    return false;
  if (text.find("..") != std::string_view::npos)
    return false;
  return std::none_of(text.begin(), text.end(), [](char c) {
    auto u = static_cast<unsigned char>(c);
    return is_control(u) || u == ' ' || std::string_view{"\"(),:;<>@[\\]"}.find(c) != std::string_view::npos;
  });
}

bool is_domain_label(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-'
      && std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '-' || is_alnum(static_cast<unsigned char>(c)); });
}

bool is_domain(std::string_view text) noexcept {
  int labels = 0;
  while (true) {
    auto dot = text.find('.');
    if (!is_domain_label(text.substr(0, dot)))
      return false;
    ++labels;
    if (dot == std::string_view::npos)
      return labels >= 2;
    text.remove_prefix(dot + 1);
  }
}

} // namespace

std::string normal_email(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_email(std::string_view text) noexcept {
  auto at = text.rfind('@');
  return at != std::string_view::npos && text.size() <= 254 && characters(text)
      && is_local_part(text.substr(0, at)) && is_domain(text.substr(at + 1));
}

std::optional<rejection> check_person_name(std::string_view text) {
  return check_text(text, "name", {1, 200, lines::one});
}

account::account(storage::user_snapshot rows) : user_(std::move(rows.user)), carts_(std::move(rows.carts)) {
  for (auto& s : rows.sessions)
    sessions_.emplace(s.hash, std::move(s));
  std::stable_sort(carts_.begin(), carts_.end(),
                   [](const auto& a, const auto& b) { return a.touched_at > b.touched_at; });
}

std::optional<rejection> account::check_new(const storage::user_row& user) {
  if (user.kind == storage::user_kind::guest) {
    if (!user.email.empty() || !user.password_hash.empty())
      return invalid("email", "a guest has neither e-mail nor password");
    return std::nullopt;
  }
  if (!is_email(user.email) || user.email != normal_email(user.email))
    return invalid("email", "this is not an e-mail address");
  if (auto no = check_person_name(user.name))
    return no;
  if (user.password_hash.empty())
    return invalid("password", "a password is needed");
  return std::nullopt;
}

std::optional<rejection> account::check_session(const storage::session_row& s, storage::timestamp now) const {
  using storage::session_kind;
  if (s.expires_at <= now)
    return invalid("expires_at", "the session would have expired already");
  if ((s.kind == session_kind::guest) != (user_.kind == storage::user_kind::guest))
    return invalid("kind", "guests have guests' sessions, and nobody else has");
  if ((s.kind == session_kind::api) != !s.store_id.is_nil())
    return invalid("store_id", "an API token reaches one store, and only an API token does");
  return check_text(s.label, "label", {s.kind == session_kind::api ? 1U : 0U, 100, lines::one});
}

bool account::has_room_for_api_token(storage::timestamp now) const {
  auto there = std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& s) {
    return s.second.kind == storage::session_kind::api && s.second.expires_at > now;
  });
  return static_cast<std::size_t>(there) < api_tokens_max;
}

const storage::session_row* account::session(const storage::token_hash& hash,
                                             storage::timestamp now) const noexcept {
  auto at = sessions_.find(hash);
  return at == sessions_.end() || at->second.expires_at <= now ? nullptr : &at->second;
}

std::vector<storage::token_hash> account::sessions_to_end(storage::session_kind opening,
                                                          storage::timestamp now) const {
  std::vector<storage::token_hash> out;
  std::vector<const storage::session_row*> open;
  for (const auto& [hash, s] : sessions_) {
    if (s.expires_at <= now)
      out.push_back(hash);
    else if (s.kind != storage::session_kind::api)
      open.push_back(&s);
  }
  if (opening == storage::session_kind::api || open.size() < sessions_max)
    return out;
  auto older = [](const auto* a, const auto* b) {
    return std::tie(a->created_at, a->hash) < std::tie(b->created_at, b->hash);
  };
  std::sort(open.begin(), open.end(), older);
  for (std::size_t i = 0; i + sessions_max <= open.size(); ++i)
    out.push_back(open[i]->hash);
  return out;
}

std::vector<storage::session_row> account::api_tokens(const storage::ulid& store,
                                                      storage::timestamp now) const {
  std::vector<storage::session_row> out;
  for (const auto& [hash, s] : sessions_)
    if (s.kind == storage::session_kind::api && s.store_id == store && s.expires_at > now)
      out.push_back(s);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::tie(a.created_at, a.hash) < std::tie(b.created_at, b.hash);
  });
  return out;
}

std::vector<storage::session_row> account::log_ins(storage::timestamp now) const {
  std::vector<storage::session_row> out;
  for (const auto& [hash, s] : sessions_)
    if (s.kind == storage::session_kind::login && s.expires_at > now)
      out.push_back(s);
  return out;
}

bool account::is_last_touched(const storage::ulid& store, const storage::ulid& cart) const noexcept {
  return !carts_.empty() && carts_.front().store_id == store && carts_.front().cart_id == cart;
}

bool account::has_cart_in(const storage::ulid& store) const noexcept {
  return std::any_of(carts_.begin(), carts_.end(), [&](const auto& c) { return c.store_id == store; });
}

storage::user_cart_row account::touched(const storage::ulid& store, const storage::ulid& cart,
                                        storage::timestamp now) const {
  if (!carts_.empty())
    now = std::max(now, carts_.front().touched_at + std::chrono::microseconds{1});
  return {user_.id, store, cart, now};
}

void account::put(const storage::user_cart_row& cart) {
  forget_cart(cart.store_id);
  auto at = std::find_if(carts_.begin(), carts_.end(),
                         [&](const auto& c) { return c.touched_at <= cart.touched_at; });
  carts_.insert(at, cart);
}

void account::forget_cart(const storage::ulid& store) {
  std::erase_if(carts_, [&](const auto& c) { return c.store_id == store; });
}

} // namespace souk::actors
