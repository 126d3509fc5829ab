#include "integrations/payment/sandbox_server/action_page.hpp"

#include "integrations/sandbox_common/html.hpp"

namespace souk::sandbox {

using sandbox_common::escaped;

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
  std::string page = "<h1>Sandbox bank</h1>";
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
  return sandbox_common::html_page("souk sandbox bank", page);
}

} // namespace souk::sandbox
