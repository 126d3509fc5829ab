#include "storage/checker/parts.hpp"

#include <set>

namespace souk::storage::checker {

namespace {

using order_line = std::pair<ulid, std::int32_t>;

struct pieces {
  std::int64_t left = 0; ///< in parcels
  std::int64_t back = 0; ///< with returns, or on the shelf again by a refund
};

bool is_on_its_way(fulfilment_state s) noexcept {
  return s == fulfilment_state::shipped || s == fulfilment_state::delivered;
}

void check_pieces(const simulated::tables& rows, findings& out) {
  std::map<order_line, pieces> lines;
  for (const auto& [order, life] : rows.lives) {
    for (const auto& parcel : life.fulfilments)
      for (const auto& line : parcel.lines)
        lines[{order, line.line}].left += is_on_its_way(parcel.state) ? line.quantity : 0;
    for (const auto& back : life.returns)
      for (const auto& line : back.lines) {
        lines[{order, line.line}].back += line.received;
        out.expect(line.received >= 0 && line.received <= line.quantity && line.restocked >= 0 && line.restocked <= line.received,
                   "return_within_announced", "return", back.id,
                   std::to_string(line.received) + " of " + std::to_string(line.quantity) + " came, "
                     + std::to_string(line.restocked) + " are sold again");
      }
  }
  for (const auto& [id, refund] : rows.refunds)
    for (const auto& line : refund.lines)
      lines[{refund.order_id, line.line}].back += line.restock ? line.quantity : 0;
  for (const auto& [key, sum] : lines) {
    auto item = rows.order_items.find(key);
    const auto where = "line " + std::to_string(key.second);
    if (item == rows.order_items.end())
      out.add("pieces_within_sold",
              "order " + key.first.str() + ": parcels, returns or refunds of " + where + ", which is missing");
    else
      out.expect(sum.left <= item->second.quantity && sum.back <= item->second.quantity, "pieces_within_sold", "order", key.first,
                 where + " sold " + std::to_string(item->second.quantity) + ", left " + std::to_string(sum.left) + ", back "
                   + std::to_string(sum.back));
  }
}

void check_names(const simulated::tables& rows, findings& out) {
  for (const auto& [order, life] : rows.lives) {
    for (const auto& back : life.returns) {
      auto refund = rows.refunds.find(back.refund_id);
      out.expect(back.refund_id.is_nil() || (refund != rows.refunds.end() && refund->second.order_id == order),
                 "return_names_refund", "return", back.id,
                 "names the refund " + back.refund_id.str() + ", which its order does not have");
    }
    std::set<std::pair<std::string, std::string>> heard;
    for (const auto& event : life.heard)
      out.expect(heard.insert({event.provider, event.event_id}).second, "heard_once", "order", order,
                 "dealt with " + event.provider + "'s event " + event.event_id + " twice");
  }
  for (const auto& [id, delivery] : rows.deliveries) {
    auto webhook = rows.webhooks.find(delivery.webhook_id);
    out.expect(webhook != rows.webhooks.end() && webhook->second.store_id == delivery.store_id, "delivery_has_its_webhook",
               "delivery", id, "is for webhook " + delivery.webhook_id.str() + ", which its store does not have");
  }
}

} // namespace

void check_later_lives(const simulated::tables& rows, findings& out) {
  check_pieces(rows, out);
  check_names(rows, out);
}

} // namespace souk::storage::checker
