// soukd: one process of a souk deployment, and the operator's commands around it.

#include "config/command_line.hpp"
#include "config/log.hpp"
#include "soukd/commands.hpp"

#include <csignal>
#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  using namespace souk;
  std::signal(SIGPIPE, SIG_IGN); // a peer that hung up shows itself where it is written to
  const std::vector<config::command> commands{
    {.name = "serve", .description = "serve the shops (the default)"},
    {.name = "migrate", .description = "bring the databases to this program's schema"},
    {.name = "doctor", .description = "check every invariant on the live databases; exit code 1 on a violation"},
    {.name = "status",
     .description = "nodes, views and owners of shards by the databases, and what each node says of itself",
     .options = {{"urls", "of nodes, separated by commas: http://HOST:PORT,…", false}}},
    {.name = "drain",
     .description = "ask a node to give all its shards to others, and wait until it has",
     .positionals = {{"NODE", "its name"}},
     .switches = {{"undo", "let it have shards again", false}}},
    {.name = "move-shard",
     .description = "move a shard's rows to another database; run again, it goes on where it stopped",
     .positionals = {{"SHARD", "0 to 255"}, {"DATABASE", "its place in the settings, from 1", false}},
     .switches = {{"abort", "end a move that was not finished: the shard stays where it was", false}}},
    {.name = "reopen",
     .description = "serve a quarantined shard again, as it is now",
     .positionals = {{"SHARD", "its number, or all"}}},
    {.name = "events",
     .description = "events that a consumer never took: list them, deliver them again, or drop them",
     .positionals = {{"WHAT", "parked, retry or drop"},
                     {"CONSUMER", "whose, or all", false},
                     {"EVENT", "SHARD-SEQ-N, or all", false}}},
    {.name = "import",
     .description = "import a product CSV into a store of the running shop",
     .positionals = {{"STORE", "its slug or id"}, {"FILE", "a product CSV of either Shopify generation"}},
     .options = {{"url", "where the shop answers", true}, {"token", "the merchant's token; also SOUK_TOKEN", false, "SOUK_TOKEN"}},
     .needs_database = false},
    {.name = "reconcile",
     .description = "hold a day's payments of a store against its providers'; exit code 1 when they differ, 2 when one did not answer",
     .positionals = {{"STORE", "its id"}, {"DAY", "2026-11-26, in UTC"}}},
    {.name = "demo",
     .description = "create the two demo shops, once, and print a shopping walk-through",
     .options = {{"url", "where the shop answers", true}, {"token-file", "where to leave the merchant's token", false}},
     .needs_database = false},
  };
  auto wanted = config::parse(argc, argv, commands);
  if (auto* end = std::get_if<config::stop>(&wanted)) {
    (end->exit_code == 0 ? std::cout : std::cerr) << end->text;
    return end->exit_code;
  }
  auto& p = std::get<config::parsed>(wanted);
  try {
    if (p.subcommand == "migrate")
      return server::migrate(p);
    if (p.subcommand == "doctor")
      return server::doctor(p);
    if (p.subcommand == "status")
      return server::status(p);
    if (p.subcommand == "drain")
      return server::drain(p);
    if (p.subcommand == "move-shard")
      return server::move_shard(p);
    if (p.subcommand == "reopen")
      return server::reopen(p);
    if (p.subcommand == "events")
      return server::events(p);
    if (p.subcommand == "import")
      return server::import(p);
    if (p.subcommand == "reconcile")
      return server::reconcile(p);
    if (p.subcommand == "demo")
      return server::demo(p);
    return server::serve(p);
  } catch (const std::exception& e) {
    config::flush_log();
    std::cerr << "soukd " << p.subcommand << ": " << e.what() << "\n";
    return 1;
  }
}
