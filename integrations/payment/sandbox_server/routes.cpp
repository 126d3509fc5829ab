#include "integrations/payment/sandbox_server/routes.hpp"

#include "integrations/payment/sandbox_server/action_page.hpp"
#include "integrations/payment/sandbox_server/tokens.hpp"
#include "integrations/sandbox_common/connections.hpp"

#include <algorithm>
#include <charconv>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <sodium.h>
#include <thread>

namespace souk::sandbox {

namespace {

using httplib::Request;
using httplib::Response;
using nlohmann::json;
using sandbox_common::close_connection_with;

constexpr std::int64_t amount_max = 1'000'000'000'000; // minor units
constexpr std::size_t key_length_max = 255;
constexpr std::size_t reference_length_max = 128;
constexpr std::size_t url_length_max = 2048;
constexpr std::size_t ledger_page = 1000;
constexpr std::size_t ledger_page_max = 10000;

void send(Response& response, int status, const json& body) {
  response.status = status;
  response.set_content(body.dump(-1, ' ', false, json::error_handler_t::replace), "application/json");
}

void send_error(Response& response, int status, std::string_view type, std::string_view code,
                std::string_view message, const json& payment = nullptr) {
  json error{{"type", type}, {"code", code}, {"message", message}};
  if (!payment.is_null())
    error["payment"] = payment;
  send(response, status, {{"error", std::move(error)}});
}

void bad_request(Response& response, std::string_view code, std::string_view message) {
  send_error(response, 400, "invalid_request_error", code, message);
}

json render(const payment& subject, const std::string& public_url) {
  json body{{"id", subject.id},
            {"status", to_string(subject.status)},
            {"amount", subject.amount},
            {"currency", subject.currency},
            {"reference", subject.reference},
            {"created_at", subject.created_at}};
  if (!subject.decline_code.empty())
    body["decline_code"] = subject.decline_code;
  if (subject.status == payment_status::requires_action)
    body["action_url"] = public_url + "/actions/" + subject.id;
  if (!subject.refund_id.empty())
    body["refund_id"] = subject.refund_id;
  if (subject.refunded > 0)
    body["refunded"] = subject.refunded;
  return body;
}

/// The request's parameters in one canonical order, so that a retry by another JSON writer counts as the same
/// request.
fingerprint hash_of(const std::string& path, const json& body) {
  auto text = path + '\n' + body.dump();
  fingerprint hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size(), nullptr, 0);
  return hash;
}

/// @returns the key, or an empty string after answering 400.
std::string idempotency_key(const Request& request, Response& response) {
  auto key = request.get_header_value("Idempotency-Key");
  if (key.empty())
    bad_request(response, "missing_idempotency_key", "the header Idempotency-Key is required");
  else if (key.size() > key_length_max) {
    bad_request(response, "bad_idempotency_key", "the header Idempotency-Key has at most 255 characters");
    key.clear();
  }
  return key;
}

std::string text_at(const json& body, const char* name) {
  auto found = body.find(name);
  return found != body.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

bool is_web_address(const std::string& url) {
  bool http = url.starts_with("http://") || url.starts_with("https://");
  return http && url.size() <= url_length_max
      && std::none_of(url.begin(), url.end(), [](unsigned char c) { return c <= ' ' || c == 127; });
}

/// Reads and checks a charge; @returns nullopt after answering 400.
std::optional<charge> read_charge(const json& body, Response& response) {
  charge wanted;
  auto amount = body.find("amount");
  if (amount == body.end() || !amount->is_number_integer() || *amount < 1 || *amount > amount_max) {
    bad_request(response, "bad_amount", "amount is a whole number of minor units from 1 to 1000000000000");
    return std::nullopt;
  }
  wanted.amount = amount->get<std::int64_t>();
  wanted.currency = text_at(body, "currency");
  bool letters = std::all_of(wanted.currency.begin(), wanted.currency.end(),
                             [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  if (wanted.currency.size() != 3 || !letters) {
    bad_request(response, "bad_currency", "currency is an ISO 4217 code of three letters");
    return std::nullopt;
  }
  for (auto& c : wanted.currency)
    c = static_cast<char>(c & ~0x20); // to a capital: only letters are here
  wanted.reference = text_at(body, "reference");
  if (wanted.reference.empty() || wanted.reference.size() > reference_length_max) {
    bad_request(response, "bad_reference", "reference is the shop's own order id, 1 to 128 characters");
    return std::nullopt;
  }
  wanted.return_url = text_at(body, "return_url");
  if (body.contains("return_url") && !is_web_address(wanted.return_url)) {
    bad_request(response, "bad_return_url", "return_url is an absolute http or https URL");
    return std::nullopt;
  }
  return wanted;
}

template <class Number>
std::optional<Number> number_parameter(const Request& request, const char* name, Number otherwise) {
  if (!request.has_param(name))
    return otherwise;
  auto text = request.get_param_value(name);
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

} // namespace

class routes::under_way {
public:
  under_way(routes& owner, const std::string& key) : owner_{owner} {
    std::lock_guard lock{owner_.under_way_mutex_};
    if (owner_.under_way_.insert(key).second)
      key_ = &key;
  }
  ~under_way() {
    if (key_ == nullptr)
      return;
    std::lock_guard lock{owner_.under_way_mutex_};
    owner_.under_way_.erase(*key_);
  }
  under_way(const under_way&) = delete;
  under_way& operator=(const under_way&) = delete;

  bool alone() const { return key_ != nullptr; }

private:
  routes& owner_;
  const std::string* key_ = nullptr;
};

routes::routes(payment_book& book, std::string public_url, std::chrono::milliseconds slow)
  : book_{book}, public_url_{std::move(public_url)}, slow_{slow} {
  // nop
}

void routes::install(httplib::Server& server) {
  auto faulty = [this](handler next) {
    return
      [this, next](const Request& request, Response& response) { on_payment_call(request, response, next); };
  };
  auto plain = [this](handler next) {
    return [this, next](const Request& request, Response& response) { (this->*next)(request, response); };
  };
  server.Post("/v1/payments",
              faulty(&routes::create)); // first: the server tries patterns in order, and this one is hot
  server.Post(R"(/v1/payments/(\w+)/cancel)", faulty(&routes::cancel));
  server.Post(R"(/v1/payments/(\w+)/refund)", faulty(&routes::refund));
  server.Post(R"(/v1/payments/(\w+)/(approve|decline))", plain(&routes::decide));
  server.Post("/v1/cancellations", faulty(&routes::cancel_key));
  server.Post("/v1/faults", plain(&routes::set_faults));
  server.Post(R"(/actions/(\w+)/(approve|decline))", plain(&routes::take_action));
  server.Get(R"(/v1/payments/(\w+))", faulty(&routes::find));
  server.Get("/v1/payments", faulty(&routes::list));
  server.Get("/v1/ledger", plain(&routes::ledger));
  server.Get("/v1/faults", plain(&routes::read_faults));
  server.Get(R"(/actions/(\w+))", plain(&routes::show_action));
  server.Get("/healthz", [](const Request&, Response& response) { send(response, 200, {{"status", "ok"}}); });
  server.set_error_handler([](const Request&, Response& response) {
    if (response.body.empty())
      send_error(response, response.status, "invalid_request_error",
                 response.status == 404 ? "unknown_route" : "bad_request", "see docs/sandbox.md");
  });
  server.set_exception_handler([](const Request&, Response& response, std::exception_ptr) {
    send_error(response, 500, "api_error", "internal", "the sandbox failed");
  });
}

void routes::on_payment_call(const Request& request, Response& response, handler next) {
  if (auto latency = faults_.latency_ms.load(); latency > 0)
    std::this_thread::sleep_for(std::chrono::milliseconds{latency});
  if (faults_.refuse) {
    close_connection_with(request.remote_addr, request.remote_port);
    return;
  }
  bool command = request.method == "POST";
  if (command && faults::take(faults_.fail_next)) {
    send_error(response, 500, "api_error", "injected", "a fault was asked for; nothing was executed");
    return;
  }
  if (command && faults::take(faults_.limit_next)) {
    response.set_header("Retry-After", "1");
    send_error(response, 429, "rate_limit_error", "injected", "a fault was asked for; nothing was executed");
    return;
  }
  (this->*next)(request, response);
  if (command && faults::take(faults_.drop_next))
    close_connection_with(request.remote_addr, request.remote_port);
}

void routes::answer(Response& response, const outcome& result) const {
  if (const auto* ok = std::get_if<done>(&result)) {
    if (ok->replayed)
      response.set_header("Idempotent-Replayed", "true");
    send(response, 200, render(ok->payment, public_url_));
    return;
  }
  const auto& no = std::get<refused>(result);
  auto payment = no.payment ? render(*no.payment, public_url_) : json{};
  switch (no.why) {
    case refusal::key_reused:
      send_error(response, 400, "idempotency_error", "key_reused",
                 "this Idempotency-Key was used with other parameters");
      return;
    case refusal::unknown_payment:
      send_error(response, 404, "invalid_request_error", "unknown_payment", "no such payment");
      return;
    case refusal::wrong_status:
      send_error(response, 409, "invalid_request_error",
                 no.payment ? "payment_" + std::string{to_string(no.payment->status)} : "wrong_status",
                 "the payment's status does not allow this", payment);
      return;
    case refusal::failed_once:
      send_error(response, 500, "api_error", "failed_once", "nothing was executed; try again");
      return;
  }
}

// -- payments -------------------------------------------------------------------

void routes::create(const Request& request, Response& response) {
  auto key = idempotency_key(request, response);
  if (key.empty())
    return;
  auto body = json::parse(request.body, nullptr, false);
  if (!body.is_object())
    return bad_request(response, "bad_json", "the body is not a JSON object");
  auto wanted = read_charge(body, response);
  if (!wanted)
    return;
  auto token = find_token(text_at(body, "token"));
  if (!token)
    return bad_request(response, "unknown_token", "the sandbox has no such token");
  wanted->result = token->result;
  wanted->decline_code = token->decline_code;
  wanted->fail_first = token->behaviour == token_behaviour::fails_once;

  under_way call{*this, key};
  if (!call.alone())
    return send_error(response, 409, "invalid_request_error", "in_flight",
                      "a request with this Idempotency-Key is still under way");
  auto result = book_.create(key, hash_of(request.path, body), *wanted);
  answer(response, result);
  const auto* ok = std::get_if<done>(&result);
  if (ok == nullptr || ok->replayed)
    return;
  if (token->behaviour == token_behaviour::stalls)
    std::this_thread::sleep_for(slow_);
  else if (token->behaviour == token_behaviour::drops)
    close_connection_with(request.remote_addr, request.remote_port);
}

void routes::refund(const Request& request, Response& response) {
  auto key = idempotency_key(request, response);
  if (key.empty())
    return;
  auto body = request.body.empty() ? json::object() : json::parse(request.body, nullptr, false);
  if (!body.is_object())
    return bad_request(response, "bad_json", "the body is not a JSON object");
  under_way call{*this, key};
  if (!call.alone())
    return send_error(response, 409, "invalid_request_error", "in_flight",
                      "a request with this Idempotency-Key is still under way");
  const auto amount = body.value("amount", json(0));
  if (!amount.is_number_integer() || amount.get<std::int64_t>() < 0)
    return bad_request(response, "bad_amount", "amount is a whole number of minor units; without it all that is left goes back");
  answer(response, book_.refund(request.matches[1], key, hash_of(request.path, body), amount.get<std::int64_t>()));
}

void routes::cancel(const Request& request, Response& response) {
  answer(response, book_.cancel(request.matches[1]));
}

void routes::cancel_key(const Request& request, Response& response) {
  auto body = json::parse(request.body, nullptr, false);
  if (!body.is_object())
    return bad_request(response, "bad_json", "the body is not a JSON object");
  auto key = text_at(body, "idempotency_key");
  auto reference = text_at(body, "reference");
  if (key.empty() || key.size() > key_length_max)
    return bad_request(response, "bad_idempotency_key", "idempotency_key has 1 to 255 characters");
  if (reference.size() > reference_length_max)
    return bad_request(response, "bad_reference", "reference has at most 128 characters");
  answer(response, book_.cancel_key(key, reference));
}

void routes::decide(const Request& request, Response& response) {
  answer(response, book_.decide(request.matches[1], request.matches[2] == "approve"));
}

void routes::find(const Request& request, Response& response) {
  auto found = book_.find(request.matches[1]);
  if (!found)
    return answer(response, refused{refusal::unknown_payment});
  send(response, 200, render(*found, public_url_));
}

void routes::list(const Request& request, Response& response) {
  auto payments = json::array();
  if (request.has_param("idempotency_key")) {
    if (auto found = book_.find_key(request.get_param_value("idempotency_key")))
      payments.push_back(render(*found, public_url_));
  } else if (request.has_param("reference")) {
    for (const auto& found : book_.find_reference(request.get_param_value("reference")))
      payments.push_back(render(found, public_url_));
  } else {
    return bad_request(response, "missing_parameter", "ask by reference or by idempotency_key");
  }
  send(response, 200, {{"payments", std::move(payments)}});
}

void routes::ledger(const Request& request, Response& response) {
  auto after = number_parameter<std::uint64_t>(request, "after", 0);
  auto limit = number_parameter<std::size_t>(request, "limit", ledger_page);
  if (!after || !limit || *limit < 1 || *limit > ledger_page_max)
    return bad_request(response, "bad_parameter", "after is a number, limit is 1 to 10000");
  auto entries = json::array();
  auto next = *after;
  for (const auto& entry : book_.ledger(*after, *limit)) {
    next = entry.seq;
    entries.push_back({{"seq", entry.seq},
                       {"type", entry.refund ? "refunded" : "succeeded"},
                       {"id", entry.payment.id},
                       {"idempotency_key", entry.payment.key},
                       {"reference", entry.payment.reference},
                       {"amount", entry.amount},
                       {"currency", entry.payment.currency}});
  }
  send(response, 200, {{"entries", std::move(entries)}, {"next", next}});
}

// -- faults ---------------------------------------------------------------------

void routes::read_faults(const Request&, Response& response) {
  send(response, 200,
       {{"latency_ms", faults_.latency_ms.load()},
        {"drop_next", faults_.drop_next.load()},
        {"fail_next", faults_.fail_next.load()},
        {"limit_next", faults_.limit_next.load()},
        {"refuse", faults_.refuse.load()}});
}

void routes::set_faults(const Request& request, Response& response) {
  auto body = json::parse(request.body, nullptr, false);
  if (!body.is_object())
    return bad_request(response, "bad_json", "the body is not a JSON object");
  for (const auto& [name, value] : body.items()) { // all or nothing: look before changing
    bool count = name == "drop_next" || name == "fail_next" || name == "limit_next" || name == "latency_ms";
    bool good = count ? value.is_number_integer() && value >= 0 && value <= 1'000'000
                      : name == "refuse" && value.is_boolean();
    if (!good)
      return bad_request(response, "bad_fault",
                         name
                           + ": latency_ms, drop_next, fail_next and limit_next are numbers from 0, refuse is a boolean");
  }
  if (body.contains("latency_ms"))
    faults_.latency_ms = body["latency_ms"].get<std::int64_t>();
  if (body.contains("drop_next"))
    faults_.drop_next = body["drop_next"].get<std::int64_t>();
  if (body.contains("limit_next"))
    faults_.limit_next = body["limit_next"].get<std::int64_t>();
  if (body.contains("fail_next"))
    faults_.fail_next = body["fail_next"].get<std::int64_t>();
  if (body.contains("refuse"))
    faults_.refuse = body["refuse"].get<bool>();
  read_faults(request, response);
}

// -- the action page ------------------------------------------------------------

void routes::show_action(const Request& request, Response& response) {
  auto found = book_.find(request.matches[1]);
  response.status = found ? 200 : 404;
  response.set_content(found ? action_page(*found) : "No such payment.\n",
                       found ? "text/html" : "text/plain");
}

void routes::take_action(const Request& request, Response& response) {
  auto result = book_.decide(request.matches[1], request.matches[2] == "approve");
  const auto* ok = std::get_if<done>(&result);
  auto back = ok == nullptr ? std::string{} : way_back(ok->payment);
  response.status = 303; // the browser's "reload" must not post again
  response.set_header("Location", back.empty() ? "/actions/" + request.matches[1].str() : back);
}

} // namespace souk::sandbox
