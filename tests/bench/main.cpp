#include "tests/bench/bench.hpp"

#include <cstdlib>
#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
  using namespace souk::bench;
  const std::map<std::string, std::function<int(const options&)>> all{{"hot-sku", hot_sku},
                                                                     {"spread", spread},
                                                                     {"idle", idle},
                                                                     {"http-checkout", http_checkout},
                                                                     {"http-read", http_read},
                                                                     {"remote", remote},
                                                                     {"lanes", lanes},
                                                                     {"members", members},
                                                                     {"outbox", outbox},
                                                                     {"payments", payments},
                                                                     {"isolation", isolation}};
  options o;
  int seconds = 10;
  CLI::App app{"souk's benchmarks: the last line is one JSON object"};
  app.add_option("name", o.name, "hot-sku, spread, idle, http-checkout, http-read, remote, lanes, members, outbox, payments, isolation")
    ->required();
  app.add_option("--database-url", o.database_url, "a migrated database that nobody else uses; all but members need it");
  app.add_option("--second-database-url", o.second_database_url, "one on another server, for lanes");
  app.add_option("--base-url", o.base_url, "the edge, for benchmarks over HTTP");
  app.add_option("--direct-url", o.direct_url, "the server behind the edge");
  app.add_option("--providers-url", o.providers_url, "the providers' sandbox, for payments");
  app.add_option("--mail-port", o.mail_port, "of 127.0.0.1, where the server takes its mails to, for isolation");
  app.add_option("--seconds", seconds, "how long the measured part runs")->check(CLI::Range(1, 600));
  app.add_option("--concurrency", o.concurrency, "requests under way at once (isolation: a second); 0 = the benchmark's own choice");
  CLI11_PARSE(app, argc, argv);
  o.duration = std::chrono::seconds{seconds};
  auto at = all.find(o.name);
  if (at == all.end()) {
    std::cerr << "no benchmark is called " << o.name << "\n";
    return 2;
  }
  if (o.database_url.empty() && o.name != "members") {
    std::cerr << o.name << " needs --database-url\n";
    return 2;
  }
  try {
    return at->second(o);
  } catch (const std::exception& e) {
    std::cerr << "souk-bench " << o.name << ": " << e.what() << "\n";
    return 1;
  }
}
