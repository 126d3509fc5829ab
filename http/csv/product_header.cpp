#include "http/csv/product_header.hpp"

#include "actors/text.hpp"

#include <algorithm>
#include <unordered_map>

namespace souk::http {

namespace {

const std::unordered_map<std::string, product_column>& columns_by_name() {
  static const auto names = [] {
    std::unordered_map<std::string, product_column> map;
    for (const auto& known : product_column_names()) {
      map.emplace(lowered(known.current), known.column);
      map.emplace(lowered(known.legacy), known.column);
    }
    return map;
  }();
  return names;
}

bool is_surplus_option(const std::string& name) {
  constexpr std::string_view prefix = "option";
  if (!name.starts_with(prefix) || !(name.ends_with(" value") || name.ends_with(" name")))
    return false;
  auto digits = std::string_view{name}.substr(prefix.size(), name.find(' ') - prefix.size());
  return !digits.empty() && digits != "0"
      && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

std::string_view trimmed(std::string_view text) noexcept {
  auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string lowered(std::string_view text) {
  std::string lower{text};
  for (auto& c : lower)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + ('a' - 'A'));
  return lower;
}

std::optional<std::string> product_header::read(const std::vector<std::string>& names) {
  position_.fill(-1);
  size_ = names.size();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!actors::characters(names[i]))
      return "the header is not UTF-8";
    auto name = trimmed(names[i]);
    auto lower = lowered(name);
    if (auto known = columns_by_name().find(lower); known != columns_by_name().end()) {
      auto& position = position_[index_of(known->second)];
      if (position >= 0)
        return "the columns \"" + names[static_cast<std::size_t>(position)] + "\" and \"" + std::string{name}
             + "\" mean the same: keep one";
      position = static_cast<int>(i);
    } else if (lower.starts_with(lowered(attribute_prefix)) && name.size() > attribute_prefix.size()) {
      auto attribute = std::string{trimmed(name.substr(attribute_prefix.size()))};
      if (std::any_of(attributes_.begin(), attributes_.end(),
                      [&](const auto& other) { return other.first == attribute; }))
        return "the column \"" + std::string{name} + "\" appears twice";
      attributes_.emplace_back(std::move(attribute), i);
    } else if (is_surplus_option(lower)) {
      surplus_options_.push_back(i);
    }
  }
  for (const auto& known : product_column_names()) {
    bool needed = known.column == product_column::title || known.column == product_column::price;
    if (!needed || has(known.column))
      continue;
    std::string reason = "the column \"" + std::string{known.current} + "\"";
    if (known.current != known.legacy)
      reason += " (or \"" + std::string{known.legacy} + "\")";
    reason += " is missing";
    if (names.size() == 1 && names[0].find_first_of(";\t") != std::string::npos)
      reason += ": columns are separated by commas, not by semicolons or tabs";
    return reason;
  }
  return std::nullopt;
}

std::string_view product_header::raw(const std::vector<std::string>& row, product_column column) const {
  auto position = position_[index_of(column)];
  return position < 0 ? std::string_view{} : std::string_view{row[static_cast<std::size_t>(position)]};
}

std::string_view product_header::cell(const std::vector<std::string>& row, product_column column) const {
  return trimmed(raw(row, column));
}

} // namespace souk::http
