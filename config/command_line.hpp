#pragma once

#include "config/settings.hpp"

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace souk::config {

/// A subcommand of a program, as its help shows it.
struct command {
  struct argument {
    std::string name; ///< positional: STORE; option: url, given as `--url VALUE`
    std::string description;
    bool required = true;
    std::string variable =
      {}; ///< an option's environment variable, for what should not stand on a command line
  };

  std::string name;
  std::string description;
  std::vector<argument> positionals = {};
  std::vector<argument> options = {};
  std::vector<argument> switches = {}; ///< options without a value; present in `parsed::options` as "true"
  bool needs_database = true;          ///< refuse to start without a database_url
};

/// What the caller of the program wants.
struct parsed {
  config::settings settings;
  std::string subcommand;                     ///< the first declared command when none was named
  std::vector<std::string> arguments;         ///< positional ones, in the order declared
  std::map<std::string, std::string> options; ///< the command's own options that were given
  std::vector<std::string> warnings;          ///< e.g. a misspelt SOUK_ variable: worth a line in the log
};

/// Nothing to run: print the text (to stdout if the code is 0, else stderr) and exit.
struct stop {
  int exit_code = 0; ///< 0 after --help and --version, 2 when something is wrong
  std::string text;
};

/// Settings from defaults, then `--config FILE` (or SOUK_CONFIG; TOML or INI), then environment, then flags:
/// the later wins. Several database URLs are an array in the file, separated by `;` in the environment, and
/// repeated as a flag.
/// @param commands what the program offers; the first is the one run when none is named.
std::variant<parsed, stop> parse(int argc, const char* const* argv, const std::vector<command>& commands);

} // namespace souk::config
