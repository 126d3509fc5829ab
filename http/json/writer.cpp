#include "http/json/writer.hpp"

#include <array>
#include <charconv>
#include <chrono>

namespace souk::http::json {

namespace {

constexpr std::string_view hex = "0123456789abcdef";

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  std::size_t kept = 0; // everything before it is written
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // "<" too: a text stays harmless when a page embeds the answer in a script element.
    if (c >= 0x20 && c != '"' && c != '\\' && c != '<')
      continue;
    out.append(text, kept, i - kept);
    kept = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += hex[c >> 4];
        out += hex[c & 15];
    }
  }
  out.append(text, kept);
  out += '"';
}

void append_two(std::string& out, unsigned number) {
  out += static_cast<char>('0' + number / 10 % 10);
  out += static_cast<char>('0' + number % 10);
}

} // namespace

std::string iso_time(storage::timestamp at) {
  using namespace std::chrono;
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{floor<milliseconds>(at - day)};
  std::string out;
  out.reserve(24);
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  append_two(out, year / 100);
  append_two(out, year % 100);
  out += '-';
  append_two(out, static_cast<unsigned>(date.month()));
  out += '-';
  append_two(out, static_cast<unsigned>(date.day()));
  out += 'T';
  append_two(out, static_cast<unsigned>(time.hours().count()));
  out += ':';
  append_two(out, static_cast<unsigned>(time.minutes().count()));
  out += ':';
  append_two(out, static_cast<unsigned>(time.seconds().count()));
  out += '.';
  const auto ms = static_cast<unsigned>(time.subseconds().count());
  out += static_cast<char>('0' + ms / 100);
  append_two(out, ms % 100);
  out += 'Z';
  return out;
}

void writer::separate() {
  if (needs_comma_)
    text_ += ',';
  needs_comma_ = true;
}

writer& writer::open(char bracket) {
  separate();
  text_ += bracket;
  needs_comma_ = false;
  return *this;
}

writer& writer::close(char bracket) {
  text_ += bracket;
  needs_comma_ = true;
  return *this;
}

writer& writer::key(std::string_view name) {
  separate();
  append_quoted(text_, name);
  text_ += ':';
  needs_comma_ = false;
  return *this;
}

writer& writer::value(std::string_view text) {
  separate();
  append_quoted(text_, text);
  return *this;
}

writer& writer::value(std::int64_t number) {
  separate();
  std::array<char, 24> digits; // NOLINT: to_chars writes it
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  text_.append(digits.data(), end);
  return *this;
}

writer& writer::value(bool yes) {
  separate();
  text_ += yes ? "true" : "false";
  return *this;
}

writer& writer::value(const storage::ulid& id) {
  separate();
  text_ += '"';
  text_ += id.str();
  text_ += '"';
  return *this;
}

writer& writer::value(storage::timestamp at) {
  separate();
  text_ += '"';
  text_ += iso_time(at);
  text_ += '"';
  return *this;
}

writer& writer::null() {
  separate();
  text_ += "null";
  return *this;
}

writer& writer::raw(std::string_view json) {
  separate();
  text_ += json;
  return *this;
}

writer& writer::field_or_null(std::string_view name, std::string_view text) {
  key(name);
  return text.empty() ? null() : value(text);
}

} // namespace souk::http::json
