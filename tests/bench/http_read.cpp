// Reading the catalog over HTTP: at the server itself, and through the edge with its cache.

#include "config/settings.hpp"
#include "tests/bench/api_market.hpp"
#include "tests/bench/empty_server.hpp"
#include "tests/bench/load.hpp"

#include <algorithm>
#include <iostream>
#include <random>
#include <stdexcept>

#include <httplib.h>

namespace souk::bench {

namespace {

constexpr int visitors_by_default = 32;
constexpr std::size_t lists_in_ten = 2; ///< of ten reads; the others are products

/// A page as the server sends it.
struct kept_page {
  std::string path;
  prepared_answer answer;
};

/// Headers that say who answered, or that the library writes by itself.
bool is_of_the_transfer(const std::string& name) {
  for (const char* other : {"Content-Length", "Content-Type", "Connection", "Keep-Alive", "Transfer-Encoding"})
    if (strcasecmp(name.c_str(), other) == 0)
      return true;
  return false;
}

std::vector<kept_page> fetch(const std::string& url, const std::vector<std::string>& paths) {
  httplib::Client client{url};
  client.set_keep_alive(true);
  std::vector<kept_page> out;
  for (const auto& path : paths) {
    const auto got = client.Get(path);
    if (!got || got->status != 200)
      throw std::runtime_error(url + path + ": " + (got ? std::to_string(got->status) : httplib::to_string(got.error())));
    kept_page page{path, {got->get_header_value("Content-Type"), got->body, {}}};
    for (const auto& [name, value] : got->headers)
      if (!is_of_the_transfer(name))
        page.answer.headers.emplace_back(name, value);
    out.push_back(std::move(page));
  }
  return out;
}

/// Reads pages drawn at random, and sees that each is the one that was asked for.
class reading final : public load_script {
public:
  /// @param share of `often` in ten reads, the others are of `other`
  reading(const std::string& url, const std::vector<kept_page>& often, std::size_t share, const std::vector<kept_page>& other)
    : share_(share) {
    add(url, often, first_);
    add(url, other, second_);
  }

  void next(int visitor, std::string& out) override {
    const auto& pages = random_() % 10 < share_ ? first_ : second_;
    const auto& page = pages[random_() % pages.size()];
    const auto at = static_cast<std::size_t>(visitor);
    if (expected_.size() <= at)
      expected_.resize(at + 1);
    expected_[at] = page.size;
    out = page.request;
  }

  bool heard(int visitor, int status, std::string_view body, bool) override {
    return status == 200 && body.size() == expected_[static_cast<std::size_t>(visitor)];
  }

private:
  struct known_page {
    std::string request;
    std::size_t size = 0;
  };
  static void add(const std::string& url, const std::vector<kept_page>& from, std::vector<known_page>& to) {
    for (const auto& p : from)
      to.push_back({get_request(url, p.path), p.answer.body.size()});
  }

  std::size_t share_;
  std::vector<known_page> first_, second_;
  std::vector<std::size_t> expected_; ///< by visitor
  std::mt19937 random_{3};
};

/// Several short runs of one load, taken together.
struct sum {
  double per_second = 0;
  std::uint64_t errors = 0;
  latencies took;
  int runs = 0;

  void add(const load_result& r) {
    per_second = (per_second * runs + r.per_second) / (runs + 1);
    ++runs;
    errors += r.errors;
    took.merge(r.took);
  }
};

double mean_bytes(const std::vector<kept_page>& pages) {
  std::size_t all = 0;
  for (const auto& p : pages)
    all += p.answer.body.size();
  return static_cast<double>(all) / static_cast<double>(pages.size());
}

} // namespace

int http_read(const options& o) {
  if (o.base_url.empty() || o.direct_url.empty())
    throw std::runtime_error("--base-url and --direct-url are needed: where the edge and the server answer");
  using std::chrono::milliseconds;
  const auto market = open_api_market(o.base_url, {.stores = 5, .products_each = 60, .variants_each = 3, .guests = 0});
  std::vector<std::string> product_paths, list_paths;
  for (const auto& g : market.goods)
    if (auto path = "/products/" + g.product; product_paths.empty() || product_paths.back() != path)
      product_paths.push_back(std::move(path));
  for (const auto& store : market.stores)
    for (const char* page : {"1", "2", "3"})
      list_paths.push_back("/stores/" + store + "/products?page=" + page + "&limit=20");
  const auto products = fetch(o.direct_url, product_paths);
  const auto lists = fetch(o.direct_url, list_paths);

  std::map<std::string, prepared_answer> answers;
  for (const auto* pages : {&products, &lists})
    for (const auto& p : *pages)
      answers.emplace(p.path, p.answer);
  const empty_server empty{answers, config::settings{}.http_threads};

  const int visitors = o.concurrency > 0 ? o.concurrency : visitors_by_default;
  reading direct_reads{o.direct_url, lists, lists_in_ten, products};
  reading direct_products{o.direct_url, products, 10, products};
  reading direct_lists{o.direct_url, lists, 10, lists};
  reading empty_reads{empty.url(), lists, lists_in_ten, products};
  reading edge_reads{o.base_url, lists, lists_in_ten, products};

  // In turns of a second, so that what else the machine does meets all alike.
  const int rounds = static_cast<int>(std::min<std::int64_t>(o.duration.count(), 20));
  const milliseconds slice = milliseconds{o.duration} / rounds, warm_up{200};
  sum direct, baseline, edge, product_only, list_only;
  for (int i = 0; i < rounds; ++i) {
    direct.add(run_load(o.direct_url, visitors, warm_up, slice, direct_reads));
    baseline.add(run_load(empty.url(), visitors, warm_up, slice, empty_reads));
    edge.add(run_load(o.base_url, visitors, warm_up, slice, edge_reads));
    product_only.add(run_load(o.direct_url, visitors, warm_up, slice / 2, direct_products));
    list_only.add(run_load(o.direct_url, visitors, warm_up, slice / 2, direct_lists));
  }
  std::cerr << "reads: 8 products for 2 lists of 20; the ratio is that of the server itself to an empty cpp-httplib handler with "
               "the same bytes; edge_*: through the edge and its cache\n";
  report(o.name,
         {{"reads_per_s", direct.per_second},
          {"p50_ms", direct.took.percentile(50)},
          {"p99_ms", direct.took.percentile(99)},
          {"products_per_s", product_only.per_second},
          {"products_p99_ms", product_only.took.percentile(99)},
          {"lists_per_s", list_only.per_second},
          {"lists_p99_ms", list_only.took.percentile(99)},
          {"edge_per_s", edge.per_second},
          {"edge_p99_ms", edge.took.percentile(99)},
          {"baseline_p99_ms", baseline.took.percentile(99)},
          {"product_bytes", mean_bytes(products)},
          {"list_bytes", mean_bytes(lists)},
          {"errors", static_cast<double>(direct.errors + baseline.errors + edge.errors + product_only.errors + list_only.errors)},
          {"under_way", visitors}},
         baseline.per_second, baseline.per_second > 0 ? direct.per_second / baseline.per_second : 0);
  return direct.took.count() > 0 && edge.took.count() > 0 ? 0 : 1;
}

} // namespace souk::bench
