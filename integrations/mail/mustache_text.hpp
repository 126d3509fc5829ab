#pragma once

#include "integrations/mail/template_data.hpp"

#include <string>
#include <string_view>

namespace souk::integrations {

enum class template_kind : std::uint8_t { text, html };

/// What is wrong with a template that somebody else wrote. Tags are `{{name}}`, `{{#name}}…{{/name}}`, `{{^name}}…{{/name}}` and
/// `{{!remark}}`. Nothing unescaped, no other delimiters, no partials, no list within a list: a template can neither put a shopper's
/// text into a page as HTML nor make work without end.
/// @returns empty when all is well, else a sentence
std::string check_template(std::string_view text, std::size_t bytes_max, const std::set<std::string>& known);

/// @pre the template is souk's own or has passed check_template
/// @throws std::runtime_error when it cannot be rendered or the result is longer than 1 MiB
std::string render_template(const std::string& text, const template_data& data, template_kind kind);

} // namespace souk::integrations
