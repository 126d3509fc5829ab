#include "integrations/sandbox_common/html.hpp"

namespace souk::sandbox_common {

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string html_page(std::string_view title, std::string_view body) {
  std::string page =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>"
    + escaped(title)
    + "</title>"
      "<style>body{font:1.1rem system-ui,sans-serif;max-width:28rem;margin:12vh auto;padding:0 1rem}"
      "button{font:inherit;padding:.6rem 1.4rem;margin-right:.6rem}form{display:inline}</style></head><body>";
  page += body;
  return page + "</body></html>\n";
}

} // namespace souk::sandbox_common
