#include "http/routes/html_page.hpp"

namespace souk::http::routes {

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text)
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  return out;
}

} // namespace

response html_page(int status, std::string_view title, std::string_view text, std::string_view form) {
  response out;
  out.status = status;
  out.content_type = "text/html; charset=utf-8";
  out.body = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
             "content=\"width=device-width, initial-scale=1\"><title>"
             + escaped(title) + "</title></head><body><main><h1>" + escaped(title) + "</h1><p>" + escaped(text) + "</p>"
             + std::string{form} + "</main></body></html>\n";
  // The address holds a secret: it must not stay behind. That it is told to nobody the edge sees to (Referrer-Policy).
  out.headers = {{"Cache-Control", "no-store"},
                 {"Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'"}};
  return out;
}

} // namespace souk::http::routes
