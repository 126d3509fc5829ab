#include "actors/product/product_rules.hpp"

#include "actors/product/product_checks.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace souk::actors::product_rules {

namespace {

using storage::variant_row;

constexpr std::size_t nobody = static_cast<std::size_t>(-1);

std::string field_of(std::size_t draft) {
  return "variants[" + std::to_string(draft) + "]";
}

std::optional<rejection> check_draft(const variant_draft& draft, std::size_t i) {
  auto field = field_of(i);
  if (auto no = product_checks::check_variant(draft.row, field))
    return no;
  if (draft.stock && (*draft.stock < 0 || *draft.stock > product_checks::stock_max))
    return invalid(field + ".stock", "stock is 0 or more");
  if (draft.low_stock_threshold
      && (*draft.low_stock_threshold < -1 || *draft.low_stock_threshold > product_checks::stock_max))
    return invalid(field + ".low_stock_threshold", "a threshold is 0 or more, or -1 for none");
  return std::nullopt;
}

/// Finds for each draft the variant that it means.
class matching {
public:
  matching(const std::vector<variant_row>& rows, const std::vector<variant_draft>& drafts, bool with_options)
    : rows_(rows), drafts_(drafts), with_options_(with_options), meant_(drafts.size(), nobody) {
    // nop
  }

  /// Per draft the index of its variant, or nobody for a new one.
  outcome<std::vector<std::size_t>> run() {
    for (std::size_t i = 0; i < drafts_.size(); ++i)
      if (auto no = by_id(i))
        return *no;
    for (std::size_t i = 0; i < drafts_.size(); ++i)
      if (auto no = by_sku(i))
        return *no;
    for (std::size_t i = 0; i < drafts_.size(); ++i)
      by_combination(i);
    return meant_;
  }

private:
  std::optional<rejection> claim(std::size_t draft, std::size_t row) {
    auto [at, fresh] = claimed_.try_emplace(row, draft);
    if (!fresh)
      return invalid(field_of(draft), "means the same variant as " + field_of(at->second));
    meant_[draft] = row;
    return std::nullopt;
  }

  std::optional<rejection> by_id(std::size_t i) {
    const auto& id = drafts_[i].row.id;
    if (id.is_nil())
      return std::nullopt;
    for (std::size_t row = 0; row < rows_.size(); ++row)
      if (rows_[row].id == id && !rows_[row].removed)
        return claim(i, row);
    return rejection{errc::not_found, "the product has no such variant", field_of(i) + ".variant_id"};
  }

  std::optional<rejection> by_sku(std::size_t i) {
    const auto& sku = drafts_[i].row.sku;
    if (meant_[i] != nobody || sku.empty())
      return std::nullopt;
    for (std::size_t row = 0; row < rows_.size(); ++row)
      if (!rows_[row].removed && rows_[row].sku == sku)
        return claim(i, row);
    return std::nullopt;
  }

  void by_combination(std::size_t i) {
    if (meant_[i] != nobody)
      return;
    for (std::size_t row = 0; row < rows_.size(); ++row)
      if (!rows_[row].removed && !claimed_.contains(row) && same_combination(drafts_[i].row, rows_[row])) {
        claim(i, row);
        return;
      }
  }

  bool same_combination(const variant_row& a, const variant_row& b) const {
    if (with_options_)
      return a.option_values == b.option_values;
    auto live = std::count_if(rows_.begin(), rows_.end(), [](const auto& row) { return !row.removed; });
    return (live == 1 && drafts_.size() == 1) || (!a.attributes.empty() && a.attributes == b.attributes);
  }

  const std::vector<variant_row>& rows_;
  const std::vector<variant_draft>& drafts_;
  bool with_options_;
  std::vector<std::size_t> meant_;             ///< by draft
  std::map<std::size_t, std::size_t> claimed_; ///< row to draft
};

/// Whether the variants that are not removed can stand side by side.
/// @param said_by per variant the draft that describes it, or nobody
std::optional<rejection> check_together(const storage::product_row& product,
                                        const std::vector<variant_row>& rows,
                                        const std::vector<std::size_t>& said_by) {
  std::set<std::string> skus;
  std::set<std::vector<std::string>> combinations;
  std::size_t live = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    if (row.removed)
      continue;
    ++live;
    auto field = [&](const char* name) {
      return said_by[i] == nobody ? "options" : field_of(said_by[i]) + name;
    };
    if (row.option_values.size() != product.options.size())
      return invalid(field(".option_values"), "a variant has one value for each of the product's "
                                                + std::to_string(product.options.size()) + " options");
    if (!row.sku.empty() && !skus.insert(row.sku).second)
      return invalid(field(".sku"), "the SKU " + row.sku + " stands in the product twice");
    auto combination = row.option_values;
    if (product.options.empty()) {
      combination = {row.sku};
      for (const auto& [key, value] : row.attributes)
        combination.insert(combination.end(), {key, value});
    }
    if (!combinations.insert(std::move(combination)).second)
      return invalid(field(".option_values"), product.options.empty()
                                                ? "two variants differ neither in SKU nor in attributes"
                                                : "another variant has the same option values");
  }
  if (live == 0)
    return invalid("variants", "a product has at least one variant");
  if (live > product_checks::variants_max)
    return invalid("variants", "a product has at most 100 variants");
  if (rows.size() > variant_rows_max)
    return rejection{errc::limit_exceeded,
                     "too many variants of this product were removed; create another product", "variants"};
  return std::nullopt;
}

/// Takes the drafts into the edit's variants.
std::optional<rejection> take_drafts(product_edit& edit, const std::vector<variant_draft>& drafts,
                                     const draw_id& draw) {
  for (std::size_t i = 0; i < drafts.size(); ++i)
    if (auto no = check_draft(drafts[i], i))
      return no;
  auto meant = matching{edit.variants, drafts, !edit.product.options.empty()}.run();
  if (!meant)
    return meant.why();

  std::int32_t last = 0;
  for (const auto& row : edit.variants)
    last = std::max(last, row.position);
  std::vector<std::size_t> said_by(edit.variants.size(), nobody);
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    const auto& draft = drafts[i];
    auto row = draft.row;
    row.store_id = edit.product.store_id;
    row.product_id = edit.product.id;
    row.removed = false;
    if (auto at = (*meant)[i]; at != nobody) {
      auto& old = edit.variants[at];
      row.id = old.id;
      row.position = old.position;
      if (draft.stock || draft.backorder || draft.low_stock_threshold)
        edit.wishes.push_back({row.id, i, draft.stock, draft.backorder, draft.low_stock_threshold});
      old = std::move(row);
      said_by[at] = i;
    } else {
      row.id = draw();
      row.position = ++last;
      edit.levels.push_back({{row.id, row.store_id, 0, 0, draft.backorder.value_or(false),
                              draft.low_stock_threshold.value_or(-1)},
                             draft.stock.value_or(0)});
      edit.variants.push_back(std::move(row));
      said_by.push_back(i);
    }
  }
  if (auto no = check_together(edit.product, edit.variants, said_by))
    return no;

  bool all_named = true;
  for (std::size_t i = 0; i < edit.variants.size(); ++i)
    all_named = all_named && (edit.variants[i].removed || said_by[i] != nobody);
  if (all_named)
    for (std::size_t i = 0; i < edit.variants.size(); ++i)
      if (said_by[i] != nobody)
        edit.variants[i].position = static_cast<std::int32_t>(said_by[i]) + 1;
  return std::nullopt;
}

/// Compares with what was there: fills `put` and `changed`.
void compare(product_edit& edit, const std::vector<variant_row>& before) {
  for (std::size_t i = 0; i < edit.variants.size(); ++i)
    if (i >= before.size() || !(edit.variants[i] == before[i]))
      edit.put.push_back(edit.variants[i]);
  std::stable_partition(edit.put.begin(), edit.put.end(), [](const auto& row) { return row.removed; });
  std::stable_sort(edit.variants.begin(), edit.variants.end(),
                   [](const auto& a, const auto& b) { return a.position < b.position; });
  edit.changed = edit.changed || !edit.put.empty();
}

rejection not_the_merchant() {
  return {errc::forbidden, "only the store's merchant may change its products", {}};
}

} // namespace

outcome<product_edit> create(const create_product& c, const storage::store_row& store, const draw_id& draw,
                             storage::timestamp now) {
  if (!c.by.manages(store.id, store.owner_id))
    return not_the_merchant();
  product_edit edit;
  edit.changed = true;
  edit.product = c.product;
  auto& product = edit.product;
  product.store_id = store.id;
  product.version = 1;
  product.created_at = product.updated_at = now;
  edit.handle_made = product.handle.empty();
  product.handle = product_checks::make_handle(edit.handle_made ? product.title : product.handle);
  if (edit.handle_made && product.handle.empty())
    product.handle = "product";
  if (auto no = product_checks::check_product(product))
    return *no;
  for (std::size_t i = 0; i < c.variants.size(); ++i)
    if (!c.variants[i].row.id.is_nil())
      return invalid(field_of(i) + ".variant_id", "a new product's variants get their ids from souk");
  if (auto no = take_drafts(edit, c.variants, draw))
    return *no;
  compare(edit, {});
  return edit;
}

outcome<product_edit> change(const storage::product_row& current, const std::vector<variant_row>& variants,
                             const change_product& c, const storage::store_row& store, const draw_id& draw,
                             storage::timestamp now) {
  if (c.product_id != current.id || c.store_id != current.store_id || store.id != current.store_id)
    return rejection{errc::not_found, "there is no such product in this store", "product_id"};
  if (!c.by.manages(store.id, store.owner_id))
    return not_the_merchant();
  if (c.expected_version && *c.expected_version != current.version)
    return rejection{errc::version_conflict, "the product was changed meanwhile", "version"};

  product_edit edit;
  edit.product = current;
  edit.variants = variants;
  auto& product = edit.product;
  auto set = [](auto& field, const auto& wish) {
    if (wish)
      field = *wish;
  };
  set(product.title, c.title);
  set(product.description, c.description);
  set(product.vendor, c.vendor);
  set(product.category, c.category);
  set(product.product_type, c.product_type);
  set(product.tags, c.tags);
  set(product.status, c.status);
  set(product.options, c.options);
  set(product.images, c.images);
  set(product.seo_title, c.seo_title);
  set(product.seo_description, c.seo_description);
  if (c.handle)
    product.handle = product_checks::make_handle(*c.handle);
  if (auto no = product_checks::check_product(product))
    return *no;

  for (std::size_t i = 0; i < c.remove_variants.size(); ++i) {
    auto field = "remove_variants[" + std::to_string(i) + "]";
    auto row = std::find_if(edit.variants.begin(), edit.variants.end(),
                            [&](const auto& v) { return v.id == c.remove_variants[i]; });
    if (row == edit.variants.end())
      return rejection{errc::not_found, "the product has no such variant", field};
    row->removed = true;
  }
  if (auto no = take_drafts(edit, c.variants.value_or(std::vector<variant_draft>{}), draw))
    return *no;

  edit.changed = !(product == current);
  compare(edit, variants);
  if (edit.changed) {
    product.version = current.version + 1;
    product.updated_at = now;
  }
  return edit;
}

} // namespace souk::actors::product_rules
