#include "config/command_line.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

namespace souk::config {
namespace {

/// A variable of the environment for as long as a test runs.
class variable {
public:
  variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;
  ~variable() { ::unsetenv(name_); }

private:
  const char* name_;
};

class settings_file {
public:
  explicit settings_file(const char* text)
    : path_("/tmp/souk-settings-" + std::to_string(::getpid()) + ".toml") {
    std::ofstream{path_} << text;
  }
  settings_file(const settings_file&) = delete;
  settings_file& operator=(const settings_file&) = delete;
  ~settings_file() { std::remove(path_.c_str()); }
  const char* path() const { return path_.c_str(); }

private:
  std::string path_;
};

std::variant<parsed, stop> run(std::vector<const char*> words) {
  static const std::vector<command> commands{
    {.name = "serve", .description = "serve the shop", .needs_database = false},
    {.name = "import",
     .description = "import products",
     .positionals = {{"STORE", "slug or id"}, {"FILE", "a CSV"}},
     .options = {{"url", "of the running shop", false}, {"token", "the merchant's", false, "SOUK_TOKEN"}},
     .switches = {{"quiet", "no progress bar", false}},
     .needs_database = false},
    {.name = "migrate", .description = "migrate the database"},
  };
  words.insert(words.begin(), "soukd");
  return parse(static_cast<int>(words.size()), words.data(), commands);
}

settings chosen(std::vector<const char*> words) {
  auto result = run(std::move(words));
  if (const auto* refused = std::get_if<stop>(&result))
    FAIL("refused: " << refused->text);
  return std::get<parsed>(result).settings;
}

std::string refusal(std::vector<const char*> words) {
  auto result = run(std::move(words));
  REQUIRE(std::holds_alternative<stop>(result));
  CHECK(std::get<stop>(result).exit_code == 2);
  return std::get<stop>(result).text;
}

using Catch::Matchers::Contains;

TEST_CASE("a setting comes from the flag, else the environment, else the file, else its default") {
  settings_file file{"listen_port = 1001\nhttp_threads = 11\nreaders = 3\n"};
  variable port{"SOUK_LISTEN_PORT", "1002"};
  variable threads{"SOUK_HTTP_THREADS", "12"};
  const auto s = chosen({"--config", file.path(), "--listen-port", "1003"});
  CHECK(s.listen_port == 1003);
  CHECK(s.http_threads == 12);
  CHECK(s.readers == 3);
  CHECK(s.journal_lanes == settings{}.journal_lanes);
}

TEST_CASE("every setting can be given in the way that describe shows it") {
  for (const auto& each : all_settings()) {
    settings into;
    const auto shown = each.show(into);
    if (!shown.empty())
      CHECK(each.assign(into, shown) == std::nullopt);
  }
}

TEST_CASE("a wrong setting is refused by the name under which it was given") {
  CHECK_THAT(refusal({"--listen-port", "65536"}), Contains("--listen-port") && Contains("65535"));
  CHECK_THAT(refusal({"--redis-url", "localhost"}), Contains("--redis-url"));
  CHECK_THAT(refusal({"--log-level", "loud"}), Contains("trace, debug, info"));
  CHECK_THAT(refusal({"--listen-prt", "1"}), Contains("--listen-prt"));
  CHECK_THAT(refusal({"--readers", "4x"}), Contains("'4x' is not a whole number"));
  CHECK_THAT(refusal({"--readers", "99999999999999999999"}), Contains("not a whole number"));
  {
    variable lanes{"SOUK_JOURNAL_LANES", "0"};
    CHECK_THAT(refusal({}), Contains("SOUK_JOURNAL_LANES"));
  }
  settings_file file{"reader = 3\n"};
  CHECK_THAT(refusal({"--config", file.path()}), Contains("no setting 'reader'"));
  CHECK_THAT(refusal({"--config", "/nowhere/souk.toml"}), Contains("/nowhere/souk.toml"));
}

TEST_CASE("settings that contradict each other are refused") {
  CHECK_THAT(refusal({"--heartbeat-ms", "4000"}), Contains("node_stale_ms"));
  CHECK_THAT(refusal({"--checkout-wait-ms", "5000"}), Contains("checkout_wait_ms"));
}

TEST_CASE("nodes speak plain TCP on loopback addresses only") {
  for (const auto* host : {"10.0.0.1", "localhost.example.com", "127.example.com", "1127.0.0.1", "::2", "0.0.0.0"})
    CHECK_THAT(refusal({"--cluster-port", "7100", "--cluster-host", host}), Contains("plain TCP"));
  CHECK_THAT(refusal({"--cluster-port", "7100", "--cluster-host", "127.0.0.1", "--cluster-address", "10.0.0.1:7100"}), Contains("plain TCP"));
  for (const auto* host : {"127.0.0.1", "127.8.9.10", "localhost", "::1"})
    CHECK(chosen({"--cluster-port", "7100", "--cluster-host", host}).cluster_host == host);
}

TEST_CASE("several databases are given as an array, with semicolons, or one flag each") {
  const std::vector<std::string> both{"postgresql:///a", "postgresql:///b"};
  settings_file file{"database_url = [\"postgresql:///a\", \"postgresql:///b\"]\n"};
  CHECK(chosen({"--config", file.path()}).database_url == both);
  CHECK(chosen({"--database-url", "postgresql:///a", "--database-url", "postgresql:///b"}).database_url
        == both);
  variable urls{"SOUK_DATABASE_URL", "postgresql:///a;postgresql:///b"};
  CHECK(chosen({}).database_url == both);
  CHECK_THAT(refusal({"--database-url", "postgresql:///a", "--database-url", "postgresql:///a"}),
             Contains("twice"));
}

TEST_CASE("bytes may be written in KiB, MiB and GiB") {
  CHECK(chosen({"--max-import-bytes", "64MiB"}).max_import_bytes == 64u << 20);
  CHECK_THAT(refusal({"--max-import-bytes", "64MB"}), Contains("MiB"));
  CHECK_THAT(refusal({"--max-import-bytes", "9223372036854775807GiB"}), Contains("not a whole number"));
}

TEST_CASE("passwords do not show") {
  settings s;
  s.database_url = {"postgresql://shop:s3cret@db/souk", "host=db password='my s3cret' user=shop"};
  s.redis_url = "redis://:s3cret@cache:6379";
  for (const auto& line : describe(s))
    CHECK_THAT(line, !Contains("s3cret"));
  CHECK(redacted(s.database_url[0]) == "postgresql://shop:***@db/souk");
}

TEST_CASE("a command takes its own words, and settings may stand after it") {
  auto result =
    run({"import", "tea-house", "teas.csv", "--url", "http://127.0.0.1:1", "--quiet", "--readers", "9"});
  REQUIRE(std::holds_alternative<parsed>(result));
  const auto& p = std::get<parsed>(result);
  CHECK(p.subcommand == "import");
  CHECK(p.arguments == std::vector<std::string>{"tea-house", "teas.csv"});
  CHECK(p.options == std::map<std::string, std::string>{{"url", "http://127.0.0.1:1"}, {"quiet", "true"}});
  CHECK(p.settings.readers == 9);
  variable token{"SOUK_TOKEN", "t0ken"};
  result = run({"import", "tea-house", "teas.csv"});
  CHECK(std::get<parsed>(result).options == std::map<std::string, std::string>{{"token", "t0ken"}});
  CHECK(std::get<parsed>(result).warnings.empty());
  CHECK_THAT(refusal({"import", "tea-house"}), Contains("FILE"));
  CHECK_THAT(refusal({"migrate"}), Contains("database_url is missing"));
  CHECK(std::get<parsed>(run({})).subcommand == "serve");
}

TEST_CASE("help names every setting") {
  auto result = run({"--help"});
  REQUIRE(std::holds_alternative<stop>(result));
  CHECK(std::get<stop>(result).exit_code == 0);
  for (const auto& each : all_settings()) {
    auto flag = each.name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    CHECK_THAT(std::get<stop>(result).text, Contains("--" + flag));
  }
}

TEST_CASE("a misspelt variable is worth a warning, a known one is not") {
  variable wrong{"SOUK_LISTN_PORT", "1"};
  variable right{"SOUK_READERS", "5"};
  auto result = run({});
  const auto& warnings = std::get<parsed>(result).warnings;
  CHECK(std::any_of(warnings.begin(), warnings.end(),
                    [](const auto& text) { return text.find("SOUK_LISTN_PORT") != std::string::npos; }));
  CHECK(std::none_of(warnings.begin(), warnings.end(),
                     [](const auto& text) { return text.find("SOUK_READERS") != std::string::npos; }));
}

} // namespace
} // namespace souk::config
