#include "integrations/provider_http/http_client.hpp"

#include <algorithm>
#include <curl/curl.h>
#include <memory>
#include <new>
#include <stdexcept>
#include <string_view>

namespace souk::integrations {

namespace {

constexpr std::size_t headers_max = 64 << 10; // bytes
constexpr long idle_connection_s = 50; // load balancers close after a minute; a connection that is about to go is not used

/// Once per process; libcurl's own is safe from threads only since a later version than some systems have.
void start_curl() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!ready)
    throw std::runtime_error("libcurl cannot start");
}

bool is_base_url(std::string_view url) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme))
      continue;
    auto rest = url.substr(scheme.size());
    bool plain = std::none_of(rest.begin(), rest.end(), [](unsigned char c) {
      return c <= ' ' || c >= 127 || c == '?' || c == '#' || c == '@' || c == '\\';
    });
    return plain && !rest.empty() && rest.front() != '/' && rest.front() != ':';
  }
  return false;
}

/// What would let a value end its line and begin another one.
bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 127; });
}

struct receiving {
  http_reply reply;
  std::size_t answer_max = 0;
  std::size_t header_bytes = 0;
};

std::size_t take_body(char* data, std::size_t, std::size_t length, void* to) {
  auto& into = *static_cast<receiving*>(to);
  if (into.reply.body.size() + length > into.answer_max)
    return 0; // libcurl gives up
  try {
    into.reply.body.append(data, length);
  } catch (...) { // no exception may pass through C
    return 0;
  }
  return length;
}

std::size_t take_header(char* data, std::size_t, std::size_t length, void* to) {
  auto& into = *static_cast<receiving*>(to);
  into.header_bytes += length;
  if (into.header_bytes > headers_max)
    return 0;
  try {
    std::string_view line{data, length};
    if (line.starts_with("HTTP/"))
      into.reply.headers.clear(); // of a 100 Continue
    auto colon = line.find(':');
    if (colon == std::string_view::npos)
      return length;
    std::string name{line.substr(0, colon)};
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    auto value = line.substr(colon + 1);
    while (!value.empty() && static_cast<unsigned char>(value.front()) <= ' ')
      value.remove_prefix(1);
    while (!value.empty() && static_cast<unsigned char>(value.back()) <= ' ')
      value.remove_suffix(1);
    into.reply.headers[name] = value;
  } catch (...) {
    return 0;
  }
  return length;
}

using header_list = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

void add_header(header_list& list, const std::string& line) {
  auto* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr)
    throw std::bad_alloc{};
  (void)list.release(); // the head of the longer list is the same, or the first
  list.reset(longer);
}

} // namespace

const std::string& http_reply::header(const std::string& name) const {
  static const std::string none;
  auto found = headers.find(name);
  return found == headers.end() ? none : found->second;
}

// -- connections ----------------------------------------------------------------

class http_client::lease {
public:
  explicit lease(http_client& owner) : owner_{owner} {
    {
      std::lock_guard lock{owner_.idle_mutex_};
      if (!owner_.idle_.empty()) {
        handle_ = owner_.idle_.back();
        owner_.idle_.pop_back();
      }
    }
    if (handle_ == nullptr)
      handle_ = curl_easy_init();
    if (handle_ == nullptr)
      throw std::bad_alloc{};
  }
  ~lease() {
    curl_easy_reset(handle_); // keeps the connection, forgets the request and the credentials in it
    std::lock_guard lock{owner_.idle_mutex_};
    try {
      owner_.idle_.push_back(handle_);
    } catch (...) {
      curl_easy_cleanup(handle_);
    }
  }
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;

  CURL* handle() const noexcept { return handle_; }

private:
  http_client& owner_;
  CURL* handle_ = nullptr;
};

http_client::http_client(const std::string& base_url, std::chrono::milliseconds connect_limit, std::size_t answer_max)
  : base_url_{base_url}, connect_limit_{connect_limit}, answer_max_{answer_max} {
  while (base_url_.ends_with('/'))
    base_url_.pop_back();
  if (!is_base_url(base_url_))
    throw std::invalid_argument("a provider's address is no base URL: http or https, a host, no user, no query"); // it may hold a secret
  start_curl();
}

http_client::~http_client() {
  for (auto* handle : idle_)
    curl_easy_cleanup(handle);
}

http_reply http_client::send(const http_request& request, std::chrono::milliseconds limit) {
  bool bad_line = std::any_of(request.headers.begin(), request.headers.end(), has_control_characters);
  bool bad_path = !request.path.starts_with('/') || has_control_characters(request.path)
               || request.path.find('#') != std::string::npos || request.path.find(' ') != std::string::npos;
  if (bad_line || bad_path || limit.count() <= 0)
    return {};
  lease connection{*this};
  auto* curl = connection.handle();
  receiving into;
  into.answer_max = answer_max_;
  header_list lines{nullptr, curl_slist_free_all};
  for (const auto& line : request.headers)
    add_header(lines, line);
  add_header(lines, "Expect:"); // no round trip before a body
  const auto url = base_url_ + request.path;

  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, base_url_.starts_with("https:") ? "https" : "http");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); // time limits without signals, which are the process's and not a thread's
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(connect_limit_, limit).count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
  curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, idle_connection_s);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "souk");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &into);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &into);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines.get());
  if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  if (curl_easy_perform(curl) != CURLE_OK)
    return {};
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  into.reply.status = static_cast<int>(status);
  return std::move(into.reply);
}

bool is_web_address(std::string_view url) noexcept {
  return url.starts_with("https://") || url.starts_with("http://");
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (unsigned char c : text) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_'
              || c == '~';
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += hex[c >> 4];
      out += hex[c & 15];
    }
  }
  return out;
}

} // namespace souk::integrations
