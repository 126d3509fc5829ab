#include "integrations/webhooks/webhook_http_sender.hpp"

#include "integrations/webhooks/public_address.hpp"
#include "integrations/webhooks/webhook_signature.hpp"

#include <curl/curl.h>
#include <netdb.h>
#include <optional>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace souk::integrations {

using actors::webhook_answer;

namespace {

constexpr std::size_t answer_max = 16 * 1024; ///< bytes of a body that are read, and thrown away
constexpr long https_port = 443;

template <class T, void (*Free)(T*)>
struct freed_by {
  void operator()(T* x) const { Free(x); }
};
using easy_handle = std::unique_ptr<CURL, freed_by<CURL, curl_easy_cleanup>>;
using url_handle = std::unique_ptr<CURLU, freed_by<CURLU, curl_url_cleanup>>;
using header_list = std::unique_ptr<curl_slist, freed_by<curl_slist, curl_slist_free_all>>;
using address_list = std::unique_ptr<addrinfo, freed_by<addrinfo, freeaddrinfo>>;

/// What the callbacks of one call know.
struct under_way {
  bool only_public = true;
  bool refused = false; ///< an address that may not be called came up: then none is
  std::size_t read = 0;
};

curl_socket_t open_socket(void* state, curlsocktype purpose, curl_sockaddr* to) {
  auto& call = *static_cast<under_way*>(state);
  if (call.only_public && (purpose != CURLSOCKTYPE_IPCXN || !is_public(to->addr)))
    call.refused = true;
  if (call.refused)
    return CURL_SOCKET_BAD;
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

std::size_t ignore_body(char*, std::size_t size, std::size_t n, void* state) {
  auto& call = *static_cast<under_way*>(state);
  call.read += size * n;
  return call.read <= answer_max ? size * n : 0;
}

std::string name_of(CURLcode code, bool refused) {
  if (refused)
    return "address_refused";
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return "timeout";
    case CURLE_COULDNT_RESOLVE_HOST: return "host_not_found";
    case CURLE_COULDNT_CONNECT: return "connection_refused";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CERTPROBLEM: return "tls_failed";
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return "address_refused";
    default: return "connection_lost";
  }
}

/// A part of an address; empty when it has none.
std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK)
    return {};
  std::string out{text};
  curl_free(text);
  return out;
}

struct target {
  std::string host;
  std::string port;
};

/// Reads an address as the sender would. @returns why not
std::string read_target(const std::string& address, bool allow_insecure, target& out) {
  const url_handle url{curl_url()};
  if (!url || curl_url_set(url.get(), CURLUPART_URL, address.c_str(), 0) != CURLUE_OK)
    return "is not a web address";
  const auto scheme = part(url.get(), CURLUPART_SCHEME);
  if (scheme != "https" && !(allow_insecure && scheme == "http"))
    return "must begin with https://";
  if (!part(url.get(), CURLUPART_USER).empty() || !part(url.get(), CURLUPART_PASSWORD).empty())
    return "must not hold a user or a password";
  out.host = part(url.get(), CURLUPART_HOST);
  out.port = part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (out.host.empty())
    return "names no host";
  if (out.port != std::to_string(https_port) && !allow_insecure)
    return "must use port 443";
  if (out.host.front() == '[') // IPv6 as it stands in addresses
    out.host = out.host.substr(1, out.host.size() - 2);
  return {};
}

} // namespace

webhook_http_sender::webhook_http_sender(webhook_http_options options, std::shared_ptr<const actors::secret_box> secrets)
  : options_(options), secrets_(std::move(secrets)) {
  curl_global_init(CURL_GLOBAL_DEFAULT); // counted, and safe to call again
}

webhook_answer webhook_http_sender::send(const storage::webhook_row& to, const storage::webhook_delivery_row& what,
                                         const std::string& store_slug, storage::timestamp now) {
  if (stopping_)
    return {0, "stopping", 0};
  target whom;
  if (!read_target(to.address, options_.allow_insecure, whom).empty())
    return {0, "address_refused", 0};
  const auto secret
    = secrets_ ? secrets_->open(actors::secret_owner(to.store_id, "webhook"), to.sealed_secret) : std::nullopt;
  if (!secret) {
    spdlog::error("the secret of webhook {} of store {} does not open: is its key still there?", to.id.str(), to.store_id.str());
    return {0, "secret_unreadable", 0};
  }
  const easy_handle easy{curl_easy_init()};
  if (!easy)
    return {0, "internal", 0};
  header_list headers;
  auto add = [&](const std::string& line) {
    auto* longer = curl_slist_append(headers.get(), line.c_str());
    if (longer != nullptr) {
      headers.release();
      headers.reset(longer);
    }
    return longer != nullptr;
  };
  for (const auto& [name, value] : webhook_headers(what, *secret, store_slug, now))
    if (!add(name + ": " + value))
      return {0, "internal", 0};
  add("Accept: */*");
  add("Expect:"); // or a receiver that does not know it costs a second

  under_way call;
  call.only_public = !options_.allow_insecure;
  auto set = [h = easy.get()](CURLoption option, auto value) { curl_easy_setopt(h, option, value); };
  set(CURLOPT_URL, to.address.c_str());
  set(CURLOPT_PROTOCOLS_STR, options_.allow_insecure ? "https,http" : "https");
  set(CURLOPT_PROXY, ""); // nor one of the environment
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.timeout.count()));
  set(CURLOPT_USERAGENT, "souk-webhooks/1");
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(what.payload.size()));
  set(CURLOPT_POSTFIELDS, what.payload.c_str());
  set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&call));
  set(CURLOPT_WRITEFUNCTION, &ignore_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&call));

  const auto began = std::chrono::steady_clock::now();
  const auto code = curl_easy_perform(easy.get());
  webhook_answer out;
  out.took_ms
    = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  const bool said_enough = code == CURLE_WRITE_ERROR && call.read > answer_max;
  if (code != CURLE_OK && !said_enough) {
    out.error = name_of(code, call.refused);
    return out;
  }
  out.status = static_cast<std::int32_t>(status);
  if (status < 200 || status > 299)
    out.error = status >= 300 && status < 400 ? "redirect" : "status_" + std::to_string(status);
  return out;
}

std::string webhook_http_sender::vet(const std::string& address) {
  target whom;
  if (auto no = read_target(address, options_.allow_insecure, whom); !no.empty())
    return no;
  if (options_.allow_insecure)
    return {};
  if (!vets_.try_acquire())
    return "cannot be checked at the moment: too many addresses are";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int failed = getaddrinfo(whom.host.c_str(), whom.port.c_str(), &hints, &first);
  vets_.release();
  const address_list all{first};
  if (failed != 0 || !all)
    return "names a host that is not found";
  for (const auto* a = all.get(); a != nullptr; a = a->ai_next)
    if (!is_public(*a->ai_addr))
      return "must not lead to a private or local address";
  return {};
}

} // namespace souk::integrations
