#include "integrations/payment/sandbox_server/action_page.hpp"

namespace souk::sandbox {

namespace {

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

} // namespace

std::string way_back(const payment& subject) {
  if (subject.return_url.empty())
    return {};
  auto fragment = subject.return_url.find('#');
  auto url = subject.return_url.substr(0, fragment);
  url += url.find('?') == std::string::npos ? '?' : '&';
  url += "payment=" + subject.id + "&status=" + std::string{to_string(subject.status)};
  if (fragment != std::string::npos)
    url += subject.return_url.substr(fragment);
  return url;
}

std::string action_page(const payment& subject) {
  std::string page =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>souk sandbox bank</title>"
    "<style>body{font:1.1rem system-ui,sans-serif;max-width:28rem;margin:12vh auto;padding:0 1rem}"
    "button{font:inherit;padding:.6rem 1.4rem;margin-right:.6rem}form{display:inline}</style></head><body>"
    "<h1>Sandbox bank</h1>";
  page += "<p>Order <code>" + escaped(subject.reference) + "</code> asks for <strong>"
        + std::to_string(subject.amount) + "</strong> minor units of " + escaped(subject.currency) + ".</p>";
  if (subject.status == payment_status::requires_action) {
    auto action = "/actions/" + escaped(subject.id);
    page += "<form method=\"post\" action=\"" + action + "/approve\"><button>Approve</button></form>";
    page += "<form method=\"post\" action=\"" + action + "/decline\"><button>Decline</button></form>";
  } else {
    page += "<p>This payment is <strong>" + std::string{to_string(subject.status)} + "</strong>.</p>";
    if (auto back = way_back(subject); !back.empty())
      page += "<p><a href=\"" + escaped(back) + "\">Back to the shop</a></p>";
  }
  return page + "</body></html>\n";
}

} // namespace souk::sandbox
