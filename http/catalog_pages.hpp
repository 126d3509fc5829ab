#pragma once

#include "http/facts.hpp"
#include "http/page_cache.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace souk::http {

/// A list of a store's products, as asked.
struct list_query {
  storage::product_filter filter;
  storage::page_request page;
};

/// Reads pages of the catalog that every visitor sees alike. Those who ask for the same page while it is
/// being read wait for that one read.
class catalog_pages {
public:
  catalog_pages(page_cache& cache, lending_pool<storage::catalog_reader>& readers)
    : cache_(cache), readers_(readers) {}

  /// @param key what the page is kept under: the request's path and query @param again read it even though it
  /// is kept
  /// @returns nullptr when the product does not exist or is not for sale
  std::shared_ptr<const page> product(const std::string& key, const store_facts& store,
                                      const storage::ulid& product, deadline until, bool again = false);
  std::shared_ptr<const page> list(const std::string& key, const store_facts& store, const list_query& query,
                                   deadline until, bool again = false);

private:
  struct flight {
    explicit flight(page_cache::ticket t) : taken(t) {}
    page_cache::ticket taken;
    std::mutex guard;
    std::condition_variable landed;
    bool done = false;
    std::shared_ptr<const page> bytes; ///< nullptr when it failed or found nothing
    bool failed = false;
  };

  template <class Read>
  std::shared_ptr<const page> once(const std::string& key, const page_cache::scope& what, deadline until,
                                   bool again, Read read);
  std::shared_ptr<const page> read_product(const std::string& key, const store_facts& store,
                                           const storage::ulid& product, const page_cache::ticket& taken,
                                           deadline until);
  std::shared_ptr<const page> read_list(const std::string& key, const store_facts& store,
                                        const list_query& query, const page_cache::ticket& taken,
                                        deadline until);

  page_cache& cache_;
  lending_pool<storage::catalog_reader>& readers_;
  std::mutex guard_;
  std::unordered_map<std::string, std::shared_ptr<flight>> flights_;
};

/// The body of a list, also of one that is not kept (a merchant's, with drafts).
page_text list_text(const storage::page_of<storage::product_listing>& found, const store_facts& store,
                    const list_query& query, std::vector<std::int64_t>* available);

/// The Link header of a list (RFC 8288): its neighbours by cursor, or by page number when it was asked for
/// one.
/// @param path_and_filters "/stores/X/products?q=tea", without page, after and limit
std::string link_header(const std::string& path_and_filters, const storage::page_request& page, bool more,
                        const std::string& last_id);

} // namespace souk::http
