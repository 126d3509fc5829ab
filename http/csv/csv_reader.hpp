#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace souk::http {

struct csv_row {
  std::int64_t line =
    0; ///< where the row begins, the file's first line being 1; a quoted field may span several
  std::vector<std::string> fields;
};

struct csv_visitor {
  std::function<void(csv_row&)> on_row; ///< may take the fields away
  std::function<void(std::int64_t line, std::string reason)> on_error;
};

/// Reads RFC 4180 CSV: quotes checked strictly, CRLF, LF or CR, blank lines skipped, unquoted fields trimmed.
/// A row with a broken quote is reported where it begins, and reading goes on with the next line: one bad
/// line must not swallow the rest of the file.
void read_csv(std::string_view text, const csv_visitor& visitor);

} // namespace souk::http
