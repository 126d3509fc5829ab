#include "tests/bench/scratch_database.hpp"

#include "storage/migrator.hpp"
#include "storage/postgres/connection.hpp"

#include <iostream>

#include <unistd.h>

namespace souk::bench {

namespace {

constexpr std::chrono::milliseconds limit{60'000};

void run_at(const std::string& url, const std::string& sql) {
  storage::postgres::connection session({url, "souk-bench", "", std::chrono::milliseconds{5'000}, limit, ""});
  session.execute(sql, limit);
}

} // namespace

scratch_database::scratch_database(std::string server_url) : server_url_(std::move(server_url)) {
  static int made = 0;
  name_ = "souk_bench_" + std::to_string(getpid()) + "_" + std::to_string(++made);
  run_at(server_url_, "CREATE DATABASE " + name_ + " TEMPLATE template0");
  // The later of two `dbname` wins in a libpq URL's parameters.
  url_ = server_url_ + (server_url_.find('?') == std::string::npos ? "?" : "&") + "dbname=" + name_;
  storage::migrate(url_);
}

scratch_database::~scratch_database() {
  try {
    run_at(server_url_, "DROP DATABASE IF EXISTS " + name_); // not by force: autovacuum is not ours to end, and goes by itself
  } catch (const std::exception& e) {
    std::cerr << name_ << " is left behind: " << e.what() << "\n";
  }
}

} // namespace souk::bench
