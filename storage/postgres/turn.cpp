#include "storage/postgres/turn.hpp"

namespace souk::storage::postgres {

namespace {

const statement try_statement{"try_turn", "SELECT pg_try_advisory_lock($1::int8)"};

} // namespace

turn::turn(const database& db, std::int64_t chore)
  : connection_({db.url, "souk-turn", "", std::chrono::milliseconds{2'000}, std::chrono::milliseconds{3'000}, ""}) {
  ours_ = connection_.read(try_statement, parameters::of(chore)).boolean(0, 0);
}

} // namespace souk::storage::postgres
