#include "tests/bench/stored_shop.hpp"

#include "tests/bench/journal_writer.hpp"

#include <algorithm>

namespace souk::bench {

using namespace storage;

namespace {

constexpr std::size_t variants_of_a_product = 50;
constexpr std::size_t rows_at_once = 2000;

/// Collects write sets into transactions of a decent size.
class writing {
public:
  explicit writing(const std::string& database_url) : journal_(database_url) {}
  void add(write_set set) {
    rows_ += set.mutations.size();
    sets_.push_back(std::move(set));
    if (rows_ >= rows_at_once)
      flush();
  }
  void flush() {
    if (!sets_.empty())
      journal_.write(sets_);
    sets_.clear();
    rows_ = 0;
  }

private:
  journal_writer journal_;
  std::vector<write_set> sets_;
  std::size_t rows_ = 0;
};

write_set opened_store(const ulid& store, const ulid& owner) {
  store_row row;
  row.id = store;
  row.owner_id = owner;
  row.name = "Stoneware of the hills";
  row.slug = "stored-" + store.str();
  row.currency = "EUR";
  write_set out;
  out.shard = store.shard();
  out.mutations.push_back(insert_store{row});
  return out;
}

mutation put_on_sale(const stored_shop::variant& v, timestamp at) {
  product_row row;
  row.id = v.product;
  row.store_id = v.store;
  row.handle = v.product.str();
  row.title = "Teapot of stoneware";
  row.options = {{"Size"}};
  row.created_at = row.updated_at = at;
  return insert_product{row};
}

void stock(write_set& out, const stored_shop::variant& v, std::size_t position, timestamp at) {
  variant_row row;
  row.id = v.id;
  row.store_id = v.store;
  row.product_id = v.product;
  row.position = static_cast<std::int32_t>(position);
  row.sku = v.id.str();
  row.option_values = {"No. " + std::to_string(position)};
  row.price = 1999;
  out.mutations.push_back(put_variant{row});
  level_row level;
  level.variant_id = v.id;
  level.store_id = v.store;
  out.mutations.push_back(insert_level{level});
  move_stock arrival;
  arrival.variant_id = v.id;
  arrival.store_id = v.store;
  arrival.on_hand_delta = 100;
  arrival.reason = "initial";
  arrival.at = at;
  out.mutations.push_back(arrival);
}

cart_line line_of(const stored_shop::variant& v, timestamp at) {
  return {v.product, v.id, 1, 1999, at};
}

} // namespace

stored_shop::stored_shop(std::size_t count) {
  std::mt19937_64 random{std::random_device{}()};
  const auto each = std::max<std::size_t>(1, count / shard_count);
  const auto more = count > shard_count ? count % shard_count : 0;
  variants.reserve(count);
  carts.reserve(count);
  for (int s = 0; s < shard_count; ++s) {
    const auto shard = static_cast<shard_id>(s);
    const auto store = draw_id(shard, random);
    ulid product;
    for (std::size_t i = 0; i < each + (static_cast<std::size_t>(s) < more ? 1 : 0); ++i) {
      if (i % variants_of_a_product == 0)
        product = draw_id(shard, random);
      variants.push_back({store, product, draw_id(shard, random)});
      carts.push_back({store, draw_id(static_cast<shard_id>(random()), random)});
    }
  }
}

void stored_shop::write(const std::string& database_url) const {
  std::mt19937_64 random{std::random_device{}()};
  const auto owner = draw_id(0, random);
  const auto at = time_now();
  writing out{database_url};
  for (std::size_t first = 0; first < variants.size();) {
    const auto& store = variants[first].store;
    out.add(opened_store(store, owner));
    out.flush(); // what follows is in transactions of its own
    auto end = first;
    for (std::size_t position = 1; end < variants.size() && variants[end].store == store; ++end, ++position) {
      const bool new_product = end == first || variants[end].product != variants[end - 1].product;
      if (new_product)
        position = 1;
      write_set rows;
      rows.shard = store.shard();
      if (new_product)
        rows.mutations.push_back(put_on_sale(variants[end], at));
      stock(rows, variants[end], position, at);
      out.add(std::move(rows));
    }
    for (auto i = first; i < end; ++i) {
      cart_row row;
      row.id = draw_id(store.shard(), random);
      row.store_id = store;
      row.user_id = carts[i].user;
      row.lines = {line_of(variants[i], at)};
      if (end - first > 1)
        row.lines.push_back(line_of(variants[first + (i - first + 1) % (end - first)], at));
      row.updated_at = at;
      row.expires_at = at + std::chrono::days{30};
      write_set rows;
      rows.shard = store.shard();
      rows.mutations.push_back(insert_cart{row});
      out.add(std::move(rows));
    }
    first = end;
  }
  out.flush();
}

} // namespace souk::bench
