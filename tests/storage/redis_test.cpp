#include "storage/redis/redis_cache.hpp"
#include "storage/redis/redis_stream.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <filesystem>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace souk::storage::redis;
using namespace std::chrono_literals;

namespace {

/// A Redis of the case's own, on a socket in a directory that goes away with it.
class own_redis {
public:
  own_redis() {
    char pattern[] = "/tmp/souk-redis-XXXXXX";
    REQUIRE(::mkdtemp(pattern) != nullptr);
    directory_ = pattern;
    start();
  }
  ~own_redis() {
    stop();
    std::filesystem::remove_all(directory_);
  }
  own_redis(const own_redis&) = delete;
  own_redis& operator=(const own_redis&) = delete;

  std::string url() const { return "unix://" + socket(); }

  void start() {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket().c_str(), "--save", "", "--dir",
               directory_.c_str(), "--logfile", (directory_ + "/log").c_str(), nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 200; ++i) {
      client probe{url()};
      if (auto pong = probe.run(command{"PING"}); pong && pong->text == "PONG")
        return;
      std::this_thread::sleep_for(25ms);
    }
    stop();
    FAIL("redis-server does not start");
  }
  void stop() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    pid_ = -1;
  }
  void pause() { ::kill(pid_, SIGSTOP); }
  void resume() { ::kill(pid_, SIGCONT); }

private:
  std::string socket() const { return directory_ + "/redis.sock"; }
  std::string directory_;
  pid_t pid_ = -1;
};

template <class F>
std::chrono::milliseconds time_of(F&& f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

const struct ignore_sigpipe {
  ignore_sigpipe() { std::signal(SIGPIPE, SIG_IGN); } // as soukd does
} ignored;

} // namespace

TEST_CASE("Redis URLs", "[redis]") {
  CHECK(parse_address("redis://shop:6380/2")->host == "shop");
  CHECK(parse_address("redis://shop:6380/2")->port == 6380);
  CHECK(parse_address("redis://shop:6380/2")->db == 2);
  CHECK(parse_address("redis://shop")->port == 6379);
  CHECK(parse_address("redis://:s3cret@shop")->password == "s3cret");
  CHECK(parse_address("redis://[::1]:7000")->host == "::1");
  CHECK(parse_address("redis://[::1]:7000")->port == 7000);
  CHECK(parse_address("unix:///run/redis.sock?db=3")->is_socket);
  CHECK(parse_address("unix:///run/redis.sock?db=3")->db == 3);
  for (auto wrong : {"", "http://shop", "redis://", "redis://shop:x", "redis://shop:70000", "redis://shop/x", "unix://"})
    CHECK_FALSE(parse_address(wrong).has_value());
}

TEST_CASE("a value is there until its lifetime ends, whatever bytes it has", "[redis]") {
  own_redis server;
  redis_cache cache{server.url()};
  const std::string bytes{"\0\r\n*1 \xff", 7};

  CHECK_FALSE(cache.get("product:1").has_value());
  CHECK(cache.set_if_newer("product:1", bytes, 7, 200ms));
  REQUIRE(cache.get("product:1").has_value());
  CHECK(cache.get("product:1")->value == bytes);
  CHECK(cache.get("product:1")->seq == 7);
  std::this_thread::sleep_for(300ms);
  CHECK_FALSE(cache.get("product:1").has_value());
}

TEST_CASE("a slow reader cannot bring old bytes back", "[redis]") {
  own_redis server;
  redis_cache cache{server.url()};

  CHECK(cache.set_if_newer("p", "new", 10, 1min));
  CHECK_FALSE(cache.set_if_newer("p", "old", 9, 1min));
  CHECK(cache.get("p")->value == "new");
  CHECK(cache.set_if_newer("p", "newer", 11, 1min));

  // The commit with seq 20 invalidates; whoever read before it comes too late, whoever reads after it is welcome.
  cache.invalidate({"p"}, 20, 1min);
  CHECK_FALSE(cache.get("p").has_value());
  CHECK_FALSE(cache.set_if_newer("p", "read before", 19, 1min));
  CHECK_FALSE(cache.get("p").has_value());
  CHECK(cache.set_if_newer("p", "read after", 20, 1min));
  CHECK(cache.get("p")->value == "read after");

  // Beyond 2^53, where a floating point seq would no longer tell neighbours apart.
  const std::int64_t large = (std::int64_t{1} << 60) + 1;
  CHECK(cache.set_if_newer("q", "b", large, 1min));
  CHECK_FALSE(cache.set_if_newer("q", "a", large - 1, 1min));
}

TEST_CASE("several keys are read in one go, in their order", "[redis]") {
  own_redis server;
  redis_cache cache{server.url()};
  cache.set_if_newer("a", "1", 1, 1min);
  cache.set_if_newer("c", "3", 1, 1min);

  auto found = cache.get(std::vector<std::string>{"a", "b", "c"});
  REQUIRE(found.size() == 3);
  CHECK(found[0]->value == "1");
  CHECK_FALSE(found[1].has_value());
  CHECK(found[2]->value == "3");
  cache.erase({"a", "c"});
  CHECK_FALSE(cache.get("a").has_value());
}

TEST_CASE("a stream keeps the order of events and about its length", "[redis]") {
  own_redis server;
  redis_stream stream{server.url(), "events", 1000};
  std::vector<stream_entry> events;
  for (int i = 0; i < 5000; ++i)
    events.push_back({{"topic", "order.created"}, {"n", std::to_string(i)}});

  CHECK(stream.append({}));
  CHECK(stream.append(events));

  client reader{server.url()};
  auto length = reader.run(command{"XLEN", "events"});
  REQUIRE(length);
  CHECK(length->integer >= 1000);
  CHECK(length->integer < 1500);
  auto last = reader.run(command{"XREVRANGE", "events", "+", "-", "COUNT", "2"});
  REQUIRE(last);
  REQUIRE(last->list.size() == 2);
  CHECK(last->list[0].list[1].list[3].text == "4999");
  CHECK(last->list[1].list[1].list[3].text == "4998");
  CHECK_FALSE((redis_stream{server.url(), "events", 1000}.append({{}}))); // an entry without fields is refused
}

TEST_CASE("without Redis calls return at once with nothing, and Redis coming back is noticed", "[redis]") {
  own_redis server;
  redis_cache cache{server.url()};
  redis_stream stream{server.url(), "events", 1000};
  cache.set_if_newer("a", "1", 1, 1min);
  server.stop();

  CHECK_FALSE(cache.get("a").has_value());
  CHECK_FALSE(stream.append({{{"topic", "x"}}}));
  CHECK(time_of([&] {
          for (int i = 0; i < 10'000; ++i)
            cache.get("a");
        })
        < 1s);
  CHECK_FALSE(cache.set_if_newer("a", "1", 1, 1min));

  server.start();
  bool back = false;
  for (int i = 0; i < 100 && !back; ++i) {
    std::this_thread::sleep_for(50ms);
    back = cache.set_if_newer("a", "2", 2, 1min);
  }
  CHECK(back);
  CHECK(cache.get("a")->value == "2");
}

TEST_CASE("a Redis that stands still costs one time limit, not one per call", "[redis]") {
  own_redis server;
  redis_cache cache{server.url()};
  REQUIRE(cache.set_if_newer("a", "1", 1, 1min));
  server.pause();

  const auto took = time_of([&] {
    for (int i = 0; i < 1'000; ++i)
      CHECK_FALSE(cache.get("a").has_value());
  });
  server.resume();

  CHECK(took < 600ms);
}

TEST_CASE("no URL is no Redis", "[redis]") {
  redis_cache none{""};
  CHECK_FALSE(none.get("a").has_value());
  CHECK_FALSE(none.set_if_newer("a", "1", 1, 1min));
}
