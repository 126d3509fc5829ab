#pragma once

#include "storage/mutations.hpp"

#include <string>
#include <string_view>

namespace souk::storage::postgres {

// The nested parts of rows as JSON text, and back. Field names are those of the structs. Reading throws storage_error.

void append_json_string(std::string& out, std::string_view text);

std::string to_json(const std::vector<std::string>& texts);
std::string to_json(const std::vector<std::pair<std::string, std::string>>& fields); ///< an object, in the given order
std::string to_json(const std::vector<product_option>& options);
std::string to_json(const std::vector<product_image>& images);
std::string to_json(const std::vector<shipping_zone>& zones);
std::string to_json(const std::vector<cart_line>& lines);
std::string to_json(const std::vector<import_error>& errors);
std::string to_json(const postal_address& address); ///< without the empty fields

void from_json(std::string_view text, std::vector<std::string>& out);
void from_json(std::string_view text, std::vector<std::pair<std::string, std::string>>& out);
void from_json(std::string_view text, std::vector<product_option>& out);
void from_json(std::string_view text, std::vector<product_image>& out);
void from_json(std::string_view text, std::vector<shipping_zone>& out);
void from_json(std::string_view text, std::vector<cart_line>& out);
void from_json(std::string_view text, std::vector<import_error>& out);
void from_json(std::string_view text, postal_address& out);

} // namespace souk::storage::postgres
