#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "http/shop_client.hpp"
#include "runtime/entity.hpp"
#include "runtime/shard_host.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <catch2/catch.hpp>

namespace souk::http {
namespace {

using namespace std::chrono_literals;

struct types : caf::actor_system_config {
  types() {
    runtime::add_runtime_types(*this);
    actors::add_shop_types(*this);
  }
};

enum class manner { silent, refusing, failing, odd, moving, away };

/// Stands where the shards are, and answers everything in one manner.
caf::behavior shard_that_is(caf::event_based_actor*, manner how) {
  return {[how, asked = std::make_shared<int>(0)](
            runtime::deliver_atom, const runtime::entity_address&, runtime::delivery,
            const caf::message&) -> caf::result<caf::message> {
    switch (how) {
      case manner::refusing:
        return actors::refuse(actors::errc::out_of_stock, "too few", "items", {{{}, 3, 1}});
      case manner::failing:
        return caf::make_error(runtime::errc::restarted);
      case manner::moving:
        if (++*asked < 3)
          return caf::make_error(runtime::errc::moved);
        return actors::refuse(actors::errc::not_found, "nothing here");
      case manner::away:
        return caf::make_error(runtime::errc::moved);
      case manner::odd:
        return caf::make_message(std::string{"no order"});
      case manner::silent:
        break;
    }
    return caf::make_error(caf::sec::runtime_error);
  }};
}

class system_with {
public:
  explicit system_with(manner how) {
    if (how == manner::silent) // takes the request and forgets its promise: nobody ever answers
      shard_ = system_.spawn([](caf::event_based_actor* self) -> caf::behavior {
        return {[self](runtime::deliver_atom, const runtime::entity_address&, runtime::delivery,
                       const caf::message&) { return self->make_response_promise(); }};
      });
    else
      shard_ = system_.spawn(shard_that_is, how);
    for (int i = 0; i < storage::shard_count; ++i)
      routes.place(static_cast<storage::shard_id>(i), shard_);
  }
  ~system_with() {
    caf::anon_send_exit(shard_, caf::exit_reason::kill);
    routes.clear();
    shard_ = nullptr;
  }
  answer<actors::order_view> read_order(std::chrono::milliseconds within) {
    return shop_client{system_, routes}.get_order({}, {}, std::chrono::steady_clock::now() + within);
  }
  runtime::router routes;

private:
  types types_;
  caf::actor_system system_{types_};
  caf::actor shard_;
};

TEST_CASE("what an actor refuses arrives with all it says", "[http][client]") {
  system_with shop{manner::refusing};
  const auto got = shop.read_order(5s);
  REQUIRE(got.refused_with(actors::errc::out_of_stock));
  CHECK(got.why().message == "too few");
  CHECK(got.why().field == "items");
  REQUIRE(got.why().lines.size() == 1);
  CHECK(got.why().lines[0].requested == 3);
}

TEST_CASE("what the runtime refuses can be tried again", "[http][client]") {
  system_with shop{manner::failing};
  const auto got = shop.read_order(5s);
  REQUIRE(got.refused_with(runtime::errc::restarted));
  CHECK(rule_of(got.why().why).status == 503);
}

TEST_CASE("an answer of the wrong kind is a fault of ours, not a hang", "[http][client]") {
  system_with shop{manner::odd};
  CHECK(shop.read_order(5s).refused_with(errc::internal));
}

TEST_CASE("nobody waits longer than the deadline", "[http][client]") {
  system_with shop{manner::silent};
  const auto began = std::chrono::steady_clock::now();
  CHECK(shop.read_order(100ms).refused_with(errc::timeout));
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(took >= 90ms);
  CHECK(took < 3s);
  CHECK(shop.read_order(0ms).refused_with(errc::timeout)); // not even sent
}

TEST_CASE("a command that came while its shard moved is asked again", "[http][client]") {
  system_with shop{manner::moving};
  CHECK(shop.read_order(5s).refused_with(actors::errc::not_found)); // the third time it is there, and answers

  INFO("but not for longer than its deadline");
  system_with away{manner::away};
  const auto began = std::chrono::steady_clock::now();
  CHECK(away.read_order(100ms).refused_with(runtime::errc::moved));
  CHECK(std::chrono::steady_clock::now() - began < 3s);
}

TEST_CASE("a shard that is not here is moved", "[http][client]") {
  system_with shop{manner::refusing};
  shop.routes.clear();
  CHECK(shop.read_order(1s).refused_with(runtime::errc::moved));
}

} // namespace
} // namespace souk::http
