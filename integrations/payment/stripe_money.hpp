#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

// Stripe counts most currencies in the minor units of ISO 4217, but not all.

namespace souk::integrations {

/// @param amount minor units of ISO 4217
/// @returns what Stripe calls that amount; nothing when Stripe cannot be asked for it: ariaries (which it counts whole) with a
/// fraction, or thousandths of a dinar that are no hundredths
std::optional<std::int64_t> to_stripe_amount(std::int64_t amount, std::string_view currency) noexcept;
/// The way back.
std::int64_t from_stripe_amount(std::int64_t amount, std::string_view currency) noexcept;

} // namespace souk::integrations
