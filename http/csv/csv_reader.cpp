#include "http/csv/csv_reader.hpp"

#include <csv.h>
#include <new>

namespace souk::http {

namespace {

/// The line at `begin`, with its end.
std::string_view line_at(std::string_view text, std::size_t begin) {
  auto end = text.find_first_of("\r\n", begin);
  if (end == std::string_view::npos)
    return text.substr(begin);
  bool crlf = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
  return text.substr(begin, end - begin + (crlf ? 2 : 1));
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// libcsv knows no lines, so it is fed one at a time, and what it calls back belongs to the row under way.
class reader {
public:
  reader(std::string_view text, const csv_visitor& visitor) : text_{text}, visitor_{visitor} {
    start_parser();
  }
  ~reader() { csv_free(&parser_); }
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;

  void run() {
    while (true) {
      while (next_ < text_.size())
        if (!feed(line_at(text_, next_)))
          go_on_after("has a quote where none belongs: write it twice inside quotes");
      if (csv_fini(&parser_, on_field, on_end, this) == 0)
        return;
      if (csv_error(&parser_) == CSV_ENOMEM)
        throw std::bad_alloc{};
      go_on_after(
        "opens a quote that is never closed"); // to its end the file was one field: look at its lines again
    }
  }

private:
  void start_parser() {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) != 0)
      throw std::bad_alloc{};
  }

  /// @returns false when the line breaks the row under way.
  bool feed(std::string_view line) {
    ++line_;
    next_ += line.size();
    if (!in_row_) {
      if (is_blank(line))
        return true;
      in_row_ = true;
      row_.line = line_;
      after_row_start_ = next_;
    }
    if (csv_parse(&parser_, line.data(), line.size(), on_field, on_end, this) == line.size())
      return true;
    if (csv_error(&parser_) == CSV_ENOMEM)
      throw std::bad_alloc{};
    return false;
  }

  void go_on_after(const char* reason) {
    visitor_.on_error(row_.line, reason);
    csv_free(&parser_);
    start_parser();
    row_.fields.clear();
    in_row_ = false;
    line_ = row_.line;
    next_ = after_row_start_;
  }

  static void on_field(void* text, std::size_t size, void* self) {
    static_cast<reader*>(self)->row_.fields.emplace_back(static_cast<const char*>(text), size);
  }

  static void on_end(int, void* self) {
    auto& me = *static_cast<reader*>(self);
    me.visitor_.on_row(me.row_);
    me.row_.fields.clear();
    me.in_row_ = false;
  }

  std::string_view text_;
  const csv_visitor& visitor_;
  csv_parser parser_{};
  csv_row row_;
  bool in_row_ = false;
  std::int64_t line_ = 0;           ///< of the last line fed
  std::size_t next_ = 0;            ///< where the next line begins
  std::size_t after_row_start_ = 0; ///< where the line after the row's first one begins
};

} // namespace

void read_csv(std::string_view text, const csv_visitor& visitor) {
  reader{text, visitor}.run();
}

} // namespace souk::http
