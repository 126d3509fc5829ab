#include "integrations/mail/templates/notation.hpp"

#include <stdexcept>
#include <string_view>

namespace souk::integrations {

namespace {

constexpr std::string_view cell = "padding:6px 0;border-bottom:1px solid #dddddd;text-align:left;vertical-align:top";
constexpr std::string_view figure = "padding:6px 0 6px 12px;border-bottom:1px solid #dddddd;text-align:right;white-space:nowrap";

std::string row(std::string_view left, std::string_view right) {
  std::string out = "<tr><td style=\"";
  return out.append(cell).append("\">").append(left).append("</td><td style=\"").append(figure).append("\">").append(right)
    .append("</td></tr>\n");
}

std::string table(const std::string& rows) {
  return "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"margin:16px 0\">\n" + rows
         + "</table>\n";
}

std::string section(std::string_view name, const std::string& inside) {
  std::string tag{name};
  return "{{#" + tag + "}}\n" + inside + "{{/" + tag + "}}\n";
}

struct both {
  std::string html;
  std::string text;
};

both lines_block() {
  return {section("has_lines",
                  table(section("lines", row("{{quantity}} × {{title}}{{#variant}}, {{variant}}{{/variant}}", "{{price}}")))),
          section("has_lines", section("lines", "{{quantity}} x {{title}}{{#variant}}, {{variant}}{{/variant}}{{#price}}: {{price}}{{/price}}\n")
                                 + "\n")};
}

both totals_block(const mail_language& w) {
  both out;
  auto add = [&](std::string_view name, const char* word, const char* sign = "") {
    auto shown = sign + ("{{" + std::string{name} + "}}");
    out.html += section(name, row(word, shown));
    out.text += section(name, std::string{word} + ": " + shown + "\n");
  };
  add("subtotal", w.subtotal);
  add("discount", w.discount, "−");
  add("shipping", w.shipping);
  add("tax", w.tax);
  out.html += row("<strong>" + std::string{w.total} + "</strong>", "<strong>{{total}}</strong>");
  out.text += std::string{w.total} + ": {{total}}\n";
  add("tax_included", w.tax_included);
  add("gift_card", w.gift_card, "−");
  return {table(out.html), out.text + "\n"};
}

both address_block(const mail_language& w) {
  std::string word = w.ship_to;
  return {section("has_address", "<h2 style=\"font-size:16px;margin:24px 0 4px\">" + word + "</h2>\n<p style=\"margin:0 0 16px\">\n"
                                   + section("address", "{{line}}<br>\n") + "</p>\n"),
          section("has_address", word + ":\n" + section("address", "{{line}}\n") + "\n")};
}

both button(std::string_view words) {
  auto space = words.find(' ');
  std::string url = "{{" + std::string{words.substr(0, space)} + "}}", label{words.substr(space + 1)};
  return {"<p style=\"margin:24px 0\"><a href=\"" + url
            + "\" style=\"background:#1a1a1a;color:#ffffff;padding:12px 20px;text-decoration:none;display:inline-block\">" + label
            + "</a></p>\n",
          label + ":\n" + url + "\n\n"};
}

both block(std::string_view inside, const mail_language& w) {
  if (inside == "lines")
    return lines_block();
  if (inside == "totals")
    return totals_block(w);
  if (inside == "address")
    return address_block(w);
  if (inside.starts_with("button "))
    return button(inside.substr(7));
  throw std::logic_error("a draft has an unknown block: " + std::string{inside});
}

bool is_section_tag(std::string_view line) {
  return line.size() > 5 && line.starts_with("{{") && (line[2] == '#' || line[2] == '^' || line[2] == '/')
         && line.find("}}") == line.size() - 2;
}

} // namespace

actors::mail_text written_out(const mail_draft& draft, const mail_language& words) {
  actors::mail_text out;
  out.subject = draft.subject;
  std::string_view rest = draft.body;
  while (!rest.empty()) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (is_section_tag(line)) {
      out.html.append(line).append("\n");
      out.text.append(line).append("\n");
    } else if (line.starts_with('[') && line.ends_with(']')) {
      auto made = block(line.substr(1, line.size() - 2), words);
      out.html += made.html;
      out.text += made.text;
    } else {
      out.html.append("<p style=\"margin:0 0 16px\">").append(line).append("</p>\n");
      out.text.append(line).append("\n\n");
    }
  }
  return out;
}

std::string html_frame(const mail_language& words) {
  return R"(<!doctype html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{subject}}</title>
</head>
<body style="margin:0;padding:0;background:#f2f2f0;color:#1a1a1a;font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0">
<tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="600" cellpadding="0" cellspacing="0" style="width:100%;max-width:600px;background:#ffffff;text-align:left">
<tr><td style="padding:24px 32px;border-bottom:1px solid #dddddd">
{{#logo_url}}
<img src="{{logo_url}}" alt="{{store_name}}" height="48" style="height:48px;border:0">
{{/logo_url}}
{{^logo_url}}
<strong style="font-size:20px">{{store_name}}</strong>
{{/logo_url}}
</td></tr>
<tr><td style="padding:24px 32px">
<h1 style="font-size:20px;line-height:1.3;margin:0 0 16px">{{subject}}</h1>
{{{content}}}
</td></tr>
<tr><td style="padding:16px 32px;border-top:1px solid #dddddd;color:#555555;font-size:14px">
{{store_name}}
{{#unsubscribe_url}}
<br><a href="{{unsubscribe_url}}" style="color:#555555">)"
         + std::string{words.unsubscribe} + R"(</a>
{{/unsubscribe_url}}
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
)";
}

std::string text_foot(const mail_language& words) {
  return "{{store_name}}\n" + section("unsubscribe_url", std::string{words.unsubscribe} + ": {{unsubscribe_url}}\n");
}

} // namespace souk::integrations
