#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace souk::integrations {

/// How far the time in a signature may be from ours, in seconds: what is older was perhaps overheard and sent again.
inline constexpr std::int64_t stripe_tolerance_s = 300;

/// Whether a `Stripe-Signature` header ("t=1700000000,v1=5257a8…,v1=…") is one of `body` under any of the secrets; several hold
/// while a secret is being replaced. Takes the same time whichever byte of a signature is wrong.
bool stripe_signature_holds(std::string_view header, std::string_view body, const std::vector<std::string>& secrets,
                            std::int64_t now_s);

} // namespace souk::integrations
