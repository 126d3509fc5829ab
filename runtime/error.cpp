#include "runtime/error.hpp"

namespace souk::runtime {

std::string to_string(errc code) {
  switch (code) {
    case errc::moved: return "moved";
    case errc::overloaded: return "overloaded";
    case errc::unavailable: return "unavailable";
    case errc::write_failed: return "write_failed";
    case errc::restarted: return "restarted";
    case errc::shutting_down: return "shutting_down";
    case errc::too_large: return "too_large";
    case errc::in_doubt: return "in_doubt";
  }
  return "unknown";
}

} // namespace souk::runtime
