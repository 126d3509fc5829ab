#pragma once

// The parts of checker::check(), one file each; nobody else includes this.

#include "storage/checker/invariants.hpp"

namespace souk::storage::checker {

class findings {
public:
  void add(const char* invariant, std::string what) { found_.push_back({invariant, std::move(what)}); }
  void expect(bool holds, const char* invariant, const char* kind, const ulid& id, const std::string& why) {
    if (!holds)
      add(invariant, std::string{kind} + ' ' + id.str() + ": " + why);
  }
  std::vector<violation> take() { return std::move(found_); }

private:
  std::vector<violation> found_;
};

inline bool is_open(reservation_state s) noexcept {
  return s == reservation_state::held || s == reservation_state::pinned;
}

/// The goods are the buyer's: paid, and neither cancelled nor refunded since.
inline bool is_paid(const order_row& x) noexcept {
  return x.status == order_status::paid || x.status == order_status::shipped
      || x.status == order_status::delivered;
}

void check_stock(const simulated::tables& rows, findings& out);
void check_orders(const simulated::tables& rows, const observations& seen, findings& out);
void check_payments(const simulated::tables& rows, const observations& seen, findings& out);
void check_later_lives(const simulated::tables& rows, findings& out);
void check_shards(const simulated::tables& rows, findings& out);
void check_events(const simulated::tables& rows, const observations& seen, findings& out);
void check_tenants(const simulated::tables& rows, findings& out);

} // namespace souk::storage::checker
