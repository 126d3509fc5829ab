#include "tests/bench/empty_server.hpp"

#include <csignal>
#include <stdexcept>

#include <httplib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace souk::bench {

namespace {

[[noreturn]] void serve(const std::map<std::string, prepared_answer>& answers, std::size_t threads, int tell_port) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  httplib::Server server;
  server.new_task_queue = [threads] { return new httplib::ThreadPool(threads); };
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000);
  server.set_keep_alive_timeout(60);
  // Before the routing, which tries one regular expression after the other: the library at its fastest.
  server.set_pre_routing_handler([&](const httplib::Request& asked, httplib::Response& res) {
    const auto found = answers.find(asked.target);
    if (found == answers.end()) {
      res.status = 404;
      return httplib::Server::HandlerResponse::Handled;
    }
    res.status = 200;
    for (const auto& [name, value] : found->second.headers)
      res.headers.emplace(name, value);
    res.headers.emplace("Content-Type", found->second.type);
    res.body = found->second.body;
    return httplib::Server::HandlerResponse::Handled;
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  if (write(tell_port, &port, sizeof port) != sizeof port)
    _exit(1);
  close(tell_port);
  server.listen_after_bind();
  _exit(0);
}

} // namespace

empty_server::empty_server(const std::map<std::string, prepared_answer>& answers, std::size_t threads) {
  int ends[2];
  if (pipe(ends) != 0)
    throw std::runtime_error("no pipe for the empty server");
  process_ = fork();
  if (process_ == 0) {
    close(ends[0]);
    serve(answers, threads, ends[1]);
  }
  close(ends[1]);
  int port = -1;
  const auto told = process_ > 0 ? read(ends[0], &port, sizeof port) : -1;
  close(ends[0]);
  if (told != sizeof port || port <= 0) {
    if (process_ > 0)
      waitpid(process_, nullptr, 0);
    throw std::runtime_error("the empty server did not start");
  }
  url_ = "http://127.0.0.1:" + std::to_string(port);
}

empty_server::~empty_server() {
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

} // namespace souk::bench
