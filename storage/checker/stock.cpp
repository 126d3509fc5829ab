#include "storage/checker/parts.hpp"

namespace souk::storage::checker {

namespace {

struct sums {
  std::int64_t on_hand = 0;
  std::int64_t reserved = 0;
  std::int64_t sold = 0; ///< left the shelf for orders
};

std::string figures(std::int64_t is, std::int64_t should) {
  return std::to_string(is) + ", should be " + std::to_string(should);
}

} // namespace

void check_stock(const simulated::tables& rows, findings& out) {
  std::map<ulid, sums> ledger;
  for (const auto& lines : rows.ledger) {
    for (const auto& line : lines) {
      const auto& e = line.entry;
      auto& sum = ledger[e.variant_id];
      sum.on_hand += e.on_hand_delta;
      sum.reserved += e.reserved_delta;
      if (e.reason == "sold")
        sum.sold -= e.on_hand_delta;
      out.expect(e.on_hand_after == sum.on_hand && e.reserved_after == sum.reserved, "ledger_runs_on",
                 "variant", e.variant_id,
                 "the line of seq " + std::to_string(line.seq) + " says on_hand "
                   + figures(e.on_hand_after, sum.on_hand) + ", reserved "
                   + figures(e.reserved_after, sum.reserved));
    }
  }

  std::map<ulid, sums> reservations;
  for (const auto& [key, r] : rows.reservations) {
    if (is_open(r.state))
      reservations[r.variant_id].reserved += r.quantity;
    else if (r.state == reservation_state::claimed)
      reservations[r.variant_id].sold += r.quantity;
  }

  for (const auto& [id, level] : rows.levels) {
    auto lines = ledger[id];
    auto held = reservations[id];
    out.expect(level.reserved == held.reserved, "reserved_is_sum_of_holds", "variant", id,
               "reserved " + figures(level.reserved, held.reserved));
    out.expect(level.on_hand == lines.on_hand, "stock_is_sum_of_ledger", "variant", id,
               "on_hand " + figures(level.on_hand, lines.on_hand));
    out.expect(level.reserved == lines.reserved, "stock_is_sum_of_ledger", "variant", id,
               "reserved " + figures(level.reserved, lines.reserved));
    out.expect(level.reserved >= 0 && (level.backorder || level.reserved <= level.on_hand),
               "stock_within_bounds", "variant", id,
               "reserved " + std::to_string(level.reserved) + " of " + std::to_string(level.on_hand));
    out.expect(lines.sold == held.sold, "sold_is_claimed", "variant", id,
               "sold " + figures(lines.sold, held.sold));
    ledger.erase(id);
    reservations.erase(id);
  }
  for (const auto& [id, sum] : ledger)
    out.add("stock_is_sum_of_ledger", "variant " + id.str() + " has a ledger and no level");
  for (const auto& [id, sum] : reservations)
    out.add("reserved_is_sum_of_holds", "variant " + id.str() + " has reservations and no level");
}

} // namespace souk::storage::checker
