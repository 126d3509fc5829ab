#include "actors/importing/import_rules.hpp"

#include "actors/product/product_checks.hpp"

#include <algorithm>
#include <unordered_map>

namespace souk::actors {

namespace {

/// In the order of the file, the first ones when there are too many.
void note_error(storage::import_row& row, std::int64_t line, std::string reason) {
  auto at = std::upper_bound(row.errors.begin(), row.errors.end(), line,
                             [](std::int64_t l, const auto& error) { return l < error.line; });
  row.errors.insert(at, {line, std::move(reason)});
  if (row.errors.size() > import_rules::errors_max)
    row.errors.pop_back();
}

/// Line 0: not about a line. It comes first, so it is seen however many others there are.
void note_about_all(storage::import_row& row, std::string reason) {
  note_error(row, 0, std::move(reason));
}

} // namespace

namespace import_rules {

create_product as_new(const import_product& wanted, const caller& by, const storage::ulid& store,
                      const storage::ulid& id) {
  create_product c{by, store, wanted.product, wanted.variants};
  c.product.id = id;
  for (auto& variant : c.variants)
    variant.row.id = {};
  return c;
}

change_product as_change(const import_product& wanted, const caller& by, const storage::ulid& store,
                         const storage::ulid& id) {
  change_product c;
  c.by = by;
  c.store_id = store;
  c.product_id = id;
  const auto& product = wanted.product;
  c.title = product.title;
  c.description = product.description;
  c.vendor = product.vendor;
  c.category = product.category;
  c.product_type = product.product_type;
  c.tags = product.tags;
  c.status = product.status;
  c.options = product.options;
  c.images = product.images;
  c.seo_title = product.seo_title;
  c.seo_description = product.seo_description;
  c.variants = wanted.variants;
  for (auto& variant : *c.variants)
    variant.row.id = {};
  c.stock_reason = "imported";
  return c;
}

} // namespace import_rules

import_book::import_book(storage::import_row row, std::vector<import_product> products)
  : row_(std::move(row)) {
  std::stable_sort(row_.errors.begin(), row_.errors.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  if (row_.errors.size() > import_rules::errors_max)
    row_.errors.resize(import_rules::errors_max);
  // Two products under one handle would overwrite each other with every import.
  std::unordered_map<std::string, std::int64_t> seen;
  products_.reserve(products.size());
  for (auto& p : products) {
    auto& handle = p.product.handle;
    handle = product_checks::make_handle(handle.empty() ? p.product.title : handle);
    if (handle.empty()) {
      note(p.line, "the product has neither a handle nor a title to make one of");
      continue;
    }
    if (auto [at, fresh] = seen.try_emplace(handle, p.line); !fresh) {
      note(p.line, "another product of the file has the handle " + handle + ": see line "
                     + std::to_string(at->second));
      continue;
    }
    products_.push_back(std::move(p));
  }
}

std::optional<std::size_t> import_book::next() {
  if (next_ == products_.size())
    return std::nullopt;
  ++under_way_;
  return next_++;
}

void import_book::done(std::size_t i) {
  ++row_.products;
  row_.variants += static_cast<std::int64_t>(products_[i].variants.size());
  end(i);
}

void import_book::failed(std::size_t i, std::string reason) {
  note(products_[i].line, std::move(reason));
  end(i);
}

void import_book::give_up(std::string reason) {
  if (gave_up_)
    return;
  gave_up_ = true;
  note_about_all(row_, std::move(reason));
  products_.resize(next_);
}

void import_book::end(std::size_t i) {
  products_[i] = {}; // a large file need not stay in memory until its last line is done
  --under_way_;
  ++since_saved_;
}

void import_book::note(std::int64_t line, std::string reason) {
  note_error(row_, line, std::move(reason));
}

storage::import_row import_book::final_row(storage::timestamp now) const {
  auto row = row_;
  row.status = gave_up_ ? storage::import_status::failed : storage::import_status::finished;
  row.updated_at = now;
  return row;
}

storage::import_row interrupted(storage::import_row row, storage::timestamp now) {
  row.status = storage::import_status::failed;
  row.updated_at = now;
  note_about_all(row, "interrupted by a restart; import the file again");
  return row;
}

} // namespace souk::actors
