#include "integrations/payment/sandbox_gateway.hpp"

#include <algorithm>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace souk::integrations {

using actors::charge;
using actors::gateway_answer;
using actors::gateway_status;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

constexpr int tries = 3;
constexpr milliseconds connect_limit{1000}; // a gateway next door that takes longer is not there
constexpr milliseconds first_back_off{50};
constexpr milliseconds shortest_try{20}; // with less time left, a try only adds load
constexpr std::string_view refund_suffix = "-refund";

/// Half to one and a half times the doubled back-off, so that calls that failed together do not come back
/// together.
milliseconds back_off_before(int attempt) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> spread{0.5, 1.5};
  return milliseconds{
    static_cast<std::int64_t>(static_cast<double>(first_back_off.count() << (attempt - 1)) * spread(random))};
}

bool is_web_origin(const std::string& url) {
  for (std::string_view scheme : {"http://", "https://"})
    if (url.starts_with(scheme))
      return url.size() > scheme.size() && url.find_first_of("/?# ", scheme.size()) == std::string::npos;
  return false;
}

std::string text_at(const json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

gateway_status parse_status(std::string_view text) {
  if (text == "succeeded")
    return gateway_status::succeeded;
  if (text == "declined")
    return gateway_status::declined;
  if (text == "requires_action")
    return gateway_status::requires_action;
  if (text == "processing")
    return gateway_status::processing;
  if (text == "cancelled")
    return gateway_status::cancelled;
  if (text == "refunded")
    return gateway_status::refunded;
  return gateway_status::unknown;
}

gateway_answer answer_from(const json& payment) {
  if (!payment.is_object())
    return {};
  gateway_answer out{parse_status(text_at(payment, "status")), text_at(payment, "id"), text_at(payment, "decline_code"),
                     text_at(payment, "action_url")};
  if (out.status == gateway_status::succeeded || out.status == gateway_status::refunded)
    out.refunded = payment.value("refunded", std::int64_t{0});
  return out;
}

/// The port does not throw: whatever went wrong here (memory, a thread that cannot start), nobody knows what
/// the gateway did.
template <class Call>
gateway_answer shielded(Call call) noexcept {
  try {
    return call();
  } catch (...) {
    return {};
  }
}

} // namespace

// -- connections ----------------------------------------------------------------

class sandbox_gateway::lease {
public:
  explicit lease(sandbox_gateway& owner) : owner_{owner} {
    {
      std::lock_guard lock{owner_.idle_mutex_};
      if (!owner_.idle_.empty()) {
        client_ = std::move(owner_.idle_.back());
        owner_.idle_.pop_back();
      }
    }
    if (client_)
      return;
    client_ = std::make_unique<httplib::Client>(owner_.base_url_);
    client_->set_keep_alive(true);
    client_->set_tcp_nodelay(true);
  }
  ~lease() {
    std::lock_guard lock{owner_.idle_mutex_};
    owner_.idle_.push_back(
      std::move(client_)); // after an error cpp-httplib has closed the socket and connects anew
  }
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;

  httplib::Client& client() { return *client_; }

private:
  sandbox_gateway& owner_;
  std::unique_ptr<httplib::Client> client_;
};

struct sandbox_gateway::reply {
  int status = 0; ///< HTTP; 0: no answer
  json body;

  std::string error_code() const {
    auto error = body.is_object() ? body.find("error") : body.end();
    return error != body.end() && error->is_object() ? text_at(*error, "code") : std::string{};
  }
  /// The payment that a refusal is about.
  gateway_answer refused_payment() const {
    auto error = body.is_object() ? body.find("error") : body.end();
    return error != body.end() && error->is_object() && error->contains("payment")
           ? answer_from((*error)["payment"])
           : gateway_answer{};
  }
  bool final() const {
    bool passing =
      status == 0 || status >= 500 || status == 429 || (status == 409 && error_code() == "in_flight");
    return !passing;
  }
};

sandbox_gateway::sandbox_gateway(const std::string& base_url, milliseconds time_limit)
  : base_url_{base_url}, time_limit_{time_limit} {
  while (base_url_.ends_with('/'))
    base_url_.pop_back();
  if (!is_web_origin(base_url_))
    throw std::invalid_argument("sandbox gateway: " + base_url + " is not http://HOST:PORT");
}

sandbox_gateway::~sandbox_gateway() = default;

sandbox_gateway::reply sandbox_gateway::send(const call& request, clock::time_point deadline) {
  reply last;
  for (int attempt = 0; attempt < tries; ++attempt) {
    if (attempt > 0) {
      auto pause = back_off_before(attempt);
      if (clock::now() + pause + shortest_try > deadline)
        break;
      std::this_thread::sleep_for(pause);
    }
    auto left = std::chrono::duration_cast<milliseconds>(deadline - clock::now());
    if (left < shortest_try)
      break;
    lease connection{*this};
    auto& client = connection.client();
    client.set_connection_timeout(std::min(left, connect_limit));
    client.set_read_timeout(left);
    client.set_write_timeout(left);
    auto result = request(client);
    last = {};
    if (!result)
      continue;
    last.status = result->status;
    last.body = json::parse(result->body, nullptr, false);
    if (last.final())
      break;
  }
  return last.final() ? last : reply{};
}

// -- the port -------------------------------------------------------------------

gateway_answer sandbox_gateway::authorize(const charge& c) {
  return shielded([&]() -> gateway_answer {
    auto deadline = clock::now() + time_limit_;
    auto body = json{{"amount", c.amount},
                     {"currency", c.currency},
                     {"token", c.method_token},
                     {"reference", c.order_id.str()}}
                  .dump();
    httplib::Headers headers{{"Idempotency-Key", c.attempt_id.str()}};
    auto got = send(
      [&](auto& client) { return client.Post("/v1/payments", headers, body, "application/json"); }, deadline);
    if (got.status == 200)
      return answer_from(got.body);
    if (got.error_code() == "key_reused")
      return query_before(
        c, deadline); // something was done under this key: what it was counts, not what we ask for now
    if (got.status >= 400)
      return {gateway_status::rejected, {}, got.error_code(), {}};
    return {};
  });
}

gateway_answer sandbox_gateway::query_before(const charge& c, clock::time_point deadline) {
  auto path = "/v1/payments?idempotency_key=" + c.attempt_id.str();
  auto got = send([&](auto& client) { return client.Get(path); }, deadline);
  if (got.status != 200 || !got.body.is_object() || !got.body.contains("payments")
      || !got.body["payments"].is_array())
    return {};
  const auto& payments = got.body["payments"];
  return payments.empty() ? gateway_answer{gateway_status::not_found, {}, {}, {}} : answer_from(payments[0]);
}

gateway_answer sandbox_gateway::query(const charge& c) {
  return shielded([&] { return query_before(c, clock::now() + time_limit_); });
}

gateway_answer sandbox_gateway::cancel(const charge& c) {
  return shielded([&]() -> gateway_answer {
    auto body = json{{"idempotency_key", c.attempt_id.str()}, {"reference", c.order_id.str()}}.dump();
    auto got = send([&](auto& client) { return client.Post("/v1/cancellations", body, "application/json"); },
                    clock::now() + time_limit_);
    if (got.status == 409)
      return got.refused_payment();
    if (got.status != 200)
      return {};
    auto answer = answer_from(got.body);
    if (answer.status == gateway_status::declined) // no less final: it will never take money
      answer.status = gateway_status::cancelled;
    return answer;
  });
}

gateway_answer sandbox_gateway::refund(const charge& c) {
  return shielded([&]() -> gateway_answer {
    auto deadline = clock::now() + time_limit_;
    auto reference = c.reference;
    if (reference.empty()) {
      auto found = query_before(c, deadline);
      if (found.status != gateway_status::succeeded)
        return found;
      reference = found.reference;
    }
    bool word = std::all_of(reference.begin(), reference.end(),
                            [](unsigned char ch) { return std::isalnum(ch) || ch == '_'; });
    if (!word)
      return {gateway_status::rejected, {}, "bad_reference", {}};
    // Without a refund of its own (an order of an earlier release) all of it goes back, under that release's key.
    const bool whole = c.refund_id.is_nil();
    httplib::Headers headers{
      {"Idempotency-Key", whole ? c.attempt_id.str() + std::string{refund_suffix} : c.refund_id.str()}};
    const auto body = whole ? std::string{"{}"} : json{{"amount", c.refunds}}.dump();
    auto got = send(
      [&](auto& client) {
        return client.Post("/v1/payments/" + reference + "/refund", headers, body, "application/json");
      },
      deadline);
    if (got.status == 200) {
      auto answer = answer_from(got.body);
      answer.status = gateway_status::refunded;
      answer.refund_reference = text_at(got.body, "refund_id");
      return answer;
    }
    if (got.status == 404)
      return {gateway_status::not_found, {}, got.error_code(), {}};
    if (got.status == 409 && got.error_code() != "in_flight") {
      // The provider says that there is not so much left: whatever was given back, this refund was not.
      auto answer = got.refused_payment();
      answer.status = answer.status == gateway_status::refunded && whole ? gateway_status::refunded : gateway_status::rejected;
      answer.code = "nothing_to_refund";
      return answer;
    }
    if (got.status >= 400)
      return {gateway_status::rejected, {}, got.error_code(), {}};
    return {};
  });
}

} // namespace souk::integrations
