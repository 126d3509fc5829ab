// The book of the next release: the same messages, one of which has grown. Found before this release's, which stays in its archive.

#include "tests/cluster/next_release/gift_note.hpp"

#include "actors/wire_types.cpp"
