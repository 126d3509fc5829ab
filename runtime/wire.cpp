#include "runtime/wire.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <array>

#include <caf/exit_reason.hpp>
#include <caf/pec.hpp>
#include <caf/sec.hpp>

namespace souk::runtime {

namespace {

constexpr std::uint16_t nothing = 0; ///< the number of the empty message

/// An error as it travels.
struct sent_error {
  std::uint64_t category = 0; ///< a caf::atom, 0 for no error at all
  std::uint8_t code = 0;
  std::string context; ///< a message, as the book writes it
};

template <class I>
typename I::result_type inspect(I& f, sent_error& x) {
  return f(x.category, x.code, x.context);
}

bool is_of_caf(caf::atom_value category) {
  static const std::array own = {caf::make_error(caf::sec::unexpected_message).category(),
                                 caf::make_error(caf::exit_reason::kill).category(),
                                 caf::make_error(caf::pec::unexpected_character).category()};
  return std::find(own.begin(), own.end(), category) != own.end();
}

} // namespace

wire_book::type_key wire_book::key_of(caf::rtti_pair type) {
  return {type.first, type.second != nullptr ? std::type_index{*type.second} : std::type_index{typeid(void)}};
}

void wire_book::add(std::uint16_t number, caf::rtti_pair type, entry how) {
  if (number == nothing || by_number_.contains(number))
    throw std::logic_error{"the number " + std::to_string(number) + " is taken"};
  if (!by_type_.emplace(key_of(type), how).second)
    throw std::logic_error{"the type with number " + std::to_string(number) + " has a number already"};
  by_number_.emplace(number, how);
}

const wire_book::entry* wire_book::find(const caf::message& what) const {
  if (what.size() != 1)
    return nullptr;
  auto at = by_type_.find(key_of(what.type(0)));
  return at == by_type_.end() ? nullptr : &at->second;
}

bool wire_book::write(const caf::message& what, std::string& out) const {
  if (what.empty()) {
    wire::writer{out}.put(nothing);
    return true;
  }
  const auto* how = find(what);
  if (how == nullptr)
    return false;
  wire::writer{out}.put(how->number);
  how->write(what.get(0), out);
  return true;
}

std::optional<caf::message> wire_book::read(std::string_view bytes) const {
  std::uint16_t number = 0;
  wire::reader from{bytes};
  if (!from.take(number))
    return std::nullopt;
  if (number == nothing)
    return from.at_end() ? std::optional{caf::message{}} : std::nullopt;
  auto how = by_number_.find(number);
  return how == by_number_.end() ? std::nullopt : how->second.read(from.rest());
}

bool wire_book::repeatable(const caf::message& what) const {
  const auto* how = find(what);
  return how != nullptr && how->again == repeat::safe;
}

void wire_book::write_error(const caf::error& why, std::string& out) const {
  sent_error sent;
  if (why) {
    auto text = [this](const caf::error& e, std::string& to) {
      write(caf::make_message(caf::to_string(e)), to);
    };
    if (is_of_caf(why.category())) {
      sent.category = static_cast<std::uint64_t>(caf::detail::error_factory<errc>::category);
      sent.code = static_cast<std::uint8_t>(errc::unavailable);
      text(why, sent.context);
    } else {
      sent.category = static_cast<std::uint64_t>(why.category());
      sent.code = why.code();
      if (!why.context().empty() && !write(why.context(), sent.context))
        text(why, sent.context);
    }
  }
  wire::writer{out}.put(sent);
}

std::optional<caf::error> wire_book::read_error(std::string_view bytes) const {
  sent_error sent;
  if (!from_bytes(bytes, sent))
    return std::nullopt;
  if (sent.code == 0)
    return caf::error{};
  caf::message context;
  if (!sent.context.empty())
    if (auto read_context = read(sent.context)) // else it is of a newer node's type: the code says enough
      context = *std::move(read_context);
  return caf::error{sent.code, static_cast<caf::atom_value>(sent.category), std::move(context)};
}

} // namespace souk::runtime
