#include "tests/bench/load.hpp"

#include "tests/bench/answer_parser.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace souk::bench {

namespace {

using clock = std::chrono::steady_clock;

/// After the measured time: for answers still under way.
constexpr std::chrono::seconds last_answers{15};
/// After the measured time: for requests of a steady load that were due and found no visitor.
constexpr std::chrono::seconds sent_late_by{2};

/// HOST:PORT of http://HOST:PORT
std::string authority_of(const std::string& url) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme))
    throw std::runtime_error(url + " does not begin with http://");
  auto out = url.substr(scheme.size());
  return out.substr(0, out.find('/'));
}

struct address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

address look_up(const std::string& url) {
  const auto authority = authority_of(url);
  const auto colon = authority.rfind(':');
  const auto host = authority.substr(0, colon);
  const auto port = colon == std::string::npos ? std::string{"80"} : authority.substr(colon + 1);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int no = getaddrinfo(host.c_str(), port.c_str(), &wanted, &found); no != 0)
    throw std::runtime_error(authority + ": " + gai_strerror(no));
  address out;
  std::memcpy(&out.bytes, found->ai_addr, found->ai_addrlen);
  out.size = found->ai_addrlen;
  freeaddrinfo(found);
  return out;
}

class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_ = -1;
};

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct visitor {
  descriptor socket;
  std::string request;
  std::size_t sent = 0;
  bool wants_to_write = false; ///< as epoll knows it
  bool waiting = false;        ///< a request is under way
  clock::time_point began;
  answer_parser answer;
};

class load {
public:
  /// @param per_second 0: each visitor asks again as soon as it has its answer
  load(const std::string& url, int visitors, load_script& script, double per_second = 0)
    : pause_(per_second > 0 ? std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(1 / per_second))
                            : clock::duration::zero()),
      url_(url), to_(look_up(url)), script_(script), epoll_(epoll_create1(EPOLL_CLOEXEC)),
      visitors_(static_cast<std::size_t>(visitors)) {
    if (epoll_.get() < 0)
      fail("epoll_create1");
    for (int i = 0; i < visitors; ++i)
      connect(i);
  }

  load_result run(std::chrono::milliseconds warm_up, std::chrono::milliseconds duration) {
    measured_from_ = clock::now() + warm_up;
    measured_until_ = measured_from_ + duration;
    for (std::size_t i = 0; i < visitors_.size(); ++i)
      ask(static_cast<int>(i));
    std::array<epoll_event, 256> events{};
    due_ = clock::now();
    send_due();
    while (under_way_ > 0 || (steady() && due_ < measured_until_)) {
      const auto patience = timespec_until_due();
      const int n = epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &patience, nullptr);
      if (n < 0 && errno != EINTR)
        fail("epoll_wait");
      if (clock::now() > measured_until_ + last_answers)
        throw std::runtime_error(std::to_string(under_way_) + " requests to " + url_ + " were never answered");
      for (int i = 0; i < n; ++i) {
        const auto& e = events[static_cast<std::size_t>(i)];
        const auto who = static_cast<int>(e.data.u32);
        if ((e.events & EPOLLOUT) != 0)
          send(who);
        if ((e.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
          receive(who);
      }
      send_due();
    }
    result_.per_second = static_cast<double>(result_.answers) / std::chrono::duration<double>(duration).count();
    return std::move(result_);
  }

private:
  visitor& at(int who) { return visitors_[static_cast<std::size_t>(who)]; }
  bool measured(clock::time_point t) const { return t >= measured_from_ && t < measured_until_; }
  bool counts(const visitor& v, clock::time_point now) const { return measured(steady() ? v.began : now); }
  bool steady() const { return pause_ > clock::duration::zero(); }

  timespec timespec_until_due() const {
    std::chrono::nanoseconds left = std::chrono::seconds{1};
    if (steady() && !idle_.empty() && due_ < measured_until_)
      left = std::max(std::chrono::nanoseconds{0}, std::chrono::nanoseconds{due_ - clock::now()});
    return {static_cast<time_t>(left.count() / 1'000'000'000), static_cast<long>(left.count() % 1'000'000'000)};
  }

  void send_due() {
    if (!steady())
      return;
    const auto now = clock::now();
    for (; due_ <= now && due_ < measured_until_; due_ += pause_) {
      if (now >= measured_until_ + sent_late_by) {
        if (measured(due_)) {
          ++result_.errors;
          ++result_.other_answers[0];
        }
      } else if (idle_.empty()) {
        return;
      } else {
        const int who = idle_.back();
        idle_.pop_back();
        begin(who, due_);
      }
    }
  }

  void connect(int who) {
    auto& v = at(who);
    v.socket = descriptor{::socket(to_.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const int fd = v.socket.get();
    // Blocking: on the same machine it takes microseconds, and a server that is not there is known at once.
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to_.bytes), to_.size) != 0)
      fail("cannot connect to " + url_);
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    v.wants_to_write = false;
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u32 = static_cast<std::uint32_t>(who);
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &e) != 0)
      fail("epoll_ctl");
  }

  void ask(int who) {
    auto& v = at(who);
    v.waiting = false;
    if (steady())
      idle_.push_back(who);
    else if (const auto now = clock::now(); now < measured_until_)
      begin(who, now);
  }

  void begin(int who, clock::time_point at_time) {
    auto& v = at(who);
    v.began = at_time;
    v.request.clear();
    v.sent = 0;
    v.answer.next();
    script_.next(who, v.request);
    v.waiting = true;
    ++under_way_;
    send(who);
  }

  void send(int who) {
    auto& v = at(who);
    while (v.sent < v.request.size()) {
      const auto n = ::send(v.socket.get(), v.request.data() + v.sent, v.request.size() - v.sent, MSG_NOSIGNAL);
      if (n > 0)
        v.sent += static_cast<std::size_t>(n);
      else if (errno != EINTR)
        break; // the rest waits for room; that the connection broke shows where it is read
    }
    const bool more = v.sent < v.request.size();
    if (more == v.wants_to_write)
      return;
    v.wants_to_write = more;
    epoll_event e{};
    e.events = more ? EPOLLIN | EPOLLOUT : EPOLLIN;
    e.data.u32 = static_cast<std::uint32_t>(who);
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, v.socket.get(), &e);
  }

  void receive(int who) {
    auto& v = at(who);
    const auto n = ::recv(v.socket.get(), buffer_.data(), buffer_.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (n <= 0)
      return broken(who);
    v.answer.take({buffer_.data(), static_cast<std::size_t>(n)});
    if (v.answer.malformed())
      return broken(who);
    if (v.waiting && v.answer.done())
      answered(who);
  }

  void answered(int who) {
    auto& v = at(who);
    --under_way_;
    const auto now = clock::now();
    const bool measured_one = counts(v, now);
    const bool good = script_.heard(who, v.answer.status(), v.answer.body(), measured_one);
    if (measured_one) {
      if (good) {
        ++result_.answers;
        result_.took.add(now - v.began);
      } else {
        ++result_.errors;
        ++result_.other_answers[v.answer.status()];
      }
    }
    if (!v.answer.keeps_alive())
      connect(who);
    ask(who);
  }

  void broken(int who) {
    auto& v = at(who);
    if (v.waiting) {
      --under_way_;
      script_.lost(who);
      if (counts(v, clock::now())) {
        ++result_.errors;
        ++result_.other_answers[0];
      }
    }
    connect(who);
    ask(who);
  }

  clock::duration pause_; ///< between requests of a steady load
  std::string url_;
  address to_;
  load_script& script_;
  descriptor epoll_;
  std::vector<visitor> visitors_;
  std::array<char, 64 * 1024> buffer_{};
  std::vector<int> idle_;  ///< visitors of a steady load without a request
  clock::time_point due_;  ///< of its next request
  clock::time_point measured_from_, measured_until_;
  int under_way_ = 0;
  load_result result_;
};

} // namespace

load_result run_load(const std::string& url, int visitors, std::chrono::milliseconds warm_up,
                     std::chrono::milliseconds duration, load_script& script) {
  return load{url, visitors, script}.run(warm_up, duration);
}

load_result run_steady_load(const std::string& url, double per_second, int visitors, std::chrono::milliseconds warm_up,
                            std::chrono::milliseconds duration, load_script& script) {
  return load{url, visitors, script, per_second}.run(warm_up, duration);
}

std::string get_request(const std::string& url, const std::string& path, const std::string& more) {
  return std::string{"GET "} + path + " HTTP/1.1\r\nHost: " + authority_of(url) + "\r\nAccept: application/json\r\n" + more + "\r\n";
}

std::string post_request(const std::string& url, const std::string& path, const std::string& body, const std::string& more) {
  return "POST " + path + " HTTP/1.1\r\nHost: " + authority_of(url) + "\r\nAccept: application/json\r\n"
         + "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more + "\r\n" + body;
}

std::string bearer(const std::string& token) {
  return "Authorization: Bearer " + token + "\r\n";
}

} // namespace souk::bench
