#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace souk::providers {

/// An error answer of Stripe, thrown by whatever finds it.
struct stripe_error {
  int status = 400;
  nlohmann::json error;  ///< what stands under "error"
  bool executed = false; ///< execution had begun: the answer is kept under the Idempotency-Key
};

/// @throws stripe_error always: an invalid_request_error about a parameter (400).
/// @param code of Stripe's error codes; may be empty.
[[noreturn]] void bad_parameter(std::string_view param, std::string_view code, const std::string& message);

/// @throws stripe_error always: there is no such object.
/// @param param what named it; "id" stands for the path, which makes it a 404.
[[noreturn]] void no_such(std::string_view what, std::string_view id, std::string_view param);

/// The parameters of one call, which are texts in nested objects. Everything throws stripe_error for what the
/// API would refuse.
class stripe_params {
public:
  explicit stripe_params(const nlohmann::json& fields) : fields_{fields} {}

  /// Refuses parameters that are not in the list.
  void only(std::initializer_list<std::string_view> known) const;

  bool has(std::string_view name) const;

  /// @returns nullopt when it is missing or empty, which unsets a field in this API.
  std::optional<std::string> text(std::string_view name, std::size_t length_max = 5000) const;
  std::string need_text(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::int64_t need_integer(std::string_view name) const;
  std::optional<bool> boolean(std::string_view name) const;
  std::optional<std::string> one_of(std::string_view name, std::initializer_list<std::string_view> choices) const;
  std::optional<std::string> url(std::string_view name) const;

  /// @returns an object or array parameter; an empty object when it is missing.
  const nlohmann::json& nested(std::string_view name) const;

  /// Merges `metadata[…]` into what is there: an empty value removes a key, `metadata=` removes all.
  void merge_metadata(nlohmann::json& metadata) const;

private:
  const nlohmann::json* find(std::string_view name) const;

  const nlohmann::json& fields_;
};

/// @returns the least amount that may be charged, in minor units; amounts below are `amount_too_small`.
std::int64_t amount_min(std::string_view currency);

} // namespace souk::providers
