#include "storage/postgres/json_text.hpp"

#include "storage/error.hpp"

#include <nlohmann/json.hpp>

namespace souk::storage::postgres {

using ordered_json = nlohmann::ordered_json; // objects keep the order in which they were written

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out.append("\\u00");
      out.push_back(hex[(c >> 4) & 15]);
      out.push_back(hex[c & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

namespace {

// Written by hand rather than through a document: some of these are on the checkout path.
class object_text {
public:
  object_text& field(std::string_view name, std::string_view value) {
    append_json_string(key(name), value);
    return *this;
  }
  object_text& field(std::string_view name, std::int64_t value) {
    key(name).append(std::to_string(value));
    return *this;
  }
  object_text& raw(std::string_view name, std::string_view json) {
    key(name).append(json);
    return *this;
  }
  std::string take() {
    out_.push_back('}');
    return std::move(out_);
  }

private:
  std::string& key(std::string_view name) {
    if (out_.size() > 1)
      out_.push_back(',');
    append_json_string(out_, name);
    out_.push_back(':');
    return out_;
  }
  std::string out_ = "{";
};

template <class T, class F>
std::string list(const std::vector<T>& items, F&& item) {
  std::string out = "[";
  for (const auto& x : items) {
    if (out.size() > 1)
      out.push_back(',');
    out.append(item(x));
  }
  out.push_back(']');
  return out;
}

std::string quoted(const std::string& text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

ordered_json parse(std::string_view text) {
  auto out = ordered_json::parse(text, nullptr, false);
  if (out.is_discarded())
    throw storage_error("a JSON column does not parse");
  return out;
}

template <class F>
void read_each(std::string_view text, F&& item) {
  try {
    for (const auto& x : parse(text))
      item(x);
  } catch (const nlohmann::json::exception& e) {
    throw storage_error(std::string{"a JSON column has another form than the code expects: "} + e.what());
  }
}

ulid id_of(const ordered_json& x) {
  auto out = ulid::parse(x.get<std::string>());
  if (!out)
    throw storage_error("a JSON column holds something else where an id should be");
  return *out;
}

} // namespace

std::string to_json(const std::vector<std::string>& texts) {
  return list(texts, quoted);
}

std::string to_json(const std::vector<std::pair<std::string, std::string>>& fields) {
  object_text out;
  for (const auto& [name, value] : fields)
    out.field(name, value);
  return out.take();
}

std::string to_json(const std::vector<product_option>& options) {
  return list(options, [](const auto& x) { return object_text{}.field("name", x.name).take(); });
}

std::string to_json(const std::vector<product_image>& images) {
  return list(images, [](const auto& x) { return object_text{}.field("url", x.url).field("alt", x.alt).take(); });
}

std::string to_json(const std::vector<shipping_zone>& zones) {
  return list(zones, [](const auto& x) {
    auto rates = list(x.rates, [](const auto& r) {
      return object_text{}.field("name", r.name).field("price", r.price).field("free_from", r.free_from)
        .field("grams_from", r.grams_from).field("grams_to", r.grams_to).take();
    });
    return object_text{}.field("name", x.name).raw("countries", to_json(x.countries)).raw("rates", rates).take();
  });
}

std::string to_json(const std::vector<cart_line>& lines) {
  return list(lines, [](const auto& x) {
    return object_text{}
      .field("product_id", x.product_id.str())
      .field("variant_id", x.variant_id.str())
      .field("quantity", x.quantity)
      .field("seen_price", x.seen_price)
      .field("added_at", static_cast<std::int64_t>(x.added_at.time_since_epoch().count()))
      .take();
  });
}

std::string to_json(const std::vector<import_error>& errors) {
  return list(errors, [](const auto& x) { return object_text{}.field("line", x.line).field("reason", x.reason).take(); });
}

namespace {

constexpr std::pair<const char*, std::string postal_address::*> address_fields[] = {
  {"name", &postal_address::name},       {"line1", &postal_address::line1},
  {"line2", &postal_address::line2},     {"city", &postal_address::city},
  {"region", &postal_address::region},   {"postal_code", &postal_address::postal_code},
  {"country", &postal_address::country}, {"phone", &postal_address::phone}};

} // namespace

std::string to_json(const postal_address& address) {
  object_text out;
  for (const auto& [name, member] : address_fields)
    if (!(address.*member).empty())
      out.field(name, address.*member);
  return out.take();
}

void from_json(std::string_view text, std::vector<std::string>& out) {
  read_each(text, [&](const auto& x) { out.push_back(x.template get<std::string>()); });
}

void from_json(std::string_view text, std::vector<std::pair<std::string, std::string>>& out) {
  try {
    const auto object = parse(text);
    for (const auto& [name, value] : object.items())
      out.emplace_back(name, value.template get<std::string>());
  } catch (const nlohmann::json::exception& e) {
    throw storage_error(std::string{"a JSON column has another form than the code expects: "} + e.what());
  }
}

void from_json(std::string_view text, std::vector<product_option>& out) {
  read_each(text, [&](const auto& x) { out.push_back({x.at("name").template get<std::string>()}); });
}

void from_json(std::string_view text, std::vector<product_image>& out) {
  read_each(text, [&](const auto& x) {
    out.push_back({x.at("url").template get<std::string>(), x.at("alt").template get<std::string>()});
  });
}

void from_json(std::string_view text, std::vector<shipping_zone>& out) {
  read_each(text, [&](const auto& x) {
    shipping_zone zone;
    zone.name = x.at("name").template get<std::string>();
    zone.countries = x.at("countries").template get<std::vector<std::string>>();
    for (const auto& r : x.at("rates"))
      zone.rates.push_back({r.at("name").template get<std::string>(), r.at("price").template get<std::int64_t>(),
                            r.at("free_from").template get<std::int64_t>(), r.value("grams_from", std::int64_t{0}),
                            r.value("grams_to", std::int64_t{-1})});
    out.push_back(std::move(zone));
  });
}

void from_json(std::string_view text, std::vector<cart_line>& out) {
  read_each(text, [&](const auto& x) {
    out.push_back({id_of(x.at("product_id")), id_of(x.at("variant_id")), x.at("quantity").template get<std::int64_t>(),
                   x.at("seen_price").template get<std::int64_t>(),
                   timestamp{std::chrono::microseconds{x.at("added_at").template get<std::int64_t>()}}});
  });
}

void from_json(std::string_view text, std::vector<import_error>& out) {
  read_each(text, [&](const auto& x) {
    out.push_back({x.at("line").template get<std::int64_t>(), x.at("reason").template get<std::string>()});
  });
}

void from_json(std::string_view text, postal_address& out) {
  try {
    const auto object = parse(text);
    for (const auto& [name, member] : address_fields)
      if (auto found = object.find(name); found != object.end())
        out.*member = found->get<std::string>();
  } catch (const nlohmann::json::exception& e) {
    throw storage_error(std::string{"a JSON column has another form than the code expects: "} + e.what());
  }
}

} // namespace souk::storage::postgres
