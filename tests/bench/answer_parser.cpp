#include "tests/bench/answer_parser.hpp"

#include <algorithm>
#include <charconv>

#include <strings.h>

namespace souk::bench {

namespace {

constexpr std::size_t head_max = 64 * 1024;
constexpr std::size_t line_max = 8 * 1024;
constexpr std::size_t body_max = std::size_t{64} << 20;

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// @returns whether the whole text is a number of at most `body_max`
bool read_size(std::string_view text, std::size_t& into, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into, base);
  return error == std::errc{} && end == text.data() + text.size() && into <= body_max;
}

} // namespace

std::size_t answer_parser::take(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !done() && !malformed()) {
    const auto rest = bytes.substr(taken);
    switch (at_) {
      case state::head:
        taken += take_head(rest);
        break;
      case state::sized_body:
      case state::chunk: {
        const auto n = std::min(left_, rest.size());
        body_.append(rest.substr(0, n));
        taken += n;
        left_ -= n;
        if (left_ == 0)
          at_ = at_ == state::chunk ? state::chunk_end : state::done;
        break;
      }
      default:
        taken += take_line(rest);
    }
  }
  return taken;
}

void answer_parser::next() {
  at_ = state::head;
  head_.clear();
  body_.clear();
  left_ = 0;
  keeps_alive_ = true;
  chunked_ = false;
}

std::size_t answer_parser::take_head(std::string_view bytes) {
  const auto before = head_.size();
  head_.append(bytes);
  const auto end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    if (head_.size() > head_max)
      at_ = state::malformed;
    return bytes.size();
  }
  head_.resize(end + 2); // every line of it ends with CRLF
  read_head();
  head_.clear();
  return end + 4 - before;
}

void answer_parser::read_head() {
  const std::string_view head = head_;
  auto line_end = head.find("\r\n");
  const auto first = head.substr(0, line_end);
  std::size_t code = 0;
  at_ = state::malformed;
  if (first.size() < 12 || !first.starts_with("HTTP/1.") || first[8] != ' ' || !read_size(first.substr(9, 3), code, 10)
      || (first.size() > 12 && first[12] != ' '))
    return;
  status_ = static_cast<int>(code);
  keeps_alive_ = first[7] != '0';
  chunked_ = false;
  bool sized = false;
  while (line_end + 2 < head.size()) {
    const auto begin = line_end + 2;
    line_end = head.find("\r\n", begin);
    const auto line = head.substr(begin, line_end - begin);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
      return;
    const auto name = line.substr(0, colon);
    if (same(name, "Content-Length")) {
      std::size_t length = 0;
      if (!read_size(trimmed(line.substr(colon + 1)), length, 10) || (sized && length != left_))
        return;
      left_ = length;
      sized = true;
    } else if (!read_header(name, trimmed(line.substr(colon + 1))))
      return;
  }
  if (status_ < 200) { // an interim answer: the real one follows
    left_ = 0;
    at_ = state::head;
  } else if (status_ == 204 || status_ == 304)
    at_ = state::done;
  else if (chunked_)
    at_ = state::chunk_size;
  else if (sized)
    at_ = left_ == 0 ? state::done : state::sized_body;
}

bool answer_parser::read_header(std::string_view name, std::string_view value) {
  if (same(name, "Connection"))
    keeps_alive_ = same(value, "close") ? false : keeps_alive_ || same(value, "keep-alive");
  else if (same(name, "Transfer-Encoding")) {
    if (!same(value, "chunked"))
      return false;
    chunked_ = true;
  }
  return true;
}

std::size_t answer_parser::take_line(std::string_view bytes) {
  const auto end = bytes.find('\n');
  const auto n = end == std::string_view::npos ? bytes.size() : end + 1;
  head_.append(bytes.substr(0, n));
  if (head_.size() > line_max)
    at_ = state::malformed;
  else if (head_.ends_with("\r\n"))
    read_line();
  else if (head_.ends_with('\n'))
    at_ = state::malformed;
  return n;
}

void answer_parser::read_line() {
  const auto line = std::string_view{head_}.substr(0, head_.size() - 2);
  switch (at_) {
    case state::chunk_size:
      // An extension may follow a semicolon; it means nothing to us.
      if (!read_size(trimmed(line.substr(0, line.find(';'))), left_, 16) || body_.size() + left_ > body_max)
        at_ = state::malformed;
      else
        at_ = left_ == 0 ? state::trailer : state::chunk;
      break;
    case state::chunk_end:
      at_ = line.empty() ? state::chunk_size : state::malformed;
      break;
    default: // trailers are skipped
      if (line.empty())
        at_ = state::done;
  }
  head_.clear();
}

} // namespace souk::bench
