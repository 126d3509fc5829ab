#include "soukd/api_client.hpp"

#include <stdexcept>

#include <httplib.h>
#include <nlohmann/json.hpp>

namespace souk::server {

namespace {

api_client::reply reply_of(const httplib::Result& r, const std::string& path) {
  if (!r)
    throw std::runtime_error("no answer from the shop for " + path + ": " + httplib::to_string(r.error()));
  api_client::reply out{r->status, r->body, ""};
  if (r->status >= 400)
    if (auto json = nlohmann::json::parse(r->body, nullptr, false); json.is_object() && json.contains("error"))
      out.code = json["error"].value("code", "");
  return out;
}

} // namespace

api_client::api_client(const std::string& url) : client_(std::make_unique<httplib::Client>(url)) {
  client_->set_connection_timeout(3);
  client_->set_read_timeout(60);
  client_->set_keep_alive(true);
  client_->set_tcp_nodelay(true); // head and body go out apart: without it every request with a body waits 40 ms for an ACK
}

api_client::~api_client() = default;

api_client::reply api_client::get(const std::string& path) {
  httplib::Headers headers;
  if (!token_.empty())
    headers.emplace("Authorization", "Bearer " + token_);
  return reply_of(client_->Get(path, headers), path);
}

api_client::reply api_client::post(const std::string& path, const std::string& body, const std::string& type) {
  httplib::Headers headers;
  if (!token_.empty())
    headers.emplace("Authorization", "Bearer " + token_);
  return reply_of(client_->Post(path, headers, body, type), path);
}

nlohmann::json api_client::must(const reply& r, const std::string& what) {
  if (r.status >= 400)
    throw std::runtime_error(what + ": " + std::to_string(r.status) + " " + r.body);
  return nlohmann::json::parse(r.body);
}

} // namespace souk::server
