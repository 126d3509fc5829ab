#include "integrations/providers_sandbox/gate.hpp"

#include "integrations/providers_sandbox/admin.hpp"
#include "integrations/sandbox_common/connections.hpp"

#include <chrono>
#include <httplib.h>
#include <spdlog/spdlog.h>
#include <thread>

namespace souk::providers {

namespace {

using httplib::Request;
using httplib::Response;

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1); // the slash
    auto end = path.find('/');
    segments.push_back(path.substr(0, end));
    path = end == std::string_view::npos ? std::string_view{} : path.substr(end);
  }
  return segments;
}

void send(Response& response, answer said) {
  response.status = said.status;
  for (auto& [name, value] : said.headers)
    response.set_header(name, value);
  if (!said.body.empty())
    response.set_content(std::move(said.body), said.type);
}

/// Promises the whole answer, sends half of it and closes.
void send_half(Response& response, answer said) {
  response.status = said.status;
  for (auto& [name, value] : said.headers)
    response.set_header(name, value);
  auto length = said.body.size();
  response.set_content_provider(
    length, said.type, [body = std::move(said.body)](std::size_t offset, std::size_t, httplib::DataSink& sink) {
      if (offset == 0)
        sink.write(body.data(), body.size() / 2);
      return false;
    });
}

} // namespace

std::string call::header(const char* name) const {
  return request.get_header_value(name);
}

bool call::has_header(const char* name) const {
  return request.has_header(name);
}

void gate::install(httplib::Server& server) {
  // The body is read here and not by the server, which would parse forms itself and refuse those over 8 KB.
  auto with_body = [this](const Request& request, Response& response, const httplib::ContentReader& read) {
    std::string body;
    bool sent = request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
    if (sent && !read([&](const char* data, std::size_t length) {
          body.append(data, length);
          return true;
        }))
      return; // the server has set the status: too large, or cut off
    serve(request, response, std::move(body));
  };
  server.Get(".*", [this](const Request& request, Response& response) { serve(request, response, {}); });
  server.Post(".*", httplib::Server::HandlerWithContentReader{with_body});
  server.Patch(".*", httplib::Server::HandlerWithContentReader{with_body});
  server.Put(".*", httplib::Server::HandlerWithContentReader{with_body});
  server.Delete(".*", httplib::Server::HandlerWithContentReader{with_body});
  server.set_exception_handler([](const Request& request, Response& response, std::exception_ptr thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      spdlog::error("{} {}: {}", request.method, request.path, error.what());
    } catch (...) {
      spdlog::error("{} {}: an error that nobody took", request.method, request.path);
    }
    response.status = 500;
    response.set_content(R"({"error":{"type":"api_error","message":"the sandbox failed"}})", "application/json");
  });
}

void gate::serve(const Request& request, Response& response, std::string body) {
  std::string_view target{request.target};
  auto mark = target.find('?');
  auto path = target.substr(0, mark);
  auto query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  call asked{request, request.method, path, {}, query, std::move(body), {}};
  if (path == "/healthz")
    return send(response, {200, R"({"status":"ok"})"});
  if (path == "/admin" || path.starts_with("/admin/")) {
    asked.segments = split(path);
    return send(response, office_.handle(asked));
  }
  for (const auto& through : doors_) {
    if (!path.starts_with(through.base) || path.size() <= through.base.size() || path[through.base.size()] != '/')
      continue;
    asked.path = path.substr(through.base.size());
    asked.segments = split(asked.path);
    return pass(through, asked, request, response);
  }
  send(response, {404, R"({"error":{"message":"unknown path; see docs/providers-sandbox.md"}})"});
}

void gate::pass(const door& through, call& asked, const Request& request, Response& response) {
  if (asked.path.starts_with("/pages/"))
    return send(response, through.inside->handle(asked));
  auto verdict = through.knobs->judge(asked.path, through.inside->is_command(asked));
  asked.faults = verdict.inner;
  if (verdict.refuse)
    return sandbox_common::close_connection_with(request.remote_addr, request.remote_port);
  if (verdict.limit || verdict.fail_before) {
    if (verdict.inner.latency_ms > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds{verdict.inner.latency_ms});
    return send(response, through.inside->refusal(asked, verdict.limit ? 429 : 500));
  }
  auto said = through.inside->handle(asked);
  if (verdict.drop_after || (verdict.partial && said.body.size() < 2))
    return sandbox_common::close_connection_with(request.remote_addr, request.remote_port);
  if (verdict.partial)
    return send_half(response, std::move(said));
  send(response, std::move(said));
}

} // namespace souk::providers
