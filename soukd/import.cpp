#include "actors/money/currency.hpp"
#include "http/csv/product_csv.hpp"
#include "soukd/api_client.hpp"
#include "soukd/catalog_import.hpp"
#include "soukd/commands.hpp"
#include "storage/ulid.hpp"

#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>
#include <unistd.h>

namespace souk::server {

namespace {

std::string read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in)
    throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

void progress(std::int64_t done, std::int64_t all, bool last) {
  if (!isatty(STDERR_FILENO) && !last)
    return;
  constexpr int width = 40;
  int filled = all == 0 ? width : static_cast<int>(done * width / all);
  std::cerr << '\r' << '[' << std::string(static_cast<std::size_t>(filled), '#')
            << std::string(static_cast<std::size_t>(width - filled), ' ') << "] " << done << " of " << all << " products";
  if (last)
    std::cerr << '\n';
  std::cerr << std::flush;
}

} // namespace

import_outcome import_catalog(api_client& shop, const std::string& store, const std::string& csv,
                              const std::function<void(std::int64_t done, bool last)>& told) {
  auto started = shop.must(shop.post("/stores/" + store + "/imports", csv, "text/csv"), "starting the import");
  auto id = started.at("import_id").get<std::string>();
  for (;;) {
    auto now = shop.must(shop.get("/stores/" + store + "/imports/" + id), "asking for the import");
    auto status = now.at("status").get<std::string>();
    bool over = status != "running";
    told(now.at("products").get<std::int64_t>(), over);
    if (over) {
      import_outcome out;
      out.finished = status == "finished";
      out.products = now.at("products").get<std::int64_t>();
      out.variants = now.at("variants").get<std::int64_t>();
      for (const auto& e : now.at("errors"))
        out.errors.push_back({e.at("line").get<std::int64_t>(), e.at("reason").get<std::string>()});
      return out;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  }
}

int import(const config::parsed& p) {
  api_client shop{p.options.at("url")};
  auto given = p.options.find("token");
  auto token = given == p.options.end() ? std::string{} : given->second;
  if (token.empty())
    throw std::runtime_error("a merchant's token is needed: --token or SOUK_TOKEN");
  shop.use_token(token);
  auto store = p.arguments.at(0);
  if (!storage::ulid::parse(store))
    store = shop.must(shop.get("/stores?slug=" + store), "looking for the store " + store).at("store_id").get<std::string>();
  auto csv = read_file(p.arguments.at(1));
  auto unit = actors::currency::of(shop.must(shop.get("/stores/" + store), "reading the store").at("currency").get<std::string>());
  auto all = static_cast<std::int64_t>(http::parse_product_csv(csv, unit ? unit->exponent() : 2).products.size());
  auto out = import_catalog(shop, store, csv,
                            [&](std::int64_t done, bool last) { progress(done, std::max(all, done), last); });
  std::cout << (out.finished ? "imported " : "stopped after ") << out.products << " products with " << out.variants
            << " variants, " << out.errors.size() << " lines refused\n";
  for (const auto& e : out.errors)
    std::cout << "  line " << e.line << ": " << e.reason << "\n";
  return out.finished ? 0 : 1;
}

} // namespace souk::server
