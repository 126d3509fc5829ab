#include "http/catalog_pages.hpp"

#include "http/catalog_json.hpp"

#include <fmt/format.h>

namespace souk::http {

std::string link_header(const std::string& path_and_filters, const storage::page_request& page, bool more,
                        const std::string& last_id) {
  const char glue = path_and_filters.find('?') == std::string::npos ? '?' : '&';
  std::string out;
  if (!page.after && page.page > 1)
    out = fmt::format("<{}{}page={}&limit={}>; rel=\"previous\"", path_and_filters, glue, page.page - 1,
                      page.limit);
  if (more && !last_id.empty()) {
    if (!out.empty())
      out += ", ";
    if (page.after || page.page == 1)
      out +=
        fmt::format("<{}{}after={}&limit={}>; rel=\"next\"", path_and_filters, glue, last_id, page.limit);
    else
      out += fmt::format("<{}{}page={}&limit={}>; rel=\"next\"", path_and_filters, glue, page.page + 1,
                         page.limit);
  }
  return out;
}

page_text list_text(const storage::page_of<storage::product_listing>& found, const store_facts& store,
                    const list_query& query, std::vector<std::int64_t>* available) {
  figure_slots slots;
  json::writer out;
  out.begin_object().key("products").begin_array();
  for (const auto& listing : found.rows)
    write_product(out, listing, store.unit, detail::list, available == nullptr ? nullptr : &slots);
  out.end_array();
  if (!query.page.after)
    out.field("page", query.page.page);
  out.field("limit", query.page.limit)
    .field("total", found.total)
    .field("has_more", found.more)
    .key("next_after");
  const auto last =
    found.rows.empty() || !found.more ? std::string{} : found.rows.back().product.product.id.str();
  if (last.empty())
    out.null();
  else
    out.value(last);
  out.end_object();

  std::string path = fmt::format("/stores/{}/products", store.id.str());
  char glue = '?';
  for (const auto& [name, value] : {std::pair{"q", &query.filter.text}, {"category", &query.filter.category}})
    if (!value->empty()) {
      path += fmt::format("{}{}={}", glue, name, percent_encoded(*value));
      glue = '&';
    }
  page_text text{std::move(out).text(), std::move(slots.slots), std::move(slots.variants),
                 link_header(path, query.page, found.more, last)};
  if (available != nullptr)
    *available = std::move(slots.available);
  return text;
}

template <class Read>
std::shared_ptr<const page> catalog_pages::once(const std::string& key, const page_cache::scope& what,
                                                deadline until, bool again, Read read) {
  if (!again)
    if (auto kept = cache_.find(key); kept.bytes && !kept.refresh)
      return kept.bytes;
  const auto taken = cache_.before_read(what);
  std::shared_ptr<flight> mine;
  {
    std::unique_lock lock{guard_};
    auto& slot = flights_[key];
    // A read that began before the last change may miss it: it is no good to whoever asks after the change.
    if (slot && slot->taken.counter == taken.counter && slot->taken.generation == taken.generation) {
      const auto theirs = slot;
      lock.unlock();
      std::unique_lock waiting{theirs->guard};
      if (!theirs->landed.wait_until(waiting, until, [&] { return theirs->done; }))
        throw refusal{.why = errc::timeout};
      if (theirs->failed)
        throw refusal{.why = runtime::errc::unavailable};
      return theirs->bytes;
    }
    slot = mine = std::make_shared<flight>(taken);
  }
  const auto land = [&](std::shared_ptr<const page> bytes, bool failed) {
    {
      const std::lock_guard lock{guard_};
      if (const auto at = flights_.find(key); at != flights_.end() && at->second == mine)
        flights_.erase(at);
    }
    {
      const std::lock_guard lock{mine->guard};
      mine->bytes = std::move(bytes);
      mine->failed = failed;
      mine->done = true;
    }
    mine->landed.notify_all();
  };
  try {
    auto bytes = read(taken);
    land(bytes, false);
    return bytes;
  } catch (...) {
    land(nullptr, true);
    throw;
  }
}

std::shared_ptr<const page> catalog_pages::product(const std::string& key, const store_facts& store,
                                                   const storage::ulid& product, deadline until, bool again) {
  return once(key, {store.id, product}, until, again,
              [&](const auto& taken) { return read_product(key, store, product, taken, until); });
}

std::shared_ptr<const page> catalog_pages::list(const std::string& key, const store_facts& store,
                                                const list_query& query, deadline until, bool again) {
  return once(key, {store.id, {}}, until, again,
              [&](const auto& taken) { return read_list(key, store, query, taken, until); });
}

std::shared_ptr<const page> catalog_pages::read_product(const std::string& key, const store_facts& store,
                                                        const storage::ulid& product,
                                                        const page_cache::ticket& taken, deadline until) {
  const auto found = readers_.borrow(until)->product(store.id, product);
  if (!found || found->product.product.status != storage::product_status::active)
    return nullptr;
  figure_slots slots;
  json::writer out;
  write_product(out, *found, store.unit, detail::full, &slots);
  return cache_.put(key, taken,
                    {std::move(out).text(), std::move(slots.slots), std::move(slots.variants), {}},
                    slots.available);
}

std::shared_ptr<const page> catalog_pages::read_list(const std::string& key, const store_facts& store,
                                                     const list_query& query, const page_cache::ticket& taken,
                                                     deadline until) {
  const auto found = readers_.borrow(until)->products(store.id, query.filter, query.page);
  std::vector<std::int64_t> available;
  auto text = list_text(found, store, query, &available);
  return cache_.put(key, taken, std::move(text), available);
}

} // namespace souk::http
