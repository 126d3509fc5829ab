#include "tests/bench/bench.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include <unistd.h>

namespace souk::bench {

namespace {

// The same rows as an order of ours, written the way most shops write them: lock the stock row, check, update, insert.
constexpr const char* schema = R"sql(
DROP SCHEMA IF EXISTS row_lock CASCADE;
CREATE SCHEMA row_lock;
SET search_path = row_lock;
CREATE TABLE stock (variant_id int PRIMARY KEY, on_hand bigint NOT NULL, reserved bigint NOT NULL,
                    CHECK (reserved >= 0 AND reserved <= on_hand)) WITH (fillfactor = 50);
CREATE TABLE orders (id bigint PRIMARY KEY, store_id int NOT NULL, user_id int NOT NULL, status text NOT NULL,
                     total bigint NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE items (order_id bigint NOT NULL, line int NOT NULL, variant_id int NOT NULL, quantity int NOT NULL,
                    price bigint NOT NULL, PRIMARY KEY (order_id, line));
CREATE TABLE reservations (order_id bigint NOT NULL, variant_id int NOT NULL, quantity int NOT NULL, state text NOT NULL,
                           deadline timestamptz NOT NULL, PRIMARY KEY (order_id, variant_id));
CREATE TABLE ledger (id bigserial PRIMARY KEY, variant_id int NOT NULL, reserved_delta int NOT NULL, reason text NOT NULL,
                     order_id bigint NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE outbox (id bigserial PRIMARY KEY, topic text NOT NULL, payload jsonb NOT NULL);
)sql";

constexpr const char* transaction = R"sql(\set v random(1, :variants)
\set order_id random(1, 9000000000000000000)
BEGIN;
SELECT on_hand - reserved AS available FROM row_lock.stock WHERE variant_id = :v FOR UPDATE;
UPDATE row_lock.stock SET reserved = reserved + 1 WHERE variant_id = :v;
INSERT INTO row_lock.orders (id, store_id, user_id, status, total) VALUES (:order_id, 1, 1, 'pending', 1999);
INSERT INTO row_lock.items VALUES (:order_id, 1, :v, 1, 1999);
INSERT INTO row_lock.reservations VALUES (:order_id, :v, 1, 'held', now() + interval '15 minutes');
INSERT INTO row_lock.ledger (variant_id, reserved_delta, reason, order_id) VALUES (:v, 1, 'reserved', :order_id);
INSERT INTO row_lock.outbox (topic, payload) VALUES ('order.created', jsonb_build_object('order_id', :order_id::text));
COMMIT;
)sql";

constexpr const char* queue_schema = R"sql(
DROP SCHEMA IF EXISTS queue_table CASCADE;
CREATE SCHEMA queue_table;
CREATE TABLE queue_table.outbox (id bigserial PRIMARY KEY, topic text NOT NULL, payload jsonb NOT NULL);
)sql";
constexpr const char* queue_transactions = R"sql(\set order_id random(1, 9000000000000000000)
INSERT INTO queue_table.outbox (topic, payload) VALUES ('order.created', jsonb_build_object('order_id', :order_id::text));
DELETE FROM queue_table.outbox WHERE id = (SELECT id FROM queue_table.outbox ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING payload;
)sql";

std::string run(const std::string& command) {
  std::string out;
  auto* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr)
    throw std::runtime_error("cannot run: " + command);
  char buffer[4096];
  while (fgets(buffer, sizeof buffer, pipe) != nullptr)
    out += buffer;
  if (pclose(pipe) != 0)
    throw std::runtime_error(command + "\n" + out);
  return out;
}

std::string write_file(const std::string& name, const std::string& text) {
  auto path = "/tmp/souk-bench-" + std::to_string(getpid()) + "-" + name;
  std::ofstream{path} << text;
  return path;
}

} // namespace

namespace {

/// The best of 1, 16 and 64 clients that run a script.
baseline_result best_of(const std::string& script, const std::string& flags, const std::string& database_url,
                        std::chrono::seconds each, const std::string& what) {
  baseline_result best;
  for (int clients : {1, 16, 64}) {
    auto out = run("/usr/lib/postgresql/15/bin/pgbench -n -M prepared -f " + script + flags + " -c " + std::to_string(clients)
                   + " -j 2 -T " + std::to_string(each.count()) + " '" + database_url + "'");
    auto at = out.find("tps = ");
    if (at == std::string::npos)
      throw std::runtime_error("pgbench printed no tps:\n" + out);
    auto tps = std::stod(out.substr(at + 6));
    std::cerr << what << ", " << clients << " clients: " << static_cast<long>(tps) << "/s\n";
    if (tps > best.per_second)
      best = {tps, clients};
  }
  return best;
}

} // namespace

baseline_result queue_table_baseline(const std::string& database_url, std::chrono::seconds each) {
  auto tables = write_file("schema.sql", queue_schema);
  auto script = write_file("transaction.sql", queue_transactions);
  run("psql -q -v ON_ERROR_STOP=1 -f " + tables + " '" + database_url + "'");
  auto best = best_of(script, "", database_url, each, "events through a table");
  run("psql -q -c 'DROP SCHEMA queue_table CASCADE' '" + database_url + "'");
  unlink(tables.c_str());
  unlink(script.c_str());
  return best;
}

baseline_result row_lock_baseline(const std::string& database_url, int variants, std::chrono::seconds each) {
  auto tables = write_file("schema.sql", std::string{schema} + "INSERT INTO stock SELECT i, 1000000000, 0 FROM generate_series(1, "
                                           + std::to_string(variants) + ") i; ANALYZE stock;");
  auto script = write_file("transaction.sql", transaction);
  run("psql -q -v ON_ERROR_STOP=1 -f " + tables + " '" + database_url + "'");
  auto best = best_of(script, " -D variants=" + std::to_string(variants), database_url, each, "row-lock transaction");
  run("psql -q -c 'DROP SCHEMA row_lock CASCADE' '" + database_url + "'");
  unlink(tables.c_str());
  unlink(script.c_str());
  return best;
}

} // namespace souk::bench
