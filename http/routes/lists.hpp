#pragma once

#include "http/catalog_pages.hpp"
#include "http/json/writer.hpp"

#include <string>
#include <string_view>

namespace souk::http::routes {

/// A page of rows that have an id, with links to its neighbours.
/// @param path of the list, without a query @param write (json::writer&, row)
template <class Row, class Write>
response list_of(std::string_view name, const std::string& path, const storage::page_request& page,
                 const storage::page_of<Row>& found, Write write) {
  json::writer out;
  out.begin_object().key(name).begin_array();
  for (const auto& row : found.rows)
    write(out, row);
  out.end_array();
  if (!page.after)
    out.field("page", page.page);
  out.field("limit", page.limit).field("total", found.total).field("has_more", found.more).end_object();
  auto answer = ok(std::move(out).text());
  const auto last = found.rows.empty() ? std::string{} : found.rows.back().id.str();
  if (auto link = link_header(path, page, found.more, last); !link.empty())
    answer.headers.emplace_back("Link", std::move(link));
  return answer;
}

} // namespace souk::http::routes
