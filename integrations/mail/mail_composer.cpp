#include "integrations/mail/mail_composer.hpp"

#include "integrations/mail/mail_data.hpp"
#include "integrations/mail/mustache_text.hpp"
#include "integrations/mail/templates/notation.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace souk::integrations {

using actors::mail_text;

namespace {

constexpr std::size_t subject_max = 500; ///< bytes, as the next two
constexpr std::size_t html_max = std::size_t{64} << 10;
constexpr std::size_t text_max = std::size_t{32} << 10;
constexpr std::size_t subject_shown_max = 250;
/// Not a store's, so no merchant's to change.
constexpr std::string_view own_mail = "password_reset";

/// A subject is one line, whatever a product is called.
std::string one_line(std::string text) {
  std::replace_if(
    text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  if (text.size() > subject_shown_max) {
    auto end = subject_shown_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
      --end;
    text.resize(end);
  }
  return text;
}

/// Parts that a template leaves out leave empty lines behind: one between paragraphs is enough.
std::string without_gaps(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  std::size_t breaks = 2; // none at the beginning
  for (char c : text) {
    if (c == '\r')
      continue;
    breaks = c == '\n' ? breaks + 1 : 0;
    if (breaks <= 2)
      out += c;
  }
  while (out.ends_with("\n\n"))
    out.pop_back();
  return out;
}

bool is_document(const std::string& html) {
  constexpr std::string_view tag = "<html";
  return std::search(html.begin(), html.end(), tag.begin(), tag.end(),
                     [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; })
         != html.end();
}

} // namespace

mail_composer::mail_composer() : languages_{&english(), &german(), &french()} {
  for (const auto* language : languages_)
    for (const auto& draft : language->drafts)
      defaults_.emplace(std::pair{draft.name, language->code}, written_out(draft, *language));
}

const mail_text* mail_composer::find(const std::string& name, const std::string& language) const {
  auto at = defaults_.find({name, language});
  return at == defaults_.end() ? nullptr : &at->second;
}

std::vector<std::string> mail_composer::names() const {
  std::vector<std::string> out;
  for (const auto& draft : english().drafts)
    if (draft.name != own_mail)
      out.emplace_back(draft.name);
  return out;
}

std::vector<std::string> mail_composer::languages() const {
  std::vector<std::string> out;
  for (const auto* language : languages_)
    out.emplace_back(language->code);
  return out;
}

std::optional<mail_text> mail_composer::defaults(const std::string& name, const std::string& language) const {
  const auto* found = find(name, language);
  return found == nullptr || name == own_mail ? std::nullopt : std::optional{*found};
}

std::string mail_composer::check(const std::string& name, const mail_text& own) const {
  if (name == own_mail || find(name, "en") == nullptr)
    return "there is no mail of this name";
  const auto& known = known_variables();
  if (auto wrong = check_template(own.subject, subject_max, known); !wrong.empty())
    return "subject " + wrong;
  if (auto wrong = check_template(own.html, html_max, known); !wrong.empty())
    return "html " + wrong;
  if (auto wrong = check_template(own.text, text_max, known); !wrong.empty())
    return "text " + wrong;
  if (name == "cart_abandoned" && is_document(own.html) && own.html.find("unsubscribe_url") == std::string::npos)
    return "html has no link to unsubscribe_url, which a mail that advertises must have";
  return {};
}

const mail_language& mail_composer::language_of(const std::string& wanted, const std::string& otherwise) const {
  for (const auto& code : {wanted, otherwise})
    for (const auto* language : languages_)
      if (language->code == code)
        return *language;
  return english();
}

mail_text mail_composer::compose(const std::string& name, const mail_language& language, const mail_text& own,
                                 template_data data) const {
  const auto* ours = find(name, language.code);
  if (ours == nullptr)
    throw std::runtime_error("there is no mail " + name);
  data.set("language", language.code);
  mail_text out;
  out.subject = one_line(render_template(own.subject.empty() ? ours->subject : own.subject, data, template_kind::text));
  data.set("subject", out.subject);
  out.text = without_gaps(render_template((own.text.empty() ? ours->text : own.text + "\n\n") + text_foot(language), data,
                                          template_kind::text));
  out.html = render_template(own.html.empty() ? ours->html : own.html, data, template_kind::html);
  if (!is_document(own.html)) {
    data.set("content", out.html);
    out.html = render_template(html_frame(language), data, template_kind::html);
  }
  return out;
}

actors::mail_preview mail_composer::preview(const storage::store_row& store, const std::string& name, const std::string& language,
                                            const mail_text& own) const {
  if (auto wrong = check(name, own); !wrong.empty())
    return {{}, wrong};
  try {
    const auto& words = language_of(language, store.settings.language);
    auto data = sample_data(name, words, store.currency);
    for (const auto& [key, text] : store_data(store).texts)
      data.set(key, text);
    return {compose(name, words, own, std::move(data)), {}};
  } catch (const std::exception& e) {
    return {{}, e.what()};
  }
}

} // namespace souk::integrations
