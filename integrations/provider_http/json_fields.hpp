#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

// Reading what a provider answers: whatever is missing or of another type is empty, and nothing throws.

namespace souk::integrations {

/// @returns the member, or null. `object` may be anything.
const nlohmann::json& member(const nlohmann::json& object, const char* name) noexcept;
/// The member's member and so on: `at(session, {"metadata", "order_id"})`.
const nlohmann::json& member(const nlohmann::json& object, std::initializer_list<const char*> path) noexcept;
/// Empty when it is no text.
std::string text_at(const nlohmann::json& object, const char* name);
std::string text_at(const nlohmann::json& object, std::initializer_list<const char*> path);
/// @returns `otherwise` when it is no whole number
std::int64_t integer_at(const nlohmann::json& object, const char* name, std::int64_t otherwise = 0) noexcept;
/// An empty array when it is none.
const nlohmann::json& list_at(const nlohmann::json& object, const char* name) noexcept;
/// A discarded value when the text is no JSON.
nlohmann::json parsed(std::string_view text);

} // namespace souk::integrations
