#pragma once

#include "tests/bench/bench.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace souk::bench {

/// What the visitors of a load do. All of it is called on the thread that runs the load.
class load_script {
public:
  virtual ~load_script() = default;
  /// Appends the visitor's next request, ready to send, to `out` (which is empty).
  virtual void next(int visitor, std::string& out) = 0;
  /// The answer to it. @param measured it came within the measured time @returns whether it is the one hoped for
  virtual bool heard(int visitor, int status, std::string_view body, bool measured) = 0;
  /// There was no answer: the connection broke.
  virtual void lost(int /*visitor*/) {}
};

/// What a load did in its measured time.
struct load_result {
  double per_second = 0;     ///< answers that were hoped for
  std::uint64_t answers = 0; ///< the same, counted
  std::uint64_t errors = 0;  ///< other answers, and connections that broke
  std::map<int, std::uint64_t> other_answers; ///< by status; 0 is no answer at all
  latencies took;            ///< from the request's first byte to the answer's last, of those hoped for
};

/// Closed loop: `visitors` connections, each of which sends its next request as soon as it has its answer, all on this one thread
/// (the generator shares the machine with what it measures). Ends when every request under way has its answer.
/// @param url http://HOST:PORT @throws std::runtime_error when nobody answers there
load_result run_load(const std::string& url, int visitors, std::chrono::milliseconds warm_up,
                     std::chrono::milliseconds duration, load_script& script);

/// Open loop: `per_second` requests evenly spaced, sent when they are due however long others take, by whichever of the `visitors`
/// is free. Times count from when a request was due, so that one that had to wait for a free visitor shows it. What is due within
/// the measured time counts, whenever it is answered; what could not even be sent is an error without an answer.
load_result run_steady_load(const std::string& url, double per_second, int visitors, std::chrono::milliseconds warm_up,
                            std::chrono::milliseconds duration, load_script& script);

/// "GET PATH" with the headers that every request of ours has. @param more further headers, each with its CRLF
std::string get_request(const std::string& url, const std::string& path, const std::string& more = {});
/// "POST PATH" with a JSON body.
std::string post_request(const std::string& url, const std::string& path, const std::string& body,
                         const std::string& more = {});
/// The header of a bearer token, for `more`.
std::string bearer(const std::string& token);

} // namespace souk::bench
