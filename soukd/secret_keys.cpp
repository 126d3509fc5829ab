#include "soukd/secret_keys.hpp"

#include <fstream>
#include <stdexcept>

namespace souk::server {

std::vector<std::string> secret_keys(const config::settings& s) {
  if (!s.secret_key.empty() || s.secret_key_file.empty())
    return s.secret_key;
  std::ifstream file{s.secret_key_file};
  std::vector<std::string> out;
  for (std::string line; std::getline(file, line);) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (line.empty() || line.front() == '#')
      continue;
    if (line.size() != 64 || line.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
      throw std::runtime_error(s.secret_key_file + ": a secret key is 64 hex characters"); // and is not shown
    out.push_back(std::move(line));
  }
  if (file.bad() || out.empty())
    throw std::runtime_error("no secret key was read from " + s.secret_key_file);
  return out;
}

} // namespace souk::server
