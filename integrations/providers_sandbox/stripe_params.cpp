#include "integrations/providers_sandbox/stripe_params.hpp"

#include <algorithm>
#include <charconv>

namespace souk::providers {

namespace {

using nlohmann::json;

constexpr std::size_t metadata_keys_max = 50;
constexpr std::size_t metadata_key_length_max = 40;
constexpr std::size_t metadata_value_length_max = 500;
constexpr std::size_t url_length_max = 5000;

} // namespace

void bad_parameter(std::string_view param, std::string_view code, const std::string& message) {
  json error{{"type", "invalid_request_error"}, {"message", message}};
  if (!param.empty())
    error["param"] = param;
  if (!code.empty()) {
    error["code"] = code;
    error["doc_url"] = "https://stripe.com/docs/error-codes/" + std::string{code};
  }
  throw stripe_error{400, std::move(error)};
}

void no_such(std::string_view what, std::string_view id, std::string_view param) {
  json error{{"type", "invalid_request_error"},
             {"code", "resource_missing"},
             {"doc_url", "https://stripe.com/docs/error-codes/resource-missing"},
             {"message", "No such " + std::string{what} + ": '" + std::string{id} + "'"},
             {"param", param == "id" && what == "payment_intent" ? std::string_view{"intent"} : param}};
  throw stripe_error{param == "id" ? 404 : 400, std::move(error)};
}

void stripe_params::only(std::initializer_list<std::string_view> known) const {
  for (const auto& [name, value] : fields_.items())
    if (name != "expand" && std::find(known.begin(), known.end(), name) == known.end())
      bad_parameter(name, "parameter_unknown", "Received unknown parameter: " + name);
}

const json* stripe_params::find(std::string_view name) const {
  if (!fields_.is_object())
    return nullptr;
  auto found = fields_.find(std::string{name});
  return found == fields_.end() ? nullptr : &*found;
}

bool stripe_params::has(std::string_view name) const {
  return find(name) != nullptr;
}

std::optional<std::string> stripe_params::text(std::string_view name, std::size_t length_max) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_string())
    bad_parameter(name, "", "Invalid string for " + std::string{name});
  const auto& content = value->get_ref<const std::string&>();
  if (content.empty())
    return std::nullopt;
  if (content.size() > length_max)
    bad_parameter(name, "",
                  "Invalid string: " + std::string{name} + " has at most " + std::to_string(length_max)
                    + " characters");
  return content;
}

std::string stripe_params::need_text(std::string_view name) const {
  auto value = text(name);
  if (!value)
    bad_parameter(name, has(name) ? "parameter_invalid_empty" : "parameter_missing",
                  "Missing required param: " + std::string{name} + ".");
  return *value;
}

std::optional<std::int64_t> stripe_params::integer(std::string_view name) const {
  auto content = text(name);
  if (!content)
    return std::nullopt;
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(content->data(), content->data() + content->size(), value);
  if (error != std::errc{} || end != content->data() + content->size())
    bad_parameter(name, "parameter_invalid_integer", "Invalid integer: " + *content);
  return value;
}

std::int64_t stripe_params::need_integer(std::string_view name) const {
  auto value = integer(name);
  if (!value)
    bad_parameter(name, has(name) ? "parameter_invalid_empty" : "parameter_missing",
                  "Missing required param: " + std::string{name} + ".");
  return *value;
}

std::optional<bool> stripe_params::boolean(std::string_view name) const {
  auto content = text(name);
  if (!content)
    return std::nullopt;
  if (*content != "true" && *content != "false")
    bad_parameter(name, "", "Invalid boolean: " + *content);
  return *content == "true";
}

std::optional<std::string> stripe_params::one_of(std::string_view name,
                                                 std::initializer_list<std::string_view> choices) const {
  auto content = text(name);
  if (!content)
    return std::nullopt;
  if (std::find(choices.begin(), choices.end(), *content) == choices.end()) {
    std::string message = "Invalid " + std::string{name} + ": must be one of";
    for (auto choice : choices)
      message += " " + std::string{choice};
    bad_parameter(name, "", message);
  }
  return content;
}

std::optional<std::string> stripe_params::url(std::string_view name) const {
  auto content = text(name, url_length_max);
  if (!content)
    return std::nullopt;
  bool good = (content->starts_with("http://") || content->starts_with("https://"))
           && std::none_of(content->begin(), content->end(), [](unsigned char c) { return c <= ' ' || c == 127; });
  if (!good)
    bad_parameter(name, "url_invalid", "Not a valid URL");
  return content;
}

const json& stripe_params::nested(std::string_view name) const {
  static const json none = json::object();
  const auto* value = find(name);
  if (value == nullptr || (value->is_string() && value->get_ref<const std::string&>().empty()))
    return none;
  if (value->is_string())
    bad_parameter(name, "", "Invalid object for " + std::string{name});
  return *value;
}

void stripe_params::merge_metadata(json& metadata) const {
  const auto* given = find("metadata");
  if (given == nullptr)
    return;
  if (given->is_string() && given->get_ref<const std::string&>().empty()) {
    metadata = json::object();
    return;
  }
  if (!given->is_object())
    bad_parameter("metadata", "", "Invalid object for metadata");
  for (const auto& [key, value] : given->items()) {
    if (!value.is_string() || key.size() > metadata_key_length_max
        || value.get_ref<const std::string&>().size() > metadata_value_length_max)
      bad_parameter("metadata[" + key + "]", "",
                    "Metadata keys have at most 40 characters, values are texts of at most 500");
    if (value.get_ref<const std::string&>().empty())
      metadata.erase(key);
    else
      metadata[key] = value;
  }
  if (metadata.size() > metadata_keys_max)
    bad_parameter("metadata", "", "Metadata has at most 50 keys");
}

std::int64_t amount_min(std::string_view currency) {
  if (currency == "gbp")
    return 30;
  if (currency == "dkk")
    return 250;
  if (currency == "nok" || currency == "sek")
    return 300;
  if (currency == "mxn")
    return 1000;
  if (currency == "hkd")
    return 400;
  if (currency == "czk")
    return 1500;
  if (currency == "huf")
    return 17500;
  if (currency == "pln" || currency == "ron" || currency == "aed" || currency == "myr")
    return 200;
  return 50; // usd, eur, cad, chf, aud, jpy, inr …
}

} // namespace souk::providers
