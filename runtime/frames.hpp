#pragma once

#include "runtime/messages.hpp"

#include <string>
#include <vector>

// What nodes say to each other: one byte that says which, then the struct in the format of runtime/wire_format.hpp. New fields go to
// the end of a struct; what a node does not know it ignores.
namespace souk::runtime {

enum class frame_kind : std::uint8_t { call = 1, answer = 2, grant = 3, notice = 4 };

/// A message for an entity.
struct call_frame {
  std::uint64_t id = 0; ///< the caller's number for it, growing; 0: no answer is expected
  entity_address whom;
  delivery how = delivery::activate;
  std::uint8_t hops = 1; ///< 1: to be answered by who gets it; 2: may be passed on once more
  std::string command;   ///< see wire_book
  question asked;        ///< without an asker from nodes of wire version 1
};

enum class outcome : std::uint8_t {
  value = 1, ///< body: the entity's answer
  error = 2, ///< body: its error
  moved = 3  ///< not done: `owner` has the shard, as far as the answering node knows
};

struct answer_frame {
  std::uint64_t id = 0;
  outcome what = outcome::value;
  std::string body;
  storage::ulid owner;
  std::int64_t epoch = 0;
};

/// The rows name the receiver as the owner of these shards.
struct grant_frame {
  std::vector<storage::fence> fences;
};

/// Something that every node should know soon and can do without (a page is old).
struct notice_frame {
  std::string topic;
  std::string body;
};

template <class I>
typename I::result_type inspect(I& f, call_frame& x) {
  return f(x.id, x.whom, x.how, x.hops, x.command, x.asked);
}
template <class I>
typename I::result_type inspect(I& f, answer_frame& x) {
  return f(x.id, x.what, x.body, x.owner, x.epoch);
}
template <class I>
typename I::result_type inspect(I& f, grant_frame& x) {
  return f(x.fences);
}
template <class I>
typename I::result_type inspect(I& f, notice_frame& x) {
  return f(x.topic, x.body);
}

} // namespace souk::runtime
