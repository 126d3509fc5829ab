#include "runtime/caf_transport.hpp"

#include "runtime/link_actor.hpp"
#include "runtime/shard_host.hpp"
#include "runtime/wire_format.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

// Real sockets on the loopback interface; every node is an actor system of its own. Waits are patient: what
// is checked is what happens and in which order, not how fast.

using namespace souk;
using namespace souk::runtime;
using namespace std::chrono_literals;

namespace {

/// Node 1 is the youngest: the younger of two connects at once, the older one lets it go first.
storage::ulid ulid_of(int n) {
  storage::ulid id;
  id.bytes.fill(static_cast<std::uint8_t>(200 - n));
  return id;
}

hello hello_of(int n, const std::string& cluster = "shop") {
  hello h;
  h.incarnation = ulid_of(n);
  h.name = "n" + std::to_string(n);
  h.cluster = cluster;
  return h;
}

/// What a transport told.
class diary {
public:
  struct event {
    std::string what; ///< linked, unlinked, frame
    storage::ulid who;
    std::string text;
    bool refused = false;
  };

  void write(event e) {
    std::lock_guard lock{guard_};
    events_.push_back(std::move(e));
    news_.notify_all();
  }
  /// @returns the n-th such event of that peer, waiting for it; nothing after 15 seconds.
  std::optional<event> wait(const std::string& what, int who, std::size_t n = 1) {
    std::unique_lock lock{guard_};
    std::optional<event> found;
    news_.wait_for(lock, 15s, [&] {
      auto left = n;
      for (const auto& e : events_)
        if (e.what == what && e.who == ulid_of(who) && --left == 0)
          return found = e, true;
      return false;
    });
    return found;
  }
  std::size_t count(const std::string& what, int who) {
    std::lock_guard lock{guard_};
    return static_cast<std::size_t>(std::count_if(events_.begin(), events_.end(), [&](const event& e) {
      return e.what == what && e.who == ulid_of(who);
    }));
  }
  std::vector<std::string> frames() {
    std::lock_guard lock{guard_};
    std::vector<std::string> out;
    for (const auto& e : events_)
      if (e.what == "frame")
        out.push_back(e.text);
    return out;
  }
  std::vector<event> all() {
    std::lock_guard lock{guard_};
    return events_;
  }

private:
  std::mutex guard_;
  std::condition_variable news_;
  std::vector<event> events_;
};

/// A node, as far as its links go.
struct node_at {
  struct settings : caf::actor_system_config {
    explicit settings(const transport_files& files) {
      set("scheduler.policy", caf::atom("sharing"));
      set("scheduler.max-threads", std::size_t{2});
      add_runtime_types(*this);
      add_transport_settings(*this, files);
    }
  };

  settings config;
  caf::actor_system system{config};
  diary log;
  hello self;
  caf_transport links;
  caf::actor ear;
  std::uint16_t port = 0;

  explicit node_at(hello who, const transport_files& files = {})
    : config(files), self(who), links(system, who, "127.0.0.1", 0, !files.key.empty()) {
    ear = system.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](linked_atom, const storage::ulid& x) {
                log.write({"linked", x, {}, false});
              },
              [this](unlinked_atom, const storage::ulid& x, const std::string& why, bool refused) {
                log.write({"unlinked", x, why, refused});
              },
              [this](frame_atom, const storage::ulid& x, const std::string& bytes) {
                log.write({"frame", x, bytes, false});
              }};
    });
    links.set_receiver(ear);
    port = links.listen();
  }
  ~node_at() {
    links.stop();
    caf::anon_send_exit(ear, caf::exit_reason::user_shutdown);
  }

  storage::node_row row() const { return row_at("127.0.0.1:" + std::to_string(port)); }
  storage::node_row row_at(std::string address) const {
    storage::node_row r;
    r.incarnation = self.incarnation;
    r.name = self.name;
    r.address = std::move(address);
    return r;
  }
};

/// A listening socket of nobody in particular.
class bare_listener {
public:
  explicit bare_listener(int backlog = 64) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(fd_, backlog) == 0);
    socklen_t size = sizeof at;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port = ntohs(at.sin_port);
  }
  ~bare_listener() { close(); }
  void close() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }
  /// Ends what CAF has begun here: an actor system that goes meanwhile leaks what belongs to the connection.
  void end() {
    close();
    std::this_thread::sleep_for(200ms);
  }
  int fd() const { return fd_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port); }

  std::uint16_t port = 0;

private:
  int fd_ = -1;
};

int connect_to(std::uint16_t port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0)
    return fd;
  ::close(fd);
  return -1;
}

/// Passes bytes between callers and a port, until it is told to stop doing so.
class relay {
public:
  explicit relay(std::uint16_t to) : to_(to), pump_([this] { run(); }) {}
  ~relay() {
    stopping_ = true;
    pump_.join();
    drop();
  }
  /// As when the other process is killed: its connections are reset.
  void cut() { cut_ = true; }
  /// As when the cable is pulled: nothing more arrives, and nobody says so.
  void freeze() { frozen_ = true; }
  std::string address() const { return listener_.address(); }

private:
  void drop() {
    for (auto [a, b] : pairs_) {
      ::close(a);
      ::close(b);
    }
    pairs_.clear();
  }
  static bool pass(int from, int to) {
    char buffer[65536];
    auto n = ::read(from, buffer, sizeof buffer);
    for (ssize_t done = 0; done < n;) {
      auto more = ::send(to, buffer + done, static_cast<std::size_t>(n - done), MSG_NOSIGNAL);
      if (more <= 0)
        return false;
      done += more;
    }
    return n > 0;
  }
  void run() {
    while (!stopping_) {
      if (cut_) {
        listener_.close();
        drop();
      }
      if (cut_ || frozen_) {
        std::this_thread::sleep_for(10ms);
        continue;
      }
      std::vector<pollfd> all{{listener_.fd(), POLLIN, 0}};
      for (auto [a, b] : pairs_) {
        all.push_back({a, POLLIN, 0});
        all.push_back({b, POLLIN, 0});
      }
      if (::poll(all.data(), all.size(), 20) <= 0)
        continue;
      std::vector<std::pair<int, int>> kept;
      for (std::size_t i = 0; i < pairs_.size(); ++i) {
        auto [a, b] = pairs_[i];
        bool alive = true;
        if (all[1 + 2 * i].revents != 0)
          alive = pass(a, b);
        if (alive && all[2 + 2 * i].revents != 0)
          alive = pass(b, a);
        if (alive) {
          kept.push_back(pairs_[i]);
        } else {
          ::close(a);
          ::close(b);
        }
      }
      pairs_ = std::move(kept);
      if (all[0].revents != 0)
        if (int a = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC); a >= 0) {
          if (int b = connect_to(to_); b >= 0)
            pairs_.emplace_back(a, b);
          else
            ::close(a);
        }
    }
  }

  std::uint16_t to_;
  bare_listener listener_;
  std::atomic<bool> stopping_{false}, cut_{false}, frozen_{false};
  std::vector<std::pair<int, int>> pairs_;
  std::thread pump_;
};

std::string read_all(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Certificates of two authorities, made once.
struct certificates {
  std::filesystem::path dir;

  certificates() {
    char name[] = "/tmp/souk-certificates-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    dir = name;
    for (std::string ca : {"ours", "theirs"}) {
      run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj /CN=" + ca
          + " -keyout " + ca + "-ca.key -out " + ca + "-ca.pem");
      run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=node -keyout " + ca
          + ".key -out " + ca + ".csr");
      run("openssl x509 -req -days 90 -in " + ca + ".csr -CA " + ca + "-ca.pem -CAkey " + ca
          + "-ca.key -CAcreateserial -out " + ca + ".pem");
    }
  }
  ~certificates() { std::filesystem::remove_all(dir); }

  void run(const std::string& command) const {
    auto log = (dir / "log").string();
    INFO(command);
    auto code = std::system(("cd " + dir.string() + " && " + command + " >" + log + " 2>&1").c_str());
    INFO(read_all(log));
    REQUIRE(code == 0);
  }
  transport_files of(const std::string& ca) const {
    return {(dir / (ca + ".pem")).string(), (dir / (ca + ".key")).string(),
            (dir / (ca + "-ca.pem")).string()};
  }
};

std::vector<std::string> numbered(const std::string& name, int n) {
  std::vector<std::string> out;
  for (int i = 0; i < n; ++i)
    out.push_back(name + std::to_string(i) + std::string(static_cast<std::size_t>(i % 300), 'x'));
  return out;
}

} // namespace

TEST_CASE("one call links two nodes, and frames go both ways in order", "[transport]") {
  node_at a{hello_of(1)}, b{hello_of(2)};
  CHECK_FALSE(a.links.send(ulid_of(2), "too early"));
  a.links.dial(b.row());
  REQUIRE(a.log.wait("linked", 2));
  REQUIRE(b.log.wait("linked", 1)); // nobody has dialled a
  auto there = numbered("there", 3000), back = numbered("back", 3000);
  std::thread answering{[&] {
    for (const auto& f : back)
      b.links.send(ulid_of(1), f);
  }};
  for (const auto& f : there)
    CHECK(a.links.send(ulid_of(2), f));
  answering.join();
  REQUIRE(b.log.wait("frame", 1, there.size()));
  REQUIRE(a.log.wait("frame", 2, back.size()));
  CHECK(b.log.frames() == there);
  CHECK(a.log.frames() == back);
  std::string large(20'000'000, 'l');
  CHECK(a.links.send(ulid_of(2), large));
  REQUIRE(b.log.wait("frame", 1, there.size() + 1));
  CHECK(b.log.frames().back() == large);
}

TEST_CASE("nodes that dial each other at once are linked and stay so", "[transport]") {
  for (int round = 0; round < 5; ++round) {
    node_at a{hello_of(1)}, b{hello_of(2)};
    a.links.dial(b.row());
    b.links.dial(a.row());
    a.links.dial(b.row()); // it is being dialled
    REQUIRE(a.log.wait("linked", 2));
    REQUIRE(b.log.wait("linked", 1));
    a.links.send(ulid_of(2), "there");
    b.links.send(ulid_of(1), "back");
    REQUIRE(b.log.wait("frame", 1));
    REQUIRE(a.log.wait("frame", 2));
    std::this_thread::sleep_for(100ms); // for what should not come
    CHECK(a.log.count("unlinked", 2) + b.log.count("unlinked", 1) == 0);
  }
}

TEST_CASE("three nodes talk to each other over one port each", "[transport]") {
  node_at a{hello_of(1)}, b{hello_of(2)}, c{hello_of(3)};
  a.links.dial(b.row());
  a.links.dial(c.row());
  b.links.dial(c.row());
  REQUIRE(a.log.wait("linked", 2));
  REQUIRE(a.log.wait("linked", 3));
  REQUIRE(c.log.wait("linked", 2));
  a.links.send(ulid_of(2), "a to b");
  c.links.send(ulid_of(1), "c to a");
  c.links.send(ulid_of(2), "c to b");
  REQUIRE(b.log.wait("frame", 1));
  REQUIRE(b.log.wait("frame", 3));
  REQUIRE(a.log.wait("frame", 3));
  CHECK(a.log.frames() == std::vector<std::string>{"c to a"});
  b.links.stop();
  REQUIRE(a.log.wait("unlinked", 2));
  REQUIRE(c.log.wait("unlinked", 2));
  CHECK(a.links.send(ulid_of(3), "still here"));
  CHECK(c.log.wait("frame", 1)->text == "still here");
}

TEST_CASE("a node of another cluster is refused by name", "[transport]") {
  node_at a{hello_of(1, "shop")}, b{hello_of(2, "rehearsal")};
  a.links.dial(b.row());
  auto e = a.log.wait("unlinked", 2);
  REQUIRE(e);
  CHECK(e->text == R"(node "n2" belongs to the cluster "rehearsal", node "n1" to "shop")");
  CHECK_FALSE(e->refused);
  CHECK_FALSE(a.links.send(ulid_of(2), "x"));
  CHECK_FALSE(b.links.send(ulid_of(1), "x"));
  CHECK(b.log.all().empty());
}

TEST_CASE("nodes whose protocols have no version in common are refused, neighbouring releases are not",
          "[transport]") {
  auto old_one = hello_of(1), newer = hello_of(2), newest = hello_of(3);
  old_one.wire = 3, old_one.wire_oldest = 2;
  newer.wire = 4, newer.wire_oldest = 3;
  newest.wire = 5, newest.wire_oldest = 4;
  node_at a{old_one}, b{newer}, c{newest};
  a.links.dial(b.row());
  a.links.dial(c.row());
  CHECK(a.log.wait("linked", 2));
  auto e = a.log.wait("unlinked", 3);
  REQUIRE(e);
  CHECK(
    e->text
    == R"(node "n3" speaks versions 4 to 5 of the protocol, node "n1" speaks versions 2 to 3 of the protocol)");
}

TEST_CASE("a process that came after the one in the row is not taken for it", "[transport]") {
  node_at a{hello_of(1)}, b{hello_of(2)};
  auto row = b.row();
  row.incarnation = ulid_of(9);
  a.links.dial(row);
  auto e = a.log.wait("unlinked", 9);
  REQUIRE(e);
  CHECK(e->text == R"(another process, of node "n2", listens at that address)");
  CHECK_FALSE(a.links.send(ulid_of(9), "x"));
  // It is a node all the same.
  REQUIRE(a.log.wait("linked", 2));
  REQUIRE(b.log.wait("linked", 1));
  CHECK(b.links.send(ulid_of(1), "hello"));
  CHECK(a.log.wait("frame", 2));
}

TEST_CASE("a node that dials itself is told so", "[transport]") {
  node_at a{hello_of(1)};
  a.links.dial(a.row());
  auto e = a.log.wait("unlinked", 1);
  REQUIRE(e);
  CHECK(e->text == R"(node "n1" has called itself)");
}

TEST_CASE("where nobody listens the call is refused", "[transport]") {
  node_at a{hello_of(1)}, b{hello_of(2)};
  bare_listener gone;
  gone.close();
  a.links.dial(b.row_at(gone.address()));
  auto e = a.log.wait("unlinked", 2);
  REQUIRE(e);
  CHECK(e->refused);
  CHECK(e->text.find("Connection refused") != std::string::npos);
  a.links.dial(b.row()); // a later attempt begins anew
  CHECK(a.log.wait("linked", 2));
}

TEST_CASE("an address that is none is said to be none", "[transport]") {
  node_at a{hello_of(1)}, b{hello_of(2)};
  a.links.dial(b.row_at("nowhere"));
  auto e = a.log.wait("unlinked", 2);
  REQUIRE(e);
  CHECK(e->text == R"("nowhere" is not host:port)");
  CHECK_FALSE(e->refused);
  CHECK(split_address("db.example:7000") == std::pair{std::string{"db.example"}, std::uint16_t{7000}});
  CHECK(split_address("[::1]:7000") == std::pair{std::string{"::1"}, std::uint16_t{7000}});
  for (const auto* bad :
       {"", ":", ":7000", "host", "host:", "host:0", "host:65536", "host:7x", "::1:7000", "[]:7000"})
    CHECK_FALSE(split_address(bad));
}

TEST_CASE("who accepts and stays silent is given up, and keeps nobody else waiting", "[transport]") {
  node_at a{hello_of(1)}, b{hello_of(2)};
  bare_listener silent;
  a.links.dial(b.row_at(silent.address()));
  auto healthy = hello_of(3);
  node_at c{healthy};
  a.links.dial(c.row());
  REQUIRE(a.log.wait("linked", 3));
  CHECK(a.log.count("unlinked", 2) == 0);
  auto e = a.log.wait("unlinked", 2);
  REQUIRE(e);
  CHECK(e->text.find("does not speak") != std::string::npos);
  CHECK_FALSE(e->refused);
  silent.end();
}

TEST_CASE("who never answers at all is given up, and keeps nobody else waiting", "[transport]") {
  node_at a{hello_of(1)}, b{hello_of(2)}, c{hello_of(3)};
  bare_listener full{0}; // with its queue full, the kernel drops further calls like a machine that is gone
  std::vector<int> waiting;
  for (int i = 0; i < 8; ++i) {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(full.port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at);
    waiting.push_back(fd);
  }
  std::this_thread::sleep_for(50ms);
  a.links.dial(b.row_at(full.address()));
  a.links.dial(c.row());
  REQUIRE(a.log.wait("linked", 3));
  CHECK(a.log.count("unlinked", 2) == 0);
  auto e = a.log.wait("unlinked", 2);
  REQUIRE(e);
  CHECK(e->text.find("timed out") != std::string::npos);
  for (int fd : waiting)
    ::close(fd);
}

TEST_CASE("a node that is killed, and one behind a cut cable, are missed", "[transport]") {
  node_at a{hello_of(1)}, b{hello_of(2)}, c{hello_of(3)};
  relay to_b{b.port}, to_c{c.port};
  a.links.dial(b.row_at(to_b.address()));
  a.links.dial(c.row_at(to_c.address()));
  REQUIRE(a.log.wait("linked", 2));
  REQUIRE(a.log.wait("linked", 3));
  to_b.cut();
  auto e = a.log.wait("unlinked", 2);
  REQUIRE(e);
  CHECK(e->text.find("the connection broke") != std::string::npos);
  CHECK_FALSE(e->refused);
  CHECK_FALSE(a.links.send(ulid_of(2), "x"));
  REQUIRE(b.log.wait("unlinked", 1));
  a.links.dial(b.row_at(to_b.address()));
  e = a.log.wait("unlinked", 2, 2);
  REQUIRE(e);
  CHECK(e->refused);
  a.links.dial(b.row()); // by another way it is there
  REQUIRE(a.log.wait("linked", 2, 2));
  CHECK(a.links.send(ulid_of(2), "again"));
  CHECK(b.log.wait("frame", 1));
  CHECK(a.log.count("unlinked", 3) == 0);
  to_c.freeze();
  REQUIRE(a.log.wait("unlinked", 3));
  REQUIRE(c.log.wait("unlinked", 1));
}

TEST_CASE("a node that stops is missed at once, and its successor is reached", "[transport]") {
  node_at a{hello_of(1)};
  auto b = std::make_unique<node_at>(hello_of(2));
  a.links.dial(b->row());
  REQUIRE(a.log.wait("linked", 2));
  b.reset();
  REQUIRE(a.log.wait("unlinked", 2));
  node_at next{hello_of(3)};
  a.links.dial(next.row());
  CHECK(a.log.wait("linked", 3));
}

TEST_CASE("of a peer that was hung up on nothing is told until it is dialled or calls again", "[transport]") {
  node_at a{hello_of(1)}, b{hello_of(2)};
  a.links.dial(b.row());
  REQUIRE(a.log.wait("linked", 2));
  REQUIRE(b.log.wait("linked", 1));

  a.links.hang_up(ulid_of(2));
  a.links.dial(b.row());
  REQUIRE(a.log.wait("linked", 2, 2));
  CHECK(a.links.send(ulid_of(2), "one"));
  CHECK(b.log.wait("frame", 1));
  CHECK(b.log.count("unlinked", 1) == 0); // the other side has not noticed

  a.links.hang_up(ulid_of(2));
  b.links.send(ulid_of(1), "unheard");
  REQUIRE(b.log.wait("unlinked", 1)); // it hears that nobody listened
  CHECK_FALSE(a.links.send(ulid_of(2), "x"));
  CHECK_FALSE(b.links.send(ulid_of(1), "x"));
  b.links.dial(a.row());
  REQUIRE(a.log.wait("linked", 2, 3));
  REQUIRE(b.log.wait("linked", 1, 2));
  CHECK(b.links.send(ulid_of(1), "two"));
  REQUIRE(a.log.wait("frame", 2));
  CHECK(a.log.frames() == std::vector<std::string>{"two"});
  CHECK(a.log.count("unlinked", 2) == 0);

  a.links.hang_up(ulid_of(2));
  a.links.hang_up(ulid_of(7)); // nobody
  b.links.stop();
  node_at c{hello_of(3)};
  a.links.dial(c.row());
  REQUIRE(a.log.wait("linked", 3));
  CHECK(a.log.count("unlinked", 2) == 0);
}

TEST_CASE("who linked before anybody here knew of it is told when it is dialled", "[transport]") {
  node_at a{hello_of(1)}, b{hello_of(2)};
  b.links.dial(a.row());
  REQUIRE(a.log.wait("linked", 2));
  REQUIRE(b.log.wait("linked", 1));
  a.links.dial(b.row());
  CHECK(a.log.wait("linked", 2, 2));
  CHECK(b.log.count("linked", 1) == 1);
}

TEST_CASE("frames of a process that has not said who it is are dropped", "[transport]") {
  node_at a{hello_of(1)}, b{hello_of(2)}, stranger{hello_of(3)};
  a.links.dial(b.row());
  REQUIRE(a.log.wait("linked", 2));
  auto node = stranger.system.middleman().remote_actor<node_actor>("127.0.0.1", b.port);
  REQUIRE(node);
  caf::scoped_actor self{stranger.system};
  self->send(*node, frame_atom_v, ulid_of(1), std::string{"in the name of another"});
  self->send(*node, frame_atom_v, ulid_of(3), std::string{"without a hello"});
  self->send(*node, frame_atom_v, ulid_of(1), std::string{}); // nor can it end the others' link
  bool told = false;
  self->receive([&](frame_atom, const storage::ulid& who,
                    const std::string& bytes) { told = who == ulid_of(2) && bytes.empty(); },
                caf::after(10s) >> [] {});
  CHECK(told);
  a.links.send(ulid_of(2), "honest");
  REQUIRE(b.log.wait("frame", 1));
  CHECK(b.log.frames() == std::vector<std::string>{"honest"});
  CHECK(b.log.count("unlinked", 1) == 0);
}

TEST_CASE("a port that is taken is a clear error", "[transport]") {
  node_at a{hello_of(1)};
  node_at::settings config{transport_files{}};
  caf::actor_system system{config};
  caf_transport second{system, hello_of(2), "127.0.0.1", a.port, false};
  CHECK_THROWS_WITH(second.listen(), Catch::StartsWith("cannot listen for other nodes at 127.0.0.1:"
                                                       + std::to_string(a.port)));
}

TEST_CASE("nodes with certificates of one authority talk over TLS, others are refused", "[transport]") {
  certificates made;
  node_at a{hello_of(1), made.of("ours")}, b{hello_of(2), made.of("ours")};
  int mute = connect_to(b.port); // who connects and says nothing, or something else, keeps nobody waiting
  int browser = connect_to(b.port);
  REQUIRE(mute >= 0);
  REQUIRE(::send(browser, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL) == 18);
  a.links.dial(b.row());
  REQUIRE(a.log.wait("linked", 2));
  REQUIRE(b.log.wait("linked", 1));
  auto there = numbered("there", 1000);
  for (const auto& f : there)
    CHECK(a.links.send(ulid_of(2), f));
  REQUIRE(b.log.wait("frame", 1, there.size()));
  CHECK(b.log.frames() == there);
  CHECK(b.links.send(ulid_of(1), std::string(3'000'000, 'l')));
  REQUIRE(a.log.wait("frame", 2));
  CHECK(a.log.frames()[0].size() == 3'000'000);
  ::close(mute);
  ::close(browser);

  node_at plain{hello_of(3)};
  plain.links.dial(b.row());
  auto e = plain.log.wait("unlinked", 2);
  REQUIRE(e);
  CHECK_FALSE(e->refused);
  CHECK(plain.log.count("linked", 2) == 0);

  node_at foreign{hello_of(4), made.of("theirs")};
  foreign.links.dial(b.row());
  REQUIRE(foreign.log.wait("unlinked", 2));
  b.links.dial(foreign.row());
  REQUIRE(b.log.wait("unlinked", 4));
  CHECK(foreign.log.count("linked", 2) == 0);

  bare_listener silent;
  a.links.dial(plain.row_at(silent.address()));
  node_at c{hello_of(5), made.of("ours")};
  a.links.dial(c.row());
  REQUIRE(a.log.wait("linked", 5));
  CHECK(a.log.count("unlinked", 3) == 0);
  CHECK(a.log.wait("unlinked", 3));
  silent.end();
  CHECK(b.log.count("linked", 3) + b.log.count("linked", 4) == 0);
  // None of them has harmed the link that was there.
  CHECK(a.log.count("unlinked", 2) == 0);
  CHECK(a.links.send(ulid_of(2), "still linked"));
  CHECK(b.log.wait("frame", 1, there.size() + 1));
}

TEST_CASE("files that TLS cannot use are named at the start", "[transport]") {
  certificates made;
  auto ours = made.of("ours"), theirs = made.of("theirs");
  caf::actor_system_config config;
  CHECK_THROWS_WITH(add_transport_settings(config, {ours.certificate, "", ours.authority}),
                    Catch::Contains("needs a certificate, its key"));
  CHECK_THROWS_WITH(add_transport_settings(config, {ours.certificate, "/nowhere/a.key", ours.authority}),
                    Catch::StartsWith("/nowhere/a.key cannot be read"));
  CHECK_THROWS_WITH(add_transport_settings(config, {ours.certificate, theirs.key, ours.authority}),
                    Catch::StartsWith(theirs.key + " is not the key of " + ours.certificate));
  CHECK_THROWS_WITH(add_transport_settings(config, {ours.key, ours.key, ours.authority}),
                    Catch::StartsWith(ours.key + " is no certificate in PEM"));
  made.run("openssl x509 -req -days -1 -in ours.csr -CA ours-ca.pem -CAkey ours-ca.key -CAcreateserial -out "
           "old.pem");
  const auto old = (made.dir / "old.pem").string();
  CHECK_THROWS_WITH(add_transport_settings(config, {old, ours.key, ours.authority}),
                    Catch::Equals(old + " has expired"));
  CHECK_THROWS_WITH(add_transport_settings(config, {ours.certificate, ours.key, ours.key}),
                    Catch::StartsWith(ours.key + " is no certificate in PEM"));
}
