#pragma once

#include "tests/bench/api_market.hpp"
#include "tests/bench/load.hpp"

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace souk::bench {

/// The text of a string field in a JSON answer of ours, which has no spaces around colons. Parsing every answer would cost the
/// shop the time. @param name `"name":"` with its quotes
std::string_view text_field(std::string_view body, std::string_view name);

/// One call: an order of one piece, by any guest, from any store.
class one_call final : public load_script {
public:
  /// @param market must outlive this @param email where the orders' mails go; empty: there are none
  one_call(const std::string& url, const api_market& market, const std::string& email = {});

  void next(int visitor, std::string& out) override;
  bool heard(int visitor, int status, std::string_view body, bool measured) override;

  std::uint64_t placed = 0; ///< in all, not only in the measured time
  std::uint64_t unpaid = 0; ///< placed, but the gateway's answer was not waited for

private:
  const api_market& market_;
  std::vector<std::string> requests_;
  std::array<std::size_t, 3> places_{};
  std::mt19937 random_{1};
  bool complained_ = false;
};

} // namespace souk::bench
