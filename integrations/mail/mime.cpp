#include "integrations/mail/mime.hpp"

#include "actors/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sodium.h>

namespace souk::integrations {

namespace {

constexpr std::size_t header_text_max = 1000; ///< bytes of a subject or a name
constexpr std::size_t body_max = std::size_t{2} << 20;
constexpr std::size_t url_max = 900; ///< a line of a mail has at most 998 characters
constexpr std::size_t encoded_word_bytes = 39; ///< in base64, its frame and behind "Subject: " at most 78 characters
constexpr std::size_t plain_max = 60;

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_control(char c) noexcept {
  auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

bool is_plain(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool fits_a_header(std::string_view text) noexcept {
  return text.size() <= header_text_max && actors::characters(text) && std::none_of(text.begin(), text.end(), is_control);
}

bool fits_a_body(std::string_view text) noexcept {
  return text.size() <= body_max && actors::characters(text) && text.find('\0') == std::string_view::npos;
}

bool is_link(std::string_view url) noexcept {
  return url.size() <= url_max && (url.starts_with("https://") || url.starts_with("http://"))
         && std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '<' && c != '>'; });
}

bool is_mail_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 128 && id.front() != '.' && id.back() != '.' && id.find("..") == std::string_view::npos
         && std::all_of(id.begin(), id.end(), [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

std::string base64(std::string_view raw) {
  std::string out(sodium_base64_encoded_len(raw.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(raw.data()), raw.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  out.resize(out.size() - 1); // its terminating zero
  return out;
}

/// Bytes of the first characters of `text`, at most `most`.
std::size_t whole_characters(std::string_view text, std::size_t most) {
  if (text.size() <= most)
    return text.size();
  auto end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return end;
}

std::string part(std::string_view type, std::string_view body) {
  return fmt::format("Content-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n", type,
                     quoted_printable(body));
}

} // namespace

bool is_mailbox(std::string_view text) noexcept {
  auto at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.size() > 254)
    return false;
  auto local = text.substr(0, at), domain = text.substr(at + 1);
  constexpr std::string_view marks = "!#$%&'*+-/=?^_`{|}~.";
  if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos
      || !std::all_of(local.begin(), local.end(),
                      [&](char c) { return is_letter_or_digit(c) || marks.find(c) != std::string_view::npos; }))
    return false;
  return !domain.empty() && is_letter_or_digit(domain.front()) && is_letter_or_digit(domain.back())
         && domain.find("..") == std::string_view::npos
         && std::all_of(domain.begin(), domain.end(), [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; });
}

std::string fault_of(const actors::mail& m) {
  if (!is_mail_id(m.id))
    return "bad_id";
  if (!is_mailbox(m.from) || !fits_a_header(m.from_name))
    return "bad_sender";
  if (!is_mailbox(m.to))
    return "bad_recipient";
  if (!m.reply_to.empty() && !is_mailbox(m.reply_to))
    return "bad_reply_to";
  if (m.subject.empty() || !fits_a_header(m.subject))
    return "bad_subject";
  if (!m.unsubscribe_url.empty() && !is_link(m.unsubscribe_url))
    return "bad_unsubscribe_url";
  if ((m.text.empty() && m.html.empty()) || !fits_a_body(m.text) || !fits_a_body(m.html))
    return "bad_body";
  for (const auto& [name, value] : m.tags)
    if (!is_mail_id(name) || !fits_a_header(value))
      return "bad_tag";
  return {};
}

std::string encoded_text(std::string_view text) {
  // Something that looks like an encoded word would be read as one.
  if (text.size() <= plain_max && is_plain(text) && text.find("=?") == std::string_view::npos)
    return std::string{text};
  std::string out;
  while (!text.empty()) {
    auto bytes = whole_characters(text, encoded_word_bytes);
    if (!out.empty())
      out += "\r\n ";
    out += "=?UTF-8?B?" + base64(text.substr(0, bytes)) + "?=";
    text.remove_prefix(bytes);
  }
  return out;
}

std::string named_address(std::string_view name, std::string_view address) {
  if (name.empty())
    return std::string{address};
  std::string shown;
  if (name.size() <= plain_max && is_plain(name) && name.find("=?") == std::string_view::npos) {
    shown = '"';
    for (char c : name) {
      if (c == '"' || c == '\\')
        shown += '\\';
      shown += c;
    }
    shown += '"';
  } else {
    shown = encoded_text(name);
  }
  return shown + (shown.size() + address.size() > 60 ? "\r\n <" : " <") + std::string{address} + ">";
}

std::string quoted_printable(std::string_view text) {
  constexpr std::size_t line_max = 75; // and a "=" where a line goes on
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::size_t column = 0;
  auto put = [&](std::string_view piece) {
    if (column + piece.size() > line_max) {
      out += "=\r\n";
      column = 0;
    }
    out += piece;
    column += piece.size();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\n' || c == '\r') {
      if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n')
        ++i;
      out += "\r\n";
      column = 0;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    bool ends_line = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
    bool blank = c == ' ' || c == '\t';
    if ((c >= 0x20 && c < 0x7f && c != '=' && !(blank && ends_line)) || (c == '\t' && !ends_line)) {
      put({&c, 1});
    } else {
      char code[3] = {'=', digits[byte >> 4], digits[byte & 15U]};
      put({code, 3});
    }
  }
  return out;
}

std::string mail_date(storage::timestamp at) {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto day = std::chrono::floor<std::chrono::days>(at);
  std::chrono::year_month_day date{day};
  std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(at - day)};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000", days[std::chrono::weekday{day}.c_encoding()],
                     static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string mime_message(const actors::mail& m, storage::timestamp now) {
  std::string out = fmt::format("Date: {}\r\nMessage-ID: <{}@{}>\r\nFrom: {}\r\nTo: {}\r\n", mail_date(now), m.id,
                                m.from.substr(m.from.rfind('@') + 1), named_address(m.from_name, m.from), m.to);
  if (!m.reply_to.empty())
    out += "Reply-To: " + m.reply_to + "\r\n";
  out += "Subject: " + encoded_text(m.subject) + "\r\n";
  if (!m.unsubscribe_url.empty())
    out += "List-Unsubscribe:\r\n <" + m.unsubscribe_url + ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
  out += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"; // nobody's holiday answer comes back
  if (m.html.empty())
    return out + part("text/plain", m.text);
  if (m.text.empty())
    return out + part("text/html", m.html);
  // "=_" cannot stand in quoted-printable text, so no body ends the part it is in.
  const auto boundary = "=_" + m.id.substr(0, 60);
  return out + "Content-Type: multipart/alternative;\r\n boundary=\"" + boundary + "\"\r\n\r\n--" + boundary + "\r\n"
         + part("text/plain", m.text) + "--" + boundary + "\r\n" + part("text/html", m.html) + "--" + boundary + "--\r\n";
}

} // namespace souk::integrations
