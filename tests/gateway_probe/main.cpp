// Drives the clients of payment and shipping providers by hand: one JSON command per line of standard input, one JSON answer per line
// of standard output. The first argument is JSON, too: {"stripe": URL, "paypal": URL, "shipstation": URL, "time_limit_ms": N,
// "tuning": {…}}. Secrets come in the clear and are sealed here, under a key that exists nowhere else.
//
//   {"client": "stripe", "verb": "authorize", "charge": {…}, "account": {"secrets": {…}, "manual_capture": false}}
//   {"together": [command, …]}   all at once, each on a thread of its own

#include "tests/gateway_probe/commands.hpp"

#include <csignal>
#include <iostream>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <thread>

using nlohmann::json;
using souk::probe::clients;

namespace {

json run(clients& all, const json& command) {
  try {
    if (!command.contains("together"))
      return all.run(command);
    const auto& commands = command["together"];
    std::vector<json> answers(commands.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < commands.size(); ++i)
      threads.emplace_back([&, i] { answers[i] = run(all, commands[i]); });
    for (auto& thread : threads)
      thread.join();
    return answers;
  } catch (const std::exception& error) {
    return {{"error", error.what()}};
  }
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: gateway-probe '{\"stripe\": URL, …}'\n";
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("probe")); // standard output is for answers
  try {
    clients all{json::parse(argv[1])};
    for (std::string line; std::getline(std::cin, line);)
      std::cout << run(all, json::parse(line)).dump() << std::endl;
  } catch (const std::exception& error) {
    std::cerr << "gateway-probe: " << error.what() << '\n';
    return 1;
  }
}
