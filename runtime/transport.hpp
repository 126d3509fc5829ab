#pragma once

#include "storage/ownership_store.hpp"

#include <string>

namespace souk::runtime {

/// How nodes reach each other: frames of bytes, in order and at most once while a link lasts. One object per node; all calls are
/// thread-safe and none blocks. What happens is told to the node's peers actor by these messages:
///
///   (linked, incarnation)                          the peer is reached and is who its row says
///   (unlinked, incarnation, why, refused)          dialling failed or the link broke; `refused`: nobody listens there any more
///   (frame, incarnation, bytes)                    from that peer, whoever dialled
///
/// Nothing tells whether the last frames before `unlinked` arrived.
class transport {
public:
  virtual ~transport() = default;

  /// Begins to connect, within a few seconds. A peer that is being dialled or linked already is left alone.
  virtual void dial(const storage::node_row& peer) = 0;
  /// Forgets the peer; nothing is told of it any more.
  virtual void hang_up(const storage::ulid& peer) = 0;
  /// @returns false when there is no link: nothing was sent.
  virtual bool send(const storage::ulid& peer, std::string frame) = 0;
};

} // namespace souk::runtime
