#include "integrations/mail/smtp_mailer.hpp"

#include "integrations/mail/mime.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <curl/curl.h>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace souk::integrations {

using actors::mail_answer;
using actors::mail_outcome;

namespace {

constexpr std::chrono::seconds pause_after_silence{2};
constexpr std::size_t error_max = 300; ///< bytes of what a server said that are kept

void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK)
    throw std::runtime_error("libcurl does not start");
}

struct easy_closer {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct url_closer {
  void operator()(CURLU* handle) const noexcept { curl_url_cleanup(handle); }
};
struct list_closer {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
    return {};
  std::string out{text};
  curl_free(text);
  return out;
}

std::int64_t steady_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// What is said in one session: libcurl's result alone does not tell which command was refused.
struct session {
  std::string verb; ///< of the last command before QUIT
  bool leaving = false;
  int code = 0;     ///< of the last answer to a command before QUIT
  std::string words;
  std::string_view unsent;

  void asked(std::string_view command) {
    auto word = command.substr(0, command.find_first_of(" \r\n"));
    leaving = leaving || word == "QUIT";
    if (!leaving)
      verb = std::string{word};
  }
  void answered(std::string_view line) {
    if (leaving || line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, [](char c) { return c >= '0' && c <= '9'; }))
      return;
    code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    line.remove_prefix(std::min<std::size_t>(4, line.size()));
    words.clear();
    for (char c : line.substr(0, error_max))
      if (c >= 0x20 && c < 0x7f)
        words += c;
  }
};

int note(CURL*, curl_infotype kind, char* data, std::size_t size, void* to) {
  auto& s = *static_cast<session*>(to);
  if (kind == CURLINFO_HEADER_OUT)
    s.asked({data, size});
  else if (kind == CURLINFO_HEADER_IN)
    s.answered({data, size});
  return 0;
}

std::size_t give(char* buffer, std::size_t size, std::size_t count, void* from) {
  auto& rest = static_cast<session*>(from)->unsent;
  auto n = std::min(size * count, rest.size());
  std::memcpy(buffer, rest.data(), n);
  rest.remove_prefix(n);
  return n;
}

std::size_t ignore(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

/// Whether a refused RCPT means that there is no such mailbox. The same codes stand for "relaying denied" and "your host is on a
/// list", which are no fault of the address; where the server gives an enhanced code (RFC 3463) that decides.
bool is_bad_mailbox(int code, std::string_view words) {
  if (code != 550 && code != 551 && code != 553)
    return false;
  bool enhanced = words.size() >= 5 && words[0] == '5' && words[1] == '.' && words[3] == '.';
  if (!enhanced)
    return true;
  auto detail = words.substr(0, words.find(' '));
  return (detail.starts_with("5.1.") && detail != "5.1.7" && detail != "5.1.8") || detail == "5.2.1";
}

std::string reference_in(std::string_view words) {
  constexpr std::string_view marker = "queued as ";
  if (auto at = words.find(marker); at != std::string_view::npos)
    words.remove_prefix(at + marker.size());
  return std::string{words.substr(0, 200)};
}

mail_answer answer_of(CURLcode result, const session& said, const char* detail) {
  mail_answer out;
  if (result == CURLE_OK) {
    out.outcome = mail_outcome::sent;
    out.reference = reference_in(said.words);
    return out;
  }
  const bool about_mail = said.verb == "MAIL" || said.verb == "RCPT" || said.verb == "DATA";
  const bool wants_login = said.code == 530 || said.code == 534 || said.code == 535 || said.code == 538;
  if (said.code >= 400)
    out.error = "smtp_" + std::to_string(said.code) + ": " + said.words;
  else
    out.error = detail[0] != '\0' ? detail : curl_easy_strerror(result);
  if (about_mail && said.code >= 500 && !wants_login) {
    out.outcome = mail_outcome::refused;
    out.bad_address = said.verb == "RCPT" && is_bad_mailbox(said.code, said.words);
  } else if (about_mail && said.code >= 400 && said.code != 421) {
    out.only_this = said.verb != "MAIL";
  }
  return out;
}

bool is_silence(const mail_answer& a, const session& said) {
  return a.outcome == mail_outcome::not_now && !a.only_this && said.code < 400;
}

} // namespace

smtp_mailer::smtp_mailer(const smtp_options& options, const runtime::clock& time) : options_(options), time_(time) {
  start_curl();
  std::unique_ptr<CURLU, url_closer> url{curl_url()};
  const bool parsed = url && curl_url_set(url.get(), CURLUPART_URL, options.url.c_str(), CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
  const auto scheme = parsed ? part_of(url.get(), CURLUPART_SCHEME) : std::string{};
  const auto path = parsed ? part_of(url.get(), CURLUPART_PATH) : std::string{};
  if ((scheme != "smtp" && scheme != "smtps") || part_of(url.get(), CURLUPART_HOST).empty() || (path != "/" && !path.empty())
      || !part_of(url.get(), CURLUPART_QUERY).empty())
    throw std::invalid_argument("smtp_url is not smtp://host:port or smtps://user:password@host:port");
  implicit_tls_ = scheme == "smtps";
  auto port = part_of(url.get(), CURLUPART_PORT);
  if (port.empty())
    port = implicit_tls_ ? "465" : "25";
  server_ = scheme + "://" + part_of(url.get(), CURLUPART_HOST) + ":" + port;
  user_ = part_of(url.get(), CURLUPART_USER, CURLU_URLDECODE);
  password_ = part_of(url.get(), CURLUPART_PASSWORD, CURLU_URLDECODE);
}

mail_answer smtp_mailer::send(const actors::mail& m) {
  try {
    if (auto fault = fault_of(m); !fault.empty())
      return {mail_outcome::refused, fault == "bad_recipient", false, {}, fault};
    if (steady_now() < silent_until_.load())
      return {mail_outcome::not_now, false, false, {}, "the server did not answer a moment ago"};
    return attempt(m);
  } catch (const std::exception& e) { // the port does not throw: whatever went wrong here, the mail can be sent later
    return {mail_outcome::not_now, false, false, {}, e.what()};
  }
}

mail_answer smtp_mailer::attempt(const actors::mail& m) {
  std::unique_ptr<CURL, easy_closer> handle{curl_easy_init()};
  if (!handle)
    throw std::bad_alloc();
  auto* curl = handle.get();
  std::unique_ptr<curl_slist, list_closer> recipients{curl_slist_append(nullptr, ("<" + m.to + ">").c_str())};
  const auto text = mime_message(m, time_.now());
  const auto sender = "<" + m.from + ">";
  // The path is what we call ourselves in EHLO.
  const auto url = server_ + "/" + m.from.substr(m.from.rfind('@') + 1);
  session said;
  said.unsent = text;
  std::array<char, CURL_ERROR_SIZE> detail{};
  const auto limit = static_cast<long>(options_.time_limit.count());
  const bool unchecked = !implicit_tls_ && !options_.require_tls;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, limit);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, limit);
  // The good-bye is outside the limit above: it is said before this call ends, and has a limit of its own.
  curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, std::max(1L, (limit + 999) / 1000));
  curl_easy_setopt(curl, CURLOPT_USE_SSL, static_cast<long>(unchecked ? CURLUSESSL_TRY : CURLUSESSL_ALL));
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, unchecked ? 0L : 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, unchecked ? 0L : 2L);
  if (!options_.authority.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, options_.authority.c_str());
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  if (!user_.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, user_.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, password_.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, sender.c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
  curl_easy_setopt(curl, CURLOPT_READDATA, &said);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, ignore);
  curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, note);
  curl_easy_setopt(curl, CURLOPT_DEBUGDATA, &said);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
  const auto result = curl_easy_perform(curl);
  auto out = answer_of(result, said, detail.data());
  if (is_silence(out, said))
    silent_until_ = steady_now() + std::chrono::nanoseconds{pause_after_silence}.count();
  return out;
}

} // namespace souk::integrations
