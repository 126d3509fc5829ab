#pragma once

#include "http/csv/product_columns.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::http {

/// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text) noexcept;

/// ASCII letters in lower case, all else as it is.
std::string lowered(std::string_view text);

/// Where a file has which column.
class product_header {
public:
  /// @returns why the header cannot be used, or nullopt.
  std::optional<std::string> read(const std::vector<std::string>& names);

  std::size_t size() const { return size_; }
  bool has(product_column column) const { return position_[index_of(column)] >= 0; }

  /// The cell, trimmed; empty when the file has no such column. @pre row has size() fields
  std::string_view cell(const std::vector<std::string>& row, product_column column) const;
  /// The same as it was written.
  std::string_view raw(const std::vector<std::string>& row, product_column column) const;

  /// Columns "Option4 name" and beyond, which Shopify does not have: a value there must not be lost silently.
  const std::vector<std::size_t>& surplus_options() const { return surplus_options_; }
  /// Attribute name and column.
  const std::vector<std::pair<std::string, std::size_t>>& attributes() const { return attributes_; }

private:
  std::array<int, product_column_count> position_{};
  std::size_t size_ = 0;
  std::vector<std::size_t> surplus_options_;
  std::vector<std::pair<std::string, std::size_t>> attributes_;
};

} // namespace souk::http
