#pragma once

#include "actors/mail/templates.hpp"
#include "integrations/mail/templates/words.hpp"

namespace souk::integrations {

/// Both bodies of a draft, as Mustache templates.
actors::mail_text written_out(const mail_draft& draft, const mail_language& words);

/// The page around a mail's HTML: `{{{content}}}` is its middle. Plain tables and styles within the tags, because mail programs know
/// little else; a language, headings and texts in the order in which they are read, for those who listen to it.
std::string html_frame(const mail_language& words);
/// What follows a mail's text.
std::string text_foot(const mail_language& words);

} // namespace souk::integrations
