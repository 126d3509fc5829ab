#include "integrations/mail/mustache_text.hpp"

#include "actors/text.hpp"

#include <algorithm>
#include <kainjow/mustache.hpp>
#include <stdexcept>

namespace souk::integrations {

namespace mustache = kainjow::mustache;

namespace {

constexpr std::size_t result_max = std::size_t{1} << 20;
constexpr std::size_t depth_max = 8;
constexpr std::size_t tags_max = 1000;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 64
         && std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool is_list(std::string_view name) {
  return name == "lines" || name == "address";
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  auto from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos)
    return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

std::string quoted(std::string_view name) {
  return "\"" + std::string{name.substr(0, 64)} + "\"";
}

/// The library's own writes "&apos;", which HTML 4 has not, and with it some mail programs.
std::string html_escaped(const std::string& text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

mustache::data filled(const template_data& data) {
  mustache::data out{mustache::data::type::object};
  for (const auto& [name, text] : data.texts)
    out.set(name, text);
  for (const auto& name : data.flags)
    out.set(name, mustache::data{true});
  for (const auto& [name, items] : data.lists) {
    mustache::data list{mustache::data::type::list};
    for (const auto& item : items)
      list.push_back(filled(item));
    out.set(name, list);
  }
  return out;
}

} // namespace

std::string check_template(std::string_view text, std::size_t bytes_max, const std::set<std::string>& known) {
  if (text.size() > bytes_max)
    return "is longer than " + std::to_string(bytes_max) + " bytes";
  if (!actors::characters(text) || text.find('\0') != std::string_view::npos)
    return "is not UTF-8 text";
  std::vector<std::string_view> open;
  std::size_t tags = 0;
  for (auto at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at)) {
    auto end = text.find("}}", at + 2);
    if (end == std::string_view::npos)
      return "has a tag that does not end";
    if (++tags > tags_max)
      return "has more than " + std::to_string(tags_max) + " tags";
    auto inside = text.substr(at + 2, end - at - 2);
    at = end + 2;
    auto mark = inside.empty() ? '\0' : inside.front();
    if (mark == '!')
      continue;
    if (mark == '{' || mark == '&')
      return "has a tag that is not escaped; only {{name}} is allowed";
    if (mark == '=' || mark == '>')
      return "changes delimiters or includes another template, which is not allowed";
    bool begins = mark == '#' || mark == '^', ends = mark == '/';
    auto name = trimmed(begins || ends ? inside.substr(1) : inside);
    if (!is_name(name))
      return "has a tag with a bad name: " + quoted(name);
    if (ends) {
      if (open.empty() || open.back() != name)
        return "ends a section that is not open: " + quoted(name);
      open.pop_back();
      continue;
    }
    if (!known.contains(std::string{name}))
      return "has an unknown variable: " + quoted(name);
    if (!begins)
      continue;
    if (open.size() >= depth_max)
      return "has sections within sections deeper than " + std::to_string(depth_max);
    if (mark == '#' && is_list(name) && std::any_of(open.begin(), open.end(), is_list))
      return "has a list within a list: " + quoted(name);
    open.push_back(name);
  }
  return open.empty() ? std::string{} : "has a section that does not end: " + quoted(open.back());
}

std::string render_template(const std::string& text, const template_data& data, template_kind kind) {
  mustache::mustache parsed{text};
  if (!parsed.is_valid())
    throw std::runtime_error("template: " + parsed.error_message());
  if (kind == template_kind::text)
    parsed.set_custom_escape([](const std::string& s) { return s; });
  else
    parsed.set_custom_escape(html_escaped);
  std::string out;
  parsed.render(filled(data), [&](const std::string& piece) {
    if (out.size() + piece.size() > result_max)
      throw std::runtime_error("the mail is too long");
    out += piece;
  });
  if (!parsed.is_valid())
    throw std::runtime_error("template: " + parsed.error_message());
  return out;
}

} // namespace souk::integrations
