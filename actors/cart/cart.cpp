#include "actors/cart/cart.hpp"

#include <algorithm>

namespace souk::actors {

namespace {

std::optional<cart_rejection> bad_quantity() {
  return cart_rejection{invalid("quantity", "a quantity is 1 to 10,000"), {}};
}

/// Whether `wanted` pieces of the offer could be sold now.
std::optional<cart_rejection> check_offer(const storage::ulid& variant, std::int64_t wanted,
                                          const stock_view* offer) {
  if (offer == nullptr || !offer->sellable)
    return cart_rejection{{errc::product_unavailable, "this is not for sale (any more)", "variant_id"}, {}};
  if (!offer->backorder && wanted > offer->available)
    return cart_rejection{{errc::out_of_stock, "not enough of " + offer->product_title, "quantity"},
                          {{variant, wanted, std::max<std::int64_t>(0, offer->available)}}};
  return std::nullopt;
}

} // namespace

storage::cart_line* cart::at(const storage::ulid& variant) noexcept {
  auto i = std::find_if(lines_.begin(), lines_.end(), [&](const auto& l) { return l.variant_id == variant; });
  return i == lines_.end() ? nullptr : &*i;
}

const storage::cart_line* cart::find(const storage::ulid& variant) const noexcept {
  auto i = std::find_if(lines_.begin(), lines_.end(), [&](const auto& l) { return l.variant_id == variant; });
  return i == lines_.end() ? nullptr : &*i;
}

std::int64_t cart::item_count() const noexcept {
  std::int64_t sum = 0;
  for (const auto& l : lines_)
    sum += l.quantity;
  return sum;
}

bool cart::same_goods(const cart& other) const noexcept {
  return lines_.size() == other.lines_.size()
      && std::all_of(lines_.begin(), lines_.end(), [&](const auto& l) {
           const auto* same = other.find(l.variant_id);
           return same != nullptr && same->quantity == l.quantity;
         });
}

std::optional<cart_rejection> cart::add(const storage::ulid& product, const storage::ulid& variant,
                                        std::int64_t quantity, const stock_view* offer,
                                        storage::timestamp now) {
  if (quantity < 1 || quantity > quantity_max)
    return bad_quantity();
  auto* line = at(variant);
  auto wanted = quantity + (line != nullptr ? line->quantity : 0);
  if (wanted > quantity_max)
    return cart_rejection{invalid("quantity", "a line holds at most 10,000 pieces"), {}};
  if (offer != nullptr && !product.is_nil() && offer->variant.product_id != product)
    return cart_rejection{
      {errc::product_unavailable, "the variant is not one of the product's", "variant_id"}, {}};
  if (auto no = check_offer(variant, wanted, offer))
    return no;
  if (line != nullptr) {
    line->quantity = wanted;
    return std::nullopt;
  }
  if (lines_.size() >= lines_max)
    return cart_rejection{{errc::limit_exceeded, "a cart has at most 100 lines", "items"}, {}};
  lines_.push_back({offer->variant.product_id, variant, quantity, offer->variant.price, now});
  return std::nullopt;
}

std::optional<cart_rejection> cart::set(const storage::ulid& variant, std::int64_t quantity,
                                        const stock_view* offer) {
  if (quantity < 0 || quantity > quantity_max)
    return bad_quantity();
  auto* line = at(variant);
  if (quantity == 0) {
    if (line != nullptr)
      lines_.erase(lines_.begin() + (line - lines_.data()));
    return std::nullopt;
  }
  if (line == nullptr)
    return cart_rejection{{errc::not_found, "the cart has no such line", "variant_id"}, {}};
  if (quantity > line->quantity)
    if (auto no = check_offer(variant, quantity, offer))
      return no;
  line->quantity = quantity;
  return std::nullopt;
}

void cart::merge(const std::vector<storage::cart_line>& other) {
  for (const auto& l : other) {
    if (auto* mine = at(l.variant_id))
      mine->quantity = std::max(mine->quantity, l.quantity);
    else if (lines_.size() < lines_max)
      lines_.push_back(l);
  }
}

void cart::take_out(const std::vector<storage::cart_line>& ordered) {
  for (const auto& l : ordered)
    if (auto* mine = at(l.variant_id))
      mine->quantity -= std::min(mine->quantity, l.quantity);
  std::erase_if(lines_, [](const auto& l) { return l.quantity <= 0; });
}

void cart::saw(const storage::ulid& variant, std::int64_t price) noexcept {
  if (auto* line = at(variant))
    line->seen_price = price;
}

cart_view_line show(const storage::cart_line& line, const stock_view* offer) {
  cart_view_line out;
  out.product_id = line.product_id;
  out.variant_id = line.variant_id;
  out.quantity = line.quantity;
  if (offer == nullptr) {
    out.price = line.seen_price;
    out.sellable = false;
    return out;
  }
  out.title = offer->product_title;
  for (const auto& value : offer->variant.option_values)
    out.variant_title += (out.variant_title.empty() ? "" : " / ") + value;
  out.sku = offer->variant.sku;
  out.price = offer->variant.price;
  out.price_changed = offer->variant.price != line.seen_price;
  out.sellable = offer->sellable;
  out.available = std::max<std::int64_t>(0, offer->available);
  out.backorder = offer->backorder;
  return out;
}

} // namespace souk::actors
