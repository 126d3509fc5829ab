#include "tests/cluster/next_release/gift_note.hpp"

#include <atomic>

#include <spdlog/spdlog.h>

namespace souk::actors {

namespace {

constexpr std::string_view sent = "With love, from the next release.";

/// Once per process: the upgrade test reads it in the log.
void say_first(std::atomic<bool>& said, const char* what) {
  if (!said.exchange(true))
    spdlog::info("the first place_order was {}", what);
}

} // namespace

// The release before, with its fields, is the template in actors/order/messages.hpp.

bool inspect(runtime::wire::writer& f, place_order& x) {
  static std::atomic<bool> said{false};
  std::string gift_note{sent};
  say_first(said, "written with a gift note");
  return inspect<runtime::wire::writer>(f, x) && f(gift_note);
}

bool inspect(runtime::wire::reader& f, place_order& x) {
  static std::atomic<bool> said_with{false}, said_without{false};
  std::string gift_note;
  if (!inspect<runtime::wire::reader>(f, x) || !f(gift_note))
    return false;
  if (gift_note.empty())
    say_first(said_without, "read without a gift note");
  else
    say_first(said_with, "read with a gift note");
  if (!gift_note.empty() && gift_note != sent) {
    spdlog::error("a gift note arrived as \"{}\"", gift_note);
    return false;
  }
  return true;
}

} // namespace souk::actors
