#include "runtime/wire.hpp"

#include "actors/error.hpp"
#include "actors/type_ids.hpp"
#include "actors/wire_types.hpp"
#include "runtime/error.hpp"

#include <caf/binary_serializer.hpp>
#include <caf/sec.hpp>
#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <map>
#include <random>
#include <set>
#include <unordered_map>

using namespace souk;
using namespace souk::runtime;
using namespace std::string_literals;

namespace {

/// Puts something random into every field that inspect() names.
class scribbler {
public:
  using result_type = bool;

  explicit scribbler(std::uint64_t seed) : random_(seed) {}

  template <class... Ts>
  bool operator()(Ts&&... fields) {
    (fill(fields), ...);
    return true;
  }

  template <class T>
  void fill(T& x) {
    if constexpr (std::same_as<T, bool>) {
      x = random_() % 2 == 0;
    } else if constexpr (std::is_enum_v<T>) {
      x = static_cast<T>(1 + random_() % 5);
    } else if constexpr (std::integral<T>) {
      x = static_cast<T>(random_() >> (random_() % 64)); // of all sizes, also negative ones
    } else if constexpr (std::same_as<T, std::string>) {
      x.clear();
      for (auto n = random_() % (random_() % 8 == 0 ? 400 : 20); n > 0; --n)
        x.push_back(static_cast<char>(random_()));
    } else if constexpr (wire::is_time_point<T>) {
      x = T{typename T::duration{static_cast<std::int64_t>(random_() % 4'000'000'000'000'000)}};
    } else if constexpr (wire::is_optional<T>) {
      x.reset();
      if (random_() % 2 == 0)
        fill(x.emplace());
    } else if constexpr (wire::is_array<T>) {
      for (auto& item : x)
        fill(item);
    } else if constexpr (wire::sequence<T>) {
      x.clear();
      for (auto n = random_() % 4; n > 0; --n)
        fill(x.emplace_back());
    } else if constexpr (wire::fixed_group<T>) {
      std::apply([this](auto&... items) { (fill(items), ...); }, x);
    } else {
      inspect(*this, x);
    }
  }

private:
  std::mt19937_64 random_;
};

/// A message of the book: a random one of its kind, by seed.
struct wire_type {
  std::uint16_t number;
  const char* name;
  caf::message (*draw)(std::uint64_t seed);
};

template <class T>
wire_type of(std::uint16_t number, const char* name) {
  return {number, name, [](std::uint64_t seed) {
            T x{};
            scribbler{seed}.fill(x);
            return caf::make_message(std::move(x));
          }};
}

#define AS(number, type) of<type>(number, #type)

/// Every number that is or was in use: changing one here means that two releases no longer understand each
/// other.
const std::vector<wire_type>& wire_types() {
  using namespace actors;
  // clang-format off
  static const std::vector<wire_type> all = {
    AS(1, sign_up), AS(2, get_user), AS(3, get_credentials), AS(4, open_session), AS(5, authenticate),
    AS(6, close_session), AS(7, list_api_tokens), AS(8, note_cart), AS(9, forget_cart), AS(10, note_order),
    AS(11, reset_password), AS(12, ask_password_reset),
    AS(20, open_store), AS(21, get_store), AS(22, change_store), AS(23, change_settings), AS(24, note_mail),
    AS(25, lift_suppression), AS(26, change_mail_template),
    AS(30, create_product), AS(31, change_product), AS(32, start_import), AS(33, get_import),
    AS(40, get_stock), AS(41, set_stock), AS(42, adjust_stock), AS(43, set_stock_policy),
    AS(50, get_cart), AS(51, add_to_cart), AS(52, set_cart_line), AS(53, clear_cart), AS(54, merge_cart),
    AS(55, lines_ordered),
    AS(60, place_order), AS(61, check_out), AS(62, get_order), AS(63, cancel_order), AS(64, confirm_payment),
    AS(65, mark_shipped), AS(66, mark_delivered), AS(67, capture_payment), AS(68, refund_order), AS(69, request_return),
    AS(70, step_return), AS(71, receive_return), AS(72, provider_told), AS(73, parcel_left),
    AS(80, post_review), AS(81, vote_helpful),
    AS(90, create_discount), AS(91, get_discount), AS(92, change_discount), AS(93, check_discount),
    AS(94, create_gift_card), AS(95, get_gift_card), AS(96, change_gift_card), AS(97, get_gift_card_balance),
    AS(100, create_webhook), AS(101, change_webhook), AS(102, remove_webhook), AS(103, get_webhooks),
    AS(104, redeliver_webhook), AS(105, webhook_event),
    AS(200, bool), AS(201, std::uint64_t), AS(202, std::string), AS(203, problem),
    AS(210, user_view), AS(211, storage::session_row), AS(212, std::vector<storage::session_row>),
    AS(220, storage::store_row), AS(230, product_written), AS(231, storage::import_row), AS(240, stock_view),
    AS(250, cart_view), AS(260, order_view), AS(280, storage::review_row),
    AS(290, storage::discount_row), AS(291, discount_offer), AS(292, storage::gift_card_row), AS(293, gift_card_balance),
    AS(300, storage::webhook_row), AS(301, std::vector<storage::webhook_row>), AS(302, storage::webhook_delivery_row)};
  // clang-format on
  return all;
}

#undef AS

const wire_book& shop_book() {
  static const auto book = [] {
    wire_book b;
    actors::add_shop_wire(b);
    return b;
  }();
  return book;
}

std::string written(const caf::message& what) {
  std::string out;
  REQUIRE(shop_book().write(what, out));
  return out;
}

/// The only element's fields as CAF itself would send them: a second opinion.
std::vector<char> as_caf_writes_it(const caf::message& what) {
  std::vector<char> out;
  caf::binary_serializer sink{nullptr, out};
  REQUIRE_FALSE(what.save(0, sink));
  return out;
}

caf::error sent(const caf::error& why) {
  std::string bytes;
  shop_book().write_error(why, bytes);
  auto back = shop_book().read_error(bytes);
  REQUIRE(back);
  return *back;
}

// Two releases of the same things.

struct old_line {
  std::int64_t quantity = 0;
  bool operator==(const old_line&) const = default;
};
struct new_line {
  std::int64_t quantity = 0;
  std::string gift_note = "none";
  std::optional<std::int32_t> rank = 7;
  bool operator==(const new_line&) const = default;
};
struct old_cart {
  std::string name;
  std::vector<old_line> lines;
  std::pair<old_line, std::int32_t> first;
  bool operator==(const old_cart&) const = default;
};
struct new_cart {
  std::string name;
  std::vector<new_line> lines;
  std::pair<new_line, std::int32_t> first;
  std::vector<std::string> coupons{"welcome"};
  std::int64_t tip = -1;
  bool operator==(const new_cart&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, old_line& x) {
  return f(x.quantity);
}
template <class I>
typename I::result_type inspect(I& f, new_line& x) {
  return f(x.quantity, x.gift_note, x.rank);
}
template <class I>
typename I::result_type inspect(I& f, old_cart& x) {
  return f(x.name, x.lines, x.first);
}
template <class I>
typename I::result_type inspect(I& f, new_cart& x) {
  return f(x.name, x.lines, x.first, x.coupons, x.tip);
}

/// Counts what containers ask for.
struct thrift {
  static inline std::size_t bytes = 0;
};
template <class T>
struct thrifty {
  using value_type = T;
  thrifty() = default;
  template <class U>
  thrifty(const thrifty<U>&) noexcept {}
  T* allocate(std::size_t n) {
    thrift::bytes += n * sizeof(T);
    return std::allocator<T>{}.allocate(n);
  }
  void deallocate(T* p, std::size_t n) { std::allocator<T>{}.deallocate(p, n); }
  bool operator==(const thrifty&) const = default;
};

template <class T>
bool is_well_formed(std::string_view bytes) {
  T x{};
  return from_bytes(bytes, x);
}

template <class T>
T returned(const T& x) {
  T back{};
  REQUIRE(from_bytes(to_bytes(x), back));
  return back;
}

} // namespace

TEST_CASE("every command and answer of the shop arrives as it was sent", "[wire]") {
  CHECK(wire_types().size() == shop_book().size());
  rc::check("whatever is in it", [](std::uint64_t seed) {
    for (const auto& type : wire_types()) {
      auto original = type.draw(seed);
      auto bytes = written(original);
      auto back = shop_book().read(bytes);
      RC_ASSERT(back.has_value());
      RC_ASSERT(back->type(0) == original.type(0));
      RC_ASSERT(as_caf_writes_it(*back) == as_caf_writes_it(original));
      RC_ASSERT(written(*back) == bytes);
    }
  });
}

TEST_CASE("a command keeps its number from release to release", "[wire]") {
  for (const auto& type : wire_types()) {
    INFO(type.name);
    auto bytes = written(type.draw(1));
    wire::reader from{bytes};
    std::uint16_t number = 0;
    CHECK(from.take(number));
    CHECK(number == type.number);
  }
}

TEST_CASE("a command has the bytes that earlier releases wrote", "[wire]") {
  actors::add_to_cart c;
  c.by.user.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  c.by.session = storage::session_kind::guest;
  c.product_id.bytes.fill(0xAA);
  c.variant_id.bytes.fill(0xBB);
  c.quantity = 300;
  CHECK(written(caf::make_message(c))
        == "\x33"                                                                  // add_to_cart
           "\x44"                                                                  // its length
           "\x21"                                                                  // the caller's length
           "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x10\x02"s // user, guest
             + std::string(16, '\0') + std::string(16, '\xAA') + std::string(16, '\xBB')
             + "\xD8\x04"); // 300, zigzag
  actors::reserved longer;
  longer.product_title = std::string(200, 'x');
  auto bytes = to_bytes(longer);
  CHECK(bytes.size()
        == 2 + static_cast<std::size_t>((bytes[0] & 0x7F) | bytes[1] << 7)); // a length of two bytes
}

TEST_CASE("the smallest and the largest figures travel", "[wire]") {
  CHECK(returned(std::numeric_limits<std::int64_t>::min()) == std::numeric_limits<std::int64_t>::min());
  CHECK(returned(std::numeric_limits<std::int64_t>::max()) == std::numeric_limits<std::int64_t>::max());
  CHECK(returned(std::numeric_limits<std::uint64_t>::max()) == std::numeric_limits<std::uint64_t>::max());
  CHECK(returned(std::int16_t{-32768}) == -32768);
  CHECK(returned(std::uint8_t{255}) == 255);
  CHECK(returned(std::int64_t{-1}) == -1);
  CHECK(to_bytes(std::int64_t{-1}).size() == 1);
  CHECK(returned(-0.1) == -0.1);
  CHECK(returned(std::numeric_limits<double>::infinity()) == std::numeric_limits<double>::infinity());
  CHECK(returned(1.5F) == 1.5F);
}

TEST_CASE("containers of every sort travel", "[wire]") {
  std::map<std::string, std::vector<std::optional<std::int32_t>>> prices{{"EUR", {1, std::nullopt, -3}},
                                                                         {"", {}}};
  CHECK(returned(prices) == prices);
  std::unordered_map<std::int64_t, bool> flags{{-5, true}, {7, false}};
  CHECK(returned(flags) == flags);
  std::set<std::string> tags{"b", "a"};
  CHECK(returned(tags) == tags);
  std::vector<bool> bits{true, false, true};
  CHECK(returned(bits) == bits);
  std::tuple<std::string, std::array<std::int32_t, 3>, std::chrono::milliseconds> mixed{
    "x", {1, -2, 3}, std::chrono::milliseconds{-90}};
  CHECK(returned(mixed) == mixed);
  storage::timestamp when{std::chrono::microseconds{-1'234'567'890'123}};
  CHECK(returned(when) == when);
}

TEST_CASE("an old release skips what a newer one added, also deep inside", "[wire]") {
  new_cart sent_cart{"basket", {{1, "for you", 3}, {2, "", std::nullopt}}, {{9, "x", 1}, 4}, {"a", "b"}, 500};
  old_cart got;
  REQUIRE(from_bytes(to_bytes(sent_cart), got));
  CHECK(got == old_cart{"basket", {{1}, {2}}, {{9}, 4}});
}

TEST_CASE("a new release keeps its defaults for what an older one did not send", "[wire]") {
  old_cart sent_cart{"basket", {{1}, {2}}, {{9}, 4}};
  new_cart got{"left over", {{5, "old", 1}}, {}, {"stale"}, 3};
  REQUIRE(from_bytes(to_bytes(sent_cart), got));
  CHECK(got == new_cart{"basket", {{1, "none", 7}, {2, "none", 7}}, {{9, "none", 7}, 4}, {"welcome"}, -1});
}

TEST_CASE("what is cut off is refused, wherever it is cut", "[wire]") {
  for (const auto& type : wire_types()) {
    auto bytes = written(type.draw(11));
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      INFO(type.name << " cut to " << n << " of " << bytes.size());
      std::string part{bytes.data(), n}; // its own memory: a look beyond it is seen by the address sanitizer
      CHECK_FALSE(shop_book().read(part));
    }
    CHECK_FALSE(shop_book().read(bytes + '\0'));
  }
}

TEST_CASE("flipped bits are refused or read as something that can be sent again", "[wire]") {
  rc::check("any of them, and noise", [](std::uint64_t seed) {
    std::mt19937_64 random{seed};
    for (const auto& type : wire_types()) {
      auto bytes = written(type.draw(seed));
      for (int i = 0; i < 20; ++i) {
        auto bad = bytes;
        for (auto flips = 1 + random() % 3; flips > 0; --flips)
          bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
        if (auto what = shop_book().read(bad)) {
          std::string again;
          RC_ASSERT(shop_book().write(*what, again));
          RC_ASSERT(shop_book().read(again).has_value());
        }
        shop_book().read_error(bad);
      }
    }
    std::string noise(random() % 200, '\0');
    for (auto& c : noise)
      c = static_cast<char>(random());
    shop_book().read(noise);
    shop_book().read_error(noise);
  });
}

TEST_CASE("a length that cannot be true costs no memory", "[wire]") {
  using numbers = std::vector<std::int64_t, thrifty<std::int64_t>>;
  using texts = std::vector<std::string, thrifty<std::string>>;
  thrift::bytes = 0;
  CHECK_FALSE(is_well_formed<numbers>("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"));  // 2^64 - 1 elements
  CHECK_FALSE(is_well_formed<numbers>("\xFF\xFF\xFF\x7F" + std::string(100, '\1'))); // 2^28 - 1
  CHECK_FALSE(is_well_formed<texts>("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F" + std::string(100, 'x')));
  CHECK(thrift::bytes == 0);
  CHECK_FALSE(
    is_well_formed<numbers>("\xE4\x00\x01" + std::string(200, '\xFF'))); // the count itself is malformed
  CHECK(thrift::bytes == 0);
  CHECK_FALSE(is_well_formed<numbers>(
    "\x64\x01" + std::string(200, '\xFF'))); // 100, as there might be: the second is none
  CHECK(thrift::bytes <= 2 * sizeof(std::int64_t));
  CHECK_FALSE(is_well_formed<std::string>("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"));
  CHECK_FALSE(is_well_formed<new_cart>("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"));
}

TEST_CASE("a value has one form only", "[wire]") {
  CHECK_FALSE(is_well_formed<bool>("\x02"));
  CHECK_FALSE(is_well_formed<std::uint64_t>("\x80\x00"s));                                    // a longer zero
  CHECK_FALSE(is_well_formed<std::uint64_t>("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"));     // 65 bits
  CHECK_FALSE(is_well_formed<std::uint64_t>("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01")); // 11 bytes
  CHECK_FALSE(is_well_formed<std::uint16_t>("\x80\x80\x04"));                                 // 65,536
  CHECK_FALSE(is_well_formed<std::int32_t>(to_bytes(std::int64_t{1} << 31)));
  CHECK(is_well_formed<std::int32_t>(to_bytes((std::int64_t{1} << 31) - 1)));
  CHECK_FALSE(is_well_formed<std::set<std::string>>("\x02\x01"
                                                    "a\x01"
                                                    "a"));
  CHECK_FALSE((is_well_formed<std::map<std::uint8_t, bool>>("\x02\x01\x01\x01\x01")));
  CHECK_FALSE(is_well_formed<std::string>("\x01"
                                          "ab"));
  old_cart kept{"before", {}, {}};
  CHECK_FALSE(from_bytes("\x03\x05"
                         "ab",
                         kept));
  CHECK(kept.name == "before");
}

TEST_CASE("an error arrives with its code and what came along", "[wire]") {
  storage::ulid variant;
  variant.bytes.fill(3);
  auto back = sent(actors::refuse(actors::errc::out_of_stock, "not enough", "quantity", {{variant, 5, 2}}));
  CHECK(back == actors::errc::out_of_stock);
  auto problem = actors::problem_of(back);
  CHECK(problem.message == "not enough");
  CHECK(problem.field == "quantity");
  REQUIRE(problem.lines.size() == 1);
  CHECK(problem.lines[0].variant_id == variant);
  CHECK(problem.lines[0].requested == 5);
  CHECK(problem.lines[0].available == 2);

  CHECK(sent(caf::make_error(runtime::errc::moved)) == runtime::errc::moved);
  CHECK(sent(caf::make_error(runtime::errc::overloaded, "full"s)).context().get_as<std::string>(0) == "full");
  CHECK_FALSE(sent(caf::error{}));
}

TEST_CASE("an error of CAF's own means to another node that it was not served", "[wire]") {
  auto back = sent(caf::make_error(caf::sec::request_receiver_down));
  CHECK(back == runtime::errc::unavailable);
  CHECK(back.context().get_as<std::string>(0).find("request_receiver_down") != std::string::npos);
  CHECK(sent(caf::make_error(caf::exit_reason::kill)) == runtime::errc::unavailable);
}

TEST_CASE("an error keeps its code when what came along is unknown here", "[wire]") {
  auto back = sent(caf::make_error(runtime::errc::write_failed, std::int32_t{1}, "two"s));
  CHECK(back == runtime::errc::write_failed);
  CHECK(back.context().match_elements<std::string>());
  wire_book newer, older;
  newer.add<storage::ulid>(900, repeat::safe);
  std::string bytes;
  newer.write_error(caf::make_error(runtime::errc::in_doubt, storage::ulid{}), bytes);
  auto there = older.read_error(bytes);
  REQUIRE(there);
  CHECK(*there == runtime::errc::in_doubt);
  CHECK(there->context().empty());
}

TEST_CASE("what would do harm when done twice is not repeated", "[wire]") {
  auto repeatable = [](auto command) {
    return shop_book().repeatable(caf::make_message(std::move(command)));
  };
  CHECK(repeatable(actors::place_order{}));
  CHECK(repeatable(actors::check_out{}));
  CHECK(repeatable(actors::get_order{}));
  CHECK(repeatable(actors::note_order{}));
  CHECK(repeatable(actors::set_cart_line{}));
  CHECK_FALSE(repeatable(actors::add_to_cart{}));
  CHECK_FALSE(repeatable(actors::adjust_stock{}));
  CHECK_FALSE(repeatable(actors::set_stock{}));
  CHECK_FALSE(repeatable(actors::forget_cart{}));
  CHECK_FALSE(repeatable(actors::store_terms{}));
}

TEST_CASE("only what is in the book leaves the node", "[wire]") {
  std::string out = "before";
  CHECK_FALSE(shop_book().write(caf::make_message(actors::store_terms{}), out));
  CHECK_FALSE(shop_book().write(caf::make_message(actors::reserve_stock{}), out));
  CHECK_FALSE(shop_book().write(caf::make_message(true, true), out));
  CHECK(out == "before");
  CHECK_FALSE(shop_book().read("\x7F\x00"s)); // a newer node's command
  auto nothing = shop_book().read(written(caf::message{}));
  REQUIRE(nothing);
  CHECK(nothing->empty());
}

TEST_CASE("the book takes no number twice, and nothing that must stay in its process", "[wire]") {
  wire_book book;
  book.add<bool>(7, repeat::safe);
  CHECK_THROWS_AS(book.add<std::string>(7, repeat::safe), std::logic_error);
  CHECK_THROWS_AS(book.add<bool>(8, repeat::safe), std::logic_error);
  CHECK_THROWS_AS(book.add<std::string>(0, repeat::safe), std::logic_error);
  CHECK_THROWS_AS(book.add<actors::store_terms>(9, repeat::safe), std::logic_error);
  CHECK_THROWS_AS(book.add<std::vector<storage::outbox_event>>(10, repeat::safe), std::logic_error);
  CHECK_NOTHROW(book.add<actors::get_credentials>(11, repeat::safe)); // it has no field to name
}
