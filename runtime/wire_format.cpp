#include "runtime/wire_format.hpp"

namespace souk::runtime::wire {

namespace {

constexpr int depth_max = 64; ///< of structs in structs: bytes must not decide how deep the stack grows

} // namespace

void writer::put_varint(std::uint64_t x) {
  while (x >= 0x80) {
    out_.push_back(static_cast<char>(x | 0x80));
    x >>= 7;
  }
  out_.push_back(static_cast<char>(x));
}

void writer::put_zigzag(std::int64_t x) {
  put_varint((static_cast<std::uint64_t>(x) << 1) ^ static_cast<std::uint64_t>(x >> 63));
}

void writer::put_fixed(std::uint64_t x, int size) {
  for (int i = 0; i < size; ++i)
    out_.push_back(static_cast<char>(x >> (8 * i)));
}

void writer::put_bytes(std::string_view x) {
  put_varint(x.size());
  out_.append(x);
}

// Most structs are shorter than 128 bytes: one byte is left for the length, and a longer length moves the
// fields once.
std::size_t writer::open_struct() {
  out_.push_back('\0');
  return out_.size();
}

void writer::close_struct(std::size_t began) {
  auto size = out_.size() - began;
  out_[began - 1] = static_cast<char>(size < 0x80 ? size : size | 0x80);
  if (size < 0x80)
    return;
  std::string more;
  writer{more}.put_varint(size >> 7);
  out_.insert(began, more);
}

bool reader::take_byte(std::uint8_t& x) {
  if (at_end())
    return false;
  x = static_cast<std::uint8_t>(*at_++);
  return true;
}

bool reader::take_varint(std::uint64_t& x) {
  x = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    std::uint8_t byte = 0;
    if (!take_byte(byte))
      return false;
    auto bits = static_cast<std::uint64_t>(byte & 0x7F);
    if (shift == 63 && bits > 1)
      return false;
    x |= bits << shift;
    if ((byte & 0x80) == 0)
      return bits != 0 || shift == 0; // a number has one form only
  }
  return false;
}

bool reader::take_zigzag(std::int64_t& x) {
  std::uint64_t bits = 0;
  if (!take_varint(bits))
    return false;
  x = static_cast<std::int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
  return true;
}

bool reader::take_fixed(std::uint64_t& x, int size) {
  x = 0;
  for (int i = 0; i < size; ++i) {
    std::uint8_t byte = 0;
    if (!take_byte(byte))
      return false;
    x |= static_cast<std::uint64_t>(byte) << (8 * i);
  }
  return true;
}

bool reader::take_bytes(std::string_view& x) {
  std::uint64_t size = 0;
  if (!take_varint(size) || size > left())
    return false;
  x = {at_, static_cast<std::size_t>(size)};
  at_ += size;
  return true;
}

bool reader::open_struct(const char*& outer) {
  std::uint64_t size = 0;
  if (depth_ >= depth_max || !take_varint(size) || size > left())
    return false;
  ++depth_;
  outer = end_;
  end_ = at_ + size;
  return true;
}

bool reader::close_struct(const char* outer) {
  at_ = end_; // what is left are fields of a newer release
  end_ = outer;
  --depth_;
  return true;
}

} // namespace souk::runtime::wire
