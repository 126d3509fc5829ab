#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>

// What every user of libpq in this folder needs.
namespace souk::storage::postgres {

struct clear_result {
  void operator()(pg_result* r) const noexcept { PQclear(r); }
};
using result_pointer = std::unique_ptr<pg_result, clear_result>;

/// libpq's texts end in line breaks.
inline std::string trimmed(const char* message) {
  std::string out = message != nullptr ? message : "";
  while (!out.empty() && (out.back() == '\n' || out.back() == ' '))
    out.pop_back();
  return out;
}

} // namespace souk::storage::postgres
