#include "http/service.hpp"

#include <algorithm>

namespace souk::http {

namespace {

/// Log-ins and sign-ups only: the names are asked about once each.
constexpr std::size_t directory_connections_max = 4;
constexpr std::size_t cached_sessions = 100'000;

} // namespace

service::service(foundation from)
  : base(std::move(from)), actors(base.system, base.routes),
    catalog(std::max<std::size_t>(2, base.settings.readers), base.make_catalog_reader),
    names(directory_connections_max, base.make_directory),
    passwords(base.settings.hash_workers, base.settings.hash_queue_max), sessions(cached_sessions, base.time),
    known(actors, catalog), pages(*base.pages, catalog) {
  // nop
}

void service::forget_session(const storage::token_hash& token) const {
  sessions.forget(token);
  if (base.session_forgotten)
    base.session_forgotten(token);
}

} // namespace souk::http
