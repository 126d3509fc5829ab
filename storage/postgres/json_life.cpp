#include "storage/postgres/json_life.hpp"

#include "storage/error.hpp"
#include "storage/postgres/json_text.hpp"

#include <type_traits>

#include <nlohmann/json.hpp>

namespace souk::storage::postgres {

namespace {

using nlohmann::json;

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};

// One list of members per struct serves both directions.
template <class A, class T>
void members(A& a, T& x);

class writing {
public:
  static constexpr bool reads = false;
  json out = json::object();

  template <class T>
  void operator()(const char* name, const T& value) {
    out[name] = made(value);
  }

  template <class T>
  static json made(const T& value) {
    if constexpr (is_vector<T>::value) {
      auto list = json::array();
      for (const auto& x : value)
        list.push_back(made(x));
      return list;
    } else if constexpr (std::is_enum_v<T>) {
      return static_cast<int>(value);
    } else if constexpr (std::is_same_v<T, ulid>) {
      return value.is_nil() ? std::string{} : value.str();
    } else if constexpr (std::is_same_v<T, timestamp>) {
      return value.time_since_epoch().count();
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      return value;
    } else {
      writing inner;
      members(inner, const_cast<T&>(value));
      return std::move(inner.out);
    }
  }
};

class reading {
public:
  static constexpr bool reads = true;
  const json& in;

  template <class T>
  void operator()(const char* name, T& value) {
    if (auto at = in.find(name); at != in.end())
      take(*at, value);
  }

  template <class T>
  static void take(const json& from, T& value) {
    if constexpr (is_vector<T>::value) {
      value.clear();
      for (const auto& x : from)
        take(x, value.emplace_back());
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(from.get<int>());
    } else if constexpr (std::is_same_v<T, ulid>) {
      const auto text = from.get<std::string>();
      if (text.empty()) {
        value = {};
        return;
      }
      auto id = ulid::parse(text);
      if (!id)
        throw storage_error("a JSON column holds something else where an id should be");
      value = *id;
    } else if constexpr (std::is_same_v<T, timestamp>) {
      value = timestamp{timestamp::duration{from.get<std::int64_t>()}};
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      value = from.get<T>();
    } else {
      reading inner{from};
      members(inner, value);
    }
  }
};

template <class A>
void list(A& a, tax_zone& x) {
  a("name", x.name), a("places", x.places), a("rate_ppm", x.rate_ppm), a("shipping_taxed", x.shipping_taxed);
}
template <class A>
void list(A& a, discount_rule& x) {
  a("kind", x.kind), a("title", x.title), a("percent_ppm", x.percent_ppm), a("amount", x.amount), a("products", x.products);
  a("gives", x.gives), a("buy_quantity", x.buy_quantity), a("get_quantity", x.get_quantity);
  a("minimum_subtotal", x.minimum_subtotal), a("minimum_quantity", x.minimum_quantity), a("combines", x.combines);
  a("starts_at", x.starts_at), a("ends_at", x.ends_at);
}
template <class A>
void list(A& a, automatic_discount& x) {
  a("id", x.id), a("active", x.active), a("rule", x.rule);
}
template <class A>
void list(A& a, payment_account& x) {
  a("provider", x.provider), a("active", x.active), a("manual_capture", x.manual_capture), a("public_key", x.public_key);
  a("sealed", x.sealed);
}
template <class A>
void list(A& a, carrier_account& x) {
  a("provider", x.provider), a("active", x.active), a("public_key", x.public_key), a("sealed", x.sealed);
  a("webhook_path", x.webhook_path);
}
template <class A>
void list(A& a, mail_settings& x) {
  a("sender_name", x.sender_name), a("reply_to", x.reply_to), a("merchant_email", x.merchant_email);
  a("switched_off", x.switched_off);
}
template <class A>
void list(A& a, store_settings& x) {
  a("language", x.language), a("tax_zones", x.tax_zones), a("shipping_taxed", x.shipping_taxed), a("discounts", x.discounts);
  a("payments", x.payments), a("carriers", x.carriers), a("manual_payments", x.manual_payments), a("mail", x.mail);
}
template <class A>
void list(A& a, given_discount& x) {
  a("code", x.code), a("title", x.title), a("amount", x.amount), a("shipping_amount", x.shipping_amount);
}
template <class A>
void list(A& a, tax_line& x) {
  a("title", x.title), a("rate_ppm", x.rate_ppm), a("amount", x.amount);
}
template <class A>
void list(A& a, order_pricing& x) {
  a("discounts", x.discounts), a("taxes", x.taxes), a("shipping_before", x.shipping_before), a("shipping_tax", x.shipping_tax);
  a("tax_inclusive", x.tax_inclusive);
}
template <class A>
void list(A& a, refund_line& x) {
  a("line", x.line), a("quantity", x.quantity), a("amount", x.amount), a("restock", x.restock);
}
template <class A>
void list(A& a, parcel_line& x) {
  a("line", x.line), a("quantity", x.quantity);
}
template <class A>
void list(A& a, fulfilment& x) {
  a("id", x.id), a("state", x.state), a("lines", x.lines), a("carrier", x.carrier), a("tracking_number", x.tracking_number);
  a("tracking_url", x.tracking_url), a("source", x.source), a("external_id", x.external_id), a("created_at", x.created_at);
  a("shipped_at", x.shipped_at), a("delivered_at", x.delivered_at);
}
template <class A>
void list(A& a, return_line& x) {
  a("line", x.line), a("quantity", x.quantity), a("reason", x.reason), a("received", x.received), a("restocked", x.restocked);
}
template <class A>
void list(A& a, order_return& x) {
  a("id", x.id), a("state", x.state), a("lines", x.lines), a("exchange", x.exchange), a("note", x.note);
  a("refund_id", x.refund_id), a("exchange_order_id", x.exchange_order_id), a("created_at", x.created_at);
  a("updated_at", x.updated_at);
}
template <class A>
void list(A& a, timeline_entry& x) {
  a("at", x.at), a("what", x.what), a("who", x.who), a("by", x.by), a("text", x.text);
}
template <class A>
void list(A& a, heard_event& x) {
  a("provider", x.provider), a("event_id", x.event_id), a("at", x.at);
}

template <class A, class T>
void members(A& a, T& x) {
  list(a, x);
}

template <class T>
void read(std::string_view text, T& out) {
  auto parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded())
    throw storage_error("a JSON column does not parse");
  try {
    reading::take(parsed, out);
  } catch (const json::exception& e) {
    throw storage_error(std::string{"a JSON column has another form than the code expects: "} + e.what());
  }
}

} // namespace

std::string to_json(const store_settings& settings) {
  return writing::made(settings).dump();
}
std::string to_json(const std::vector<refund_line>& lines) {
  return writing::made(lines).dump();
}
std::string to_json(const std::vector<fulfilment>& fulfilments) {
  return writing::made(fulfilments).dump();
}
std::string to_json(const std::vector<order_return>& returns) {
  return writing::made(returns).dump();
}
std::string to_json(const std::vector<timeline_entry>& timeline) {
  return writing::made(timeline).dump();
}
std::string to_json(const std::vector<heard_event>& heard) {
  return writing::made(heard).dump();
}
std::string to_json(const discount_rule& rule) {
  return writing::made(rule).dump();
}

std::string to_json(const order_pricing& p) {
  std::string out = "{";
  auto key = [&](const char* name) -> std::string& {
    if (out.size() > 1)
      out.push_back(',');
    out.push_back('"');
    return out.append(name).append("\":");
  };
  if (!p.discounts.empty())
    key("discounts").append(writing::made(p.discounts).dump());
  if (!p.taxes.empty()) {
    key("taxes").push_back('[');
    for (const auto& t : p.taxes) {
      if (&t != &p.taxes.front())
        out.push_back(',');
      out.append("{\"title\":");
      append_json_string(out, t.title);
      out.append(",\"rate_ppm\":").append(std::to_string(t.rate_ppm)).append(",\"amount\":").append(std::to_string(t.amount));
      out.push_back('}');
    }
    out.push_back(']');
  }
  if (p.shipping_before != 0)
    key("shipping_before").append(std::to_string(p.shipping_before));
  if (p.shipping_tax != 0)
    key("shipping_tax").append(std::to_string(p.shipping_tax));
  if (p.tax_inclusive)
    key("tax_inclusive").append("true");
  out.push_back('}');
  return out;
}

void from_json(std::string_view text, store_settings& out) {
  read(text, out);
}
void from_json(std::string_view text, order_pricing& out) {
  read(text, out);
}
void from_json(std::string_view text, std::vector<refund_line>& out) {
  read(text, out);
}
void from_json(std::string_view text, std::vector<fulfilment>& out) {
  read(text, out);
}
void from_json(std::string_view text, std::vector<order_return>& out) {
  read(text, out);
}
void from_json(std::string_view text, std::vector<timeline_entry>& out) {
  read(text, out);
}
void from_json(std::string_view text, std::vector<heard_event>& out) {
  read(text, out);
}
void from_json(std::string_view text, discount_rule& out) {
  read(text, out);
}

} // namespace souk::storage::postgres
