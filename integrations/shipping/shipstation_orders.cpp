#include "integrations/shipping/shipstation_orders.hpp"

#include "actors/money/currency.hpp"
#include "integrations/provider_http/card_numbers.hpp"
#include "integrations/provider_http/http_client.hpp"
#include "integrations/provider_http/json_fields.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace souk::integrations {

using nlohmann::json;
using storage::order_snapshot;

namespace {

/// ShipStation's amounts are numbers with decimals.
double decimal(std::int64_t amount, const std::string& currency) {
  auto unit = actors::currency::of(currency);
  return std::stod(actors::format_amount(amount, unit ? unit->exponent() : 2));
}

std::string stamp(storage::timestamp at) {
  auto seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(at));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32]{};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

json address(const storage::postal_address& to) {
  auto clean = [](const std::string& text) { return without_card_numbers(text); };
  return {{"name", clean(to.name)},   {"street1", clean(to.line1)}, {"street2", clean(to.line2)},
          {"city", clean(to.city)},   {"state", clean(to.region)},  {"postalCode", clean(to.postal_code)},
          {"country", to.country},    {"phone", clean(to.phone)}};
}

/// Pieces of a line that left without ShipStation.
std::int64_t sent_otherwise(const order_snapshot& order, std::int32_t line) {
  std::int64_t sum = 0;
  for (const auto& parcel : order.life.fulfilments) {
    bool left = parcel.state == storage::fulfilment_state::shipped || parcel.state == storage::fulfilment_state::delivered;
    if (!left || parcel.source == "shipstation")
      continue;
    for (const auto& part : parcel.lines)
      sum += part.line == line ? part.quantity : 0;
  }
  return sum;
}

std::int64_t number(const json& value) {
  if (value.is_number_integer())
    return value.get<std::int64_t>();
  std::int64_t out = -1;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size())
      out = -1;
  }
  return out;
}

/// "https://host:port" of an address; empty when it has none.
std::string_view origin_of(std::string_view url) {
  auto scheme = url.find("://");
  if (scheme == std::string_view::npos)
    return {};
  return url.substr(0, url.find_first_of("/?#\\", scheme + 3));
}

/// ShipStation's machines have numbers, and name themselves in what they send: https://ssapi6.shipstation.com is ssapi.shipstation.com.
/// The call goes to the latter whatever they say.
bool same_service(std::string_view origin, std::string_view base) {
  if (origin == base)
    return true;
  constexpr std::string_view head = "https://ssapi";
  constexpr std::string_view tail = ".shipstation.com";
  if (base != "https://ssapi.shipstation.com" || !origin.starts_with(head) || !origin.ends_with(tail)
      || origin.size() <= head.size() + tail.size())
    return false;
  auto middle = origin.substr(head.size(), origin.size() - head.size() - tail.size());
  return middle.size() <= 3 && std::all_of(middle.begin(), middle.end(), [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

std::string shipstation_status(const storage::order_row& order) {
  if (order.status == storage::order_status::cancelled || order.status == storage::order_status::refunded)
    return "cancelled";
  return order.payment == storage::payment_status::pending || order.payment == storage::payment_status::failed
         ? "awaiting_payment"
         : "awaiting_shipment";
}

json shipstation_order(const order_snapshot& order, const storage::store_row& store, const std::string& status) {
  const auto& o = order.order;
  auto items = json::array();
  std::int64_t grams = 0;
  for (const auto& item : order.items) {
    auto left = item.quantity - sent_otherwise(order, item.line);
    if (!item.requires_shipping || left <= 0)
      continue;
    grams += item.grams * left;
    items.push_back({{"lineItemKey", std::to_string(item.line)},
                     {"sku", item.sku},
                     {"name", item.variant_title.empty() ? item.title : item.title + ", " + item.variant_title},
                     {"quantity", left},
                     {"unitPrice", decimal(item.unit_price, o.currency)},
                     {"weight", {{"value", item.grams}, {"units", "grams"}}}});
  }
  if (o.discount > 0)
    items.push_back({{"lineItemKey", "discount"},
                     {"name", "Discount"},
                     {"quantity", 1},
                     {"unitPrice", -decimal(o.discount, o.currency)},
                     {"adjustment", true}});
  const bool paid = status == "awaiting_shipment";
  const auto to = address(o.address);
  return {{"orderNumber", std::to_string(o.number)},
          {"orderKey", o.id.str()},
          {"orderDate", stamp(o.created_at)},
          {"orderStatus", status},
          {"customerEmail", without_card_numbers(o.email)},
          {"billTo", to},
          {"shipTo", to},
          {"items", items},
          {"amountPaid", paid ? decimal(o.total - o.refunded, o.currency) : 0.0},
          {"taxAmount", o.pricing.tax_inclusive ? 0.0 : decimal(o.tax, o.currency)}, // else the prices have it
          {"shippingAmount", decimal(o.shipping, o.currency)},
          {"requestedShippingService", o.shipping_method},
          {"weight", {{"value", grams}, {"units", "grams"}}},
          {"advancedOptions", {{"source", "souk"}, {"customField1", without_card_numbers(store.name)}}}};
}

actors::shipped_parcel read_shipment(const json& shipment) {
  actors::shipped_parcel out;
  if (auto id = number(member(shipment, "shipmentId")); id > 0)
    out.external_id = std::to_string(id);
  if (!out.external_id.empty())
    out.order_id = storage::ulid::parse(text_at(shipment, "orderKey")).value_or(storage::ulid{});
  out.carrier = text_at(shipment, "carrierCode");
  out.tracking_number = text_at(shipment, "trackingNumber");
  out.tracking_url = tracking_page(out.carrier, out.tracking_number);
  out.voided = member(shipment, "voided") == true;
  for (const auto& item : list_at(shipment, "shipmentItems")) {
    auto line = number(member(item, "lineItemKey"));
    auto quantity = integer_at(item, "quantity");
    if (line > 0 && line <= INT32_MAX && quantity > 0)
      out.lines.emplace_back(static_cast<std::int32_t>(line), quantity);
  }
  return out;
}

std::string tracking_page(const std::string& carrier_code, const std::string& tracking_number) {
  if (tracking_number.empty())
    return {};
  struct page {
    std::string_view carrier;
    std::string_view address;
  };
  constexpr page pages[] = {
    {"ups", "https://www.ups.com/track?tracknum="},
    {"ups_walleted", "https://www.ups.com/track?tracknum="},
    {"fedex", "https://www.fedex.com/fedextrack/?trknbr="},
    {"fedex_walleted", "https://www.fedex.com/fedextrack/?trknbr="},
    {"stamps_com", "https://tools.usps.com/go/TrackConfirmAction?tLabels="},
    {"usps", "https://tools.usps.com/go/TrackConfirmAction?tLabels="},
    {"endicia", "https://tools.usps.com/go/TrackConfirmAction?tLabels="},
    {"dhl_express", "https://www.dhl.com/en/express/tracking.html?AWB="},
    {"royal_mail", "https://www.royalmail.com/track-your-item#/tracking-results/"},
    {"canada_post", "https://www.canadapost-postescanada.ca/track-reperage/en#/details/"},
    {"australia_post", "https://auspost.com.au/mypost/track/#/details/"}};
  for (const auto& known : pages)
    if (known.carrier == carrier_code)
      return std::string{known.address} + percent_encoded(tracking_number);
  return {};
}

std::string shipments_path(const std::string& resource, const std::string& base_url) {
  constexpr std::size_t address_max = 2048;
  auto base_origin = origin_of(base_url);
  auto origin = origin_of(resource);
  if (resource.size() > address_max || origin.empty() || !same_service(origin, base_origin))
    return {};
  auto prefix = base_url.substr(base_origin.size()); // a base URL may have a path of its own
  std::string_view rest{resource};
  rest.remove_prefix(origin.size());
  if (!rest.starts_with(prefix))
    return {};
  rest.remove_prefix(prefix.size());
  auto mark = rest.find('?');
  if (rest.substr(0, mark) != "/shipments" || mark == std::string_view::npos)
    return {};
  std::string path = "/shipments?includeShipmentItems=True";
  for (auto query = rest.substr(mark + 1); !query.empty();) {
    auto end = query.find('&');
    auto part = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    bool plain = std::all_of(part.begin(), part.end(), [](unsigned char c) { return c > ' ' && c < 127 && c != '#'; });
    if (!plain)
      return {};
    auto name = part.substr(0, part.find('='));
    if (name != "includeShipmentItems" && name != "page" && name != "pageSize" && !part.empty())
      path += '&' + std::string{part};
  }
  return path;
}

} // namespace souk::integrations
