#include "integrations/providers_sandbox/webhooks.hpp"

#include <algorithm>
#include <httplib.h>
#include <spdlog/spdlog.h>
#include <unordered_map>

namespace souk::providers {

namespace {

constexpr std::size_t connections_max = 64; ///< per worker
constexpr std::chrono::milliseconds backoff_max{30'000};
constexpr std::int64_t stale_s = 3600; ///< how old a stale signature claims to be

std::int64_t now_s() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

/// "http://host:1/a?b" → "http://host:1" and "/a?b".
std::pair<std::string, std::string> split_url(const std::string& url) {
  auto host = url.find("://");
  auto path = host == std::string::npos ? std::string::npos : url.find('/', host + 3);
  if (path == std::string::npos)
    return {url, "/"};
  return {url.substr(0, path), url.substr(path)};
}

} // namespace

class webhook_sender::connections {
public:
  explicit connections(std::chrono::milliseconds timeout) : timeout_{timeout} {}

  httplib::Client& to(const std::string& base) {
    if (auto known = clients_.find(base); known != clients_.end())
      return *known->second;
    if (clients_.size() >= connections_max)
      clients_.clear();
    auto client = std::make_unique<httplib::Client>(base);
    client->set_keep_alive(true);
    client->set_tcp_nodelay(true);
    client->set_connection_timeout(timeout_);
    client->set_read_timeout(timeout_);
    client->set_write_timeout(timeout_);
    return *clients_.emplace(base, std::move(client)).first->second;
  }

private:
  std::chrono::milliseconds timeout_;
  std::unordered_map<std::string, std::unique_ptr<httplib::Client>> clients_;
};

webhook_sender::webhook_sender(webhook_options options) : options_{options} {
  for (std::size_t i = 0; i < options_.threads; ++i)
    workers_.emplace_back([this] { work(); });
}

webhook_sender::~webhook_sender() {
  stop();
}

void webhook_sender::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& worker : workers_)
    worker.join();
  workers_.clear();
}

void webhook_sender::enqueue(job subject) {
  if (jobs_.size() + held_.size() >= options_.queue_max) {
    ++counts_.dropped;
    return;
  }
  subject.number = ++last_number_;
  jobs_.push(std::move(subject));
  wake_.notify_one();
}

void webhook_sender::send(faults& knobs, webhook subject) {
  auto wanted = knobs.judge_delivery();
  auto reorder = wanted.drop ? 0 : knobs.take_reorder();
  std::lock_guard lock{mutex_};
  ++counts_.queued;
  if (wanted.drop) {
    ++counts_.dropped;
    return;
  }
  job first{clock::now() + std::chrono::milliseconds{wanted.delay_ms},
            0,
            std::make_shared<const webhook>(std::move(subject)),
            1,
            wanted.forge,
            wanted.stale};
  if (reorder > 0) {
    held_.push_back(std::move(first));
    if (reorder > 1)
      return;
    // A tenth of a second between them, or the workers would put them in any order again.
    auto due = clock::now();
    for (auto it = held_.rbegin(); it != held_.rend(); ++it) {
      it->due = std::max(it->due, due);
      due += std::chrono::milliseconds{100};
      enqueue(std::move(*it));
    }
    held_.clear();
    return;
  }
  if (wanted.twice)
    enqueue(first);
  enqueue(std::move(first));
}

webhook_sender::counts webhook_sender::count() {
  std::lock_guard lock{mutex_};
  auto result = counts_;
  result.waiting = jobs_.size() + held_.size();
  return result;
}

bool webhook_sender::attempt(connections& open, const job& subject) {
  try {
    auto [base, path] = split_url(subject.subject->url);
    auto body = subject.subject->body(subject.forge);
    httplib::Headers headers{{"User-Agent", "souk-providers"}};
    for (auto& [name, value] : subject.subject->sign(body, now_s() - (subject.stale ? stale_s : 0), subject.forge))
      headers.emplace(name, value);
    auto result = open.to(base).Post(path, headers, body, "application/json");
    return result && result->status >= 200 && result->status < 300;
  } catch (const std::exception& error) {
    spdlog::error("webhook to {}: {}", subject.subject->url, error.what());
    return false;
  }
}

void webhook_sender::work() {
  connections open{options_.timeout};
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    if (jobs_.empty()) {
      wake_.wait(lock);
      continue;
    }
    if (auto due = jobs_.top().due; due > clock::now()) {
      wake_.wait_until(lock, due);
      continue;
    }
    auto subject = jobs_.top();
    jobs_.pop();
    lock.unlock();
    bool good = attempt(open, subject);
    lock.lock();
    if (good) {
      ++counts_.delivered;
      continue;
    }
    ++counts_.failed;
    if (subject.attempt >= options_.attempts) {
      ++counts_.given_up;
      continue;
    }
    auto doublings = std::min(subject.attempt - 1, 10);
    subject.due = clock::now() + std::min(options_.backoff * (1 << doublings), backoff_max);
    ++subject.attempt;
    subject.forge = false; // a forger tries once, and the provider's own retry carries its own time
    subject.stale = false;
    enqueue(std::move(subject));
  }
}

} // namespace souk::providers
