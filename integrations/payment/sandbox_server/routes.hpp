#pragma once

#include "integrations/payment/sandbox_server/faults.hpp"
#include "integrations/payment/sandbox_server/payment_book.hpp"

#include <chrono>
#include <mutex>
#include <string>
#include <unordered_set>

namespace httplib {
class Server;
struct Request;
struct Response;
} // namespace httplib

namespace souk::sandbox {

/// What the gateway speaks: reads requests, asks the book, renders answers, and plays the faults and the
/// tokens that stall or drop. `docs/sandbox.md` describes the API.
class routes {
public:
  /// @param public_url where browsers reach this process, without a slash at the end; action URLs begin with
  /// it.
  /// @param slow how long `tok_slow` keeps its caller waiting after it was executed.
  routes(payment_book& book, std::string public_url, std::chrono::milliseconds slow);

  void install(httplib::Server& server);

private:
  using handler = void (routes::*)(const httplib::Request&, httplib::Response&);

  /// A keyed command under way: its twin hears 409 instead of a second execution or an endless wait.
  class under_way;

  void on_payment_call(const httplib::Request& request, httplib::Response& response, handler next);
  void create(const httplib::Request& request, httplib::Response& response);
  void refund(const httplib::Request& request, httplib::Response& response);
  void cancel(const httplib::Request& request, httplib::Response& response);
  void cancel_key(const httplib::Request& request, httplib::Response& response);
  void decide(const httplib::Request& request, httplib::Response& response);
  void find(const httplib::Request& request, httplib::Response& response);
  void list(const httplib::Request& request, httplib::Response& response);
  void ledger(const httplib::Request& request, httplib::Response& response);
  void read_faults(const httplib::Request& request, httplib::Response& response);
  void set_faults(const httplib::Request& request, httplib::Response& response);
  void show_action(const httplib::Request& request, httplib::Response& response);
  void take_action(const httplib::Request& request, httplib::Response& response);

  void answer(httplib::Response& response, const outcome& result) const;

  payment_book& book_;
  std::string public_url_;
  std::chrono::milliseconds slow_;
  sandbox::faults faults_;
  std::mutex under_way_mutex_;
  std::unordered_set<std::string> under_way_;
};

} // namespace souk::sandbox
