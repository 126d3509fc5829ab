#include "tests/bench/neighbours.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace souk::bench {

namespace {

constexpr int look_around_ms = 50; ///< how soon a change is noticed when nobody calls

int listen_at(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int yes = 1;
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0
      || ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::listen(fd, 512) != 0)
    throw std::system_error(errno, std::generic_category(), "listening on 127.0.0.1:" + std::to_string(port));
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_in at{};
  socklen_t size = sizeof at;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::system_error(errno, std::generic_category(), "getsockname");
  return ntohs(at.sin_port);
}

/// Bytes of the request's body, by the header that libcurl writes.
std::size_t content_length(std::string_view head) {
  constexpr std::string_view name = "\r\nContent-Length: ";
  std::size_t out = 0;
  if (const auto at = head.find(name); at != std::string_view::npos) {
    const auto digits = head.substr(at + name.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), out);
  }
  return out;
}

} // namespace

class neighbours::desk {
public:
  desk(neighbours& owner, std::uint16_t mail_port)
    : owner_(owner), epoll_(::epoll_create1(EPOLL_CLOEXEC)), mail_(listen_at(mail_port)), hooks_(listen_at(0)) {
    if (epoll_ < 0)
      throw std::system_error(errno, std::generic_category(), "epoll_create1");
    watch(mail_);
    watch(hooks_);
  }
  ~desk() {
    while (!callers_.empty())
      hang_up(callers_.begin()->first);
    for (const int fd : {mail_, hooks_, epoll_})
      ::close(fd);
  }
  desk(const desk&) = delete;
  desk& operator=(const desk&) = delete;

  std::uint16_t webhook_port() const { return port_of(hooks_); }

  void work() {
    std::array<epoll_event, 64> events{};
    while (!owner_.stopping_) {
      const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), look_around_ms);
      const bool alive = owner_.alive_;
      if (alive && !was_alive_)
        while (!callers_.empty())
          hang_up(callers_.begin()->first);
      was_alive_ = alive;
      for (int i = 0; i < n; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == mail_ || fd == hooks_)
          accept_all(fd);
        else if (callers_.contains(fd))
          hear(fd);
      }
      owner_.hanging_ = alive ? 0 : callers_.size();
    }
  }

private:
  struct caller {
    bool mails = false;
    bool in_mail = false; ///< between DATA and the lone dot
    std::string heard;    ///< and not dealt with yet
  };

  void watch(int fd) {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e) != 0)
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }

  void hang_up(int fd) {
    ::close(fd);
    callers_.erase(fd);
  }

  void accept_all(int at) {
    for (int fd = 0; (fd = ::accept4(at, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
      watch(fd);
      callers_[fd].mails = at == mail_;
      if (at == mail_)
        say(fd, "220 bench ESMTP\r\n");
    }
  }

  /// What is said is short and the socket's buffer is empty. The dead say nothing.
  void say(int fd, std::string_view words) {
    if (was_alive_)
      (void)::send(fd, words.data(), words.size(), MSG_NOSIGNAL);
  }

  void hear(int fd) {
    const auto n = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (n <= 0)
      return hang_up(fd);
    auto& c = callers_[fd];
    c.heard.append(buffer_.data(), static_cast<std::size_t>(n));
    if (!was_alive_)
      return;
    if (c.mails)
      take_mail(fd, c);
    else
      take_call(fd, c);
  }

  void take_mail(int fd, caller& c) {
    for (;;) {
      const std::string_view end = c.in_mail ? "\r\n.\r\n" : "\r\n";
      const auto at = c.heard.find(end);
      if (at == std::string::npos)
        return;
      const auto verb = c.heard.substr(0, std::min<std::size_t>(4, at));
      c.heard.erase(0, at + end.size());
      if (c.in_mail) {
        c.in_mail = false;
        ++owner_.mails_;
        say(fd, "250 taken\r\n");
      } else if (verb == "DATA") {
        c.in_mail = true;
        say(fd, "354 go on\r\n");
      } else if (verb == "QUIT") {
        say(fd, "221 bye\r\n");
        return hang_up(fd);
      } else {
        say(fd, "250 well\r\n");
      }
    }
  }

  void take_call(int fd, caller& c) {
    for (;;) {
      constexpr std::string_view blank = "\r\n\r\n";
      const auto head = c.heard.find(blank);
      if (head == std::string::npos)
        return;
      const auto whole = head + blank.size() + content_length(std::string_view{c.heard}.substr(0, head));
      if (c.heard.size() < whole)
        return;
      c.heard.erase(0, whole);
      ++owner_.webhooks_;
      say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  }

  neighbours& owner_;
  int epoll_, mail_, hooks_;
  bool was_alive_ = true;
  std::unordered_map<int, caller> callers_;
  std::array<char, 64 * 1024> buffer_{};
};

neighbours::neighbours(std::uint16_t mail_port) : desk_(std::make_unique<desk>(*this, mail_port)) {
  webhook_url_ = "http://127.0.0.1:" + std::to_string(desk_->webhook_port()) + "/hook";
  thread_ = std::thread{[this] { desk_->work(); }};
}

neighbours::~neighbours() {
  stopping_ = true;
  thread_.join();
}

} // namespace souk::bench
