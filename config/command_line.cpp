#include "config/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fmt/format.h>
#include <iterator>

extern char** environ; // NOLINT: POSIX declares it nowhere portable

namespace souk::config {

namespace {

using problem = std::optional<std::string>;

/// Read by the script and the tests, not by soukd; so not worth a warning.
constexpr std::array environment_of_tools{"SOUK_CONFIG", "SOUK_BUILD_DIR", "SOUK_VAR", "SOUK_SEED",
                                          "SOUK_SEEDS"};
constexpr std::array environment_of_tests{"SOUK_TEST_", "SOUK_BENCH_"};

std::string flag_name(std::string_view setting) {
  std::string flag = "--";
  std::ranges::replace_copy(setting, std::back_inserter(flag), '_', '-');
  return flag;
}

std::string variable_name(std::string_view setting) {
  std::string variable = "SOUK_";
  std::ranges::transform(setting, std::back_inserter(variable),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return variable;
}

std::vector<std::string> split_urls(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    if (end > 0)
      parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

problem from_file(settings& into, const std::string& path) {
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigTOML{}.from_file(path);
  } catch (const CLI::Error& error) {
    return fmt::format("cannot read the configuration file {}: {}", path, error.what());
  }
  for (const auto& item : items) {
    // A [section] shows up as two such marks around its items; sections group, they do not rename.
    if (item.name == "++" || item.name == "--")
      continue;
    const auto found = std::ranges::find(all_settings(), item.name, &setting::name);
    if (found == all_settings().end())
      return fmt::format("{}: there is no setting '{}'", path, item.name);
    if (item.inputs.empty() || (item.inputs.size() > 1 && !found->repeatable))
      return fmt::format("{}: {} takes one value", path, item.name);
    if (auto refused = found->assign(into, item.inputs))
      return fmt::format("{}: {}: {}", path, item.name, *refused);
  }
  return std::nullopt;
}

problem from_environment(settings& into) {
  for (const auto& each : all_settings()) {
    const auto variable = variable_name(each.name);
    const char* given = std::getenv(variable.c_str());
    if (given == nullptr)
      continue;
    const auto values = each.repeatable ? split_urls(given) : std::vector<std::string>{given};
    if (values.empty())
      continue;
    if (auto refused = each.assign(into, values))
      return fmt::format("{}: {}", variable, *refused);
  }
  return std::nullopt;
}

bool belongs_to_an_option(std::string_view variable, const std::vector<command>& commands) {
  return std::ranges::any_of(commands, [variable](const command& each) {
    return std::ranges::find(each.options, variable, &command::argument::variable) != each.options.end();
  });
}

std::vector<std::string> unknown_variables(const std::vector<command>& commands) {
  std::vector<std::string> warnings;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view line = *entry;
    const auto name = line.substr(0, line.find('='));
    const auto is_name = [name](std::string_view known) { return name == known; };
    const auto begins = [name](std::string_view prefix) { return name.starts_with(prefix); };
    const auto is_setting = [name](const setting& known) { return name == variable_name(known.name); };
    if (begins("SOUK_") && std::ranges::none_of(environment_of_tools, is_name)
        && std::ranges::none_of(environment_of_tests, begins)
        && std::ranges::none_of(all_settings(), is_setting) && !belongs_to_an_option(name, commands))
      warnings.push_back(fmt::format("the environment sets {}, which is no setting", name));
  }
  return warnings;
}

/// What CLI11 fills in; it must outlive the parse.
struct given_words {
  std::string config_file;
  std::vector<std::vector<std::string>> flags; ///< per setting
  struct of_command {
    CLI::App* app = nullptr;
    std::vector<std::string> positionals;
    std::vector<std::string> options;
    std::vector<char> switches; // not vector<bool>: CLI11 binds references
  };
  std::vector<of_command> commands;
};

void declare_settings(CLI::App& app, given_words& given) {
  const settings defaults;
  given.flags.resize(all_settings().size());
  for (std::size_t i = 0; i < all_settings().size(); ++i) {
    const auto& each = all_settings()[i];
    auto description = each.description;
    if (const auto shown = each.show(defaults); !shown.empty())
      description += fmt::format(" [{}]", fmt::join(shown, ";"));
    auto* option = app.add_option(flag_name(each.name), given.flags[i], description);
    option->allow_extra_args(false)->type_name("VALUE")->group("Settings");
    if (!each.repeatable)
      option->expected(1)->take_last();
  }
}

void declare_command(CLI::App& app, const command& declared, given_words::of_command& given) {
  given.app = app.add_subcommand(declared.name, declared.description);
  given.app->fallthrough(); // settings may stand after the command
  given.positionals.resize(declared.positionals.size());
  for (std::size_t i = 0; i < declared.positionals.size(); ++i) {
    const auto& each = declared.positionals[i];
    given.app->add_option(each.name, given.positionals[i], each.description)
      ->required(each.required)
      ->type_name("");
  }
  given.options.resize(declared.options.size());
  for (std::size_t i = 0; i < declared.options.size(); ++i) {
    const auto& each = declared.options[i];
    given.app->add_option("--" + each.name, given.options[i], each.description)
      ->required(each.required)
      ->type_name("VALUE");
  }
  given.switches.resize(declared.switches.size());
  for (std::size_t i = 0; i < declared.switches.size(); ++i) {
    given.app->add_flag(
      "--" + declared.switches[i].name, [&slot = given.switches[i]](std::int64_t) { slot = 1; },
      declared.switches[i].description);
  }
}

problem from_flags(settings& into, const given_words& given) {
  for (std::size_t i = 0; i < all_settings().size(); ++i) {
    if (given.flags[i].empty())
      continue;
    if (auto refused = all_settings()[i].assign(into, given.flags[i]))
      return fmt::format("{}: {}", flag_name(all_settings()[i].name), *refused);
  }
  return std::nullopt;
}

void take_command(parsed& into, const command& declared, const given_words::of_command& given) {
  into.subcommand = declared.name;
  if (given.app == nullptr || !given.app->parsed())
    return;
  for (std::size_t i = 0; i < declared.positionals.size(); ++i) {
    if (given.app->get_option(declared.positionals[i].name)->count() > 0)
      into.arguments.push_back(given.positionals[i]);
  }
  for (std::size_t i = 0; i < declared.options.size(); ++i) {
    const auto& each = declared.options[i];
    if (given.app->get_option("--" + each.name)->count() > 0)
      into.options.emplace(each.name, given.options[i]);
    else if (const char* value = each.variable.empty() ? nullptr : std::getenv(each.variable.c_str()))
      into.options.emplace(each.name, value);
  }
  for (std::size_t i = 0; i < declared.switches.size(); ++i) {
    if (given.switches[i] != 0)
      into.options.emplace(declared.switches[i].name, "true");
  }
}

stop refuse(const std::string& program, const std::string& why) {
  return stop{.exit_code = 2, .text = fmt::format("{}: {}\n", program, why)};
}

} // namespace

std::variant<parsed, stop> parse(int argc, const char* const* argv, const std::vector<command>& commands) {
  std::string program = argc > 0 ? argv[0] : "souk";
  program.erase(0, program.rfind('/') + 1);

  CLI::App app{"souk, a multi-tenant commerce platform", program};
  app.get_formatter()->column_width(34);
  app.set_version_flag("--version", std::string{"souk "} + SOUK_VERSION);
  app.require_subcommand(0, 1);
  app.footer(
    "Every setting also is a key of the configuration file (listen_port) and an environment variable\n"
    "(SOUK_LISTEN_PORT). Flags win over the environment, the environment over the file.");
  given_words given;
  app.add_option("--config", given.config_file, "settings file, TOML or INI; also SOUK_CONFIG")
    ->type_name("FILE");
  declare_settings(app, given);
  given.commands.resize(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i)
    declare_command(app, commands[i], given.commands[i]);

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    return stop{.exit_code = 0, .text = std::string{version.what()} + "\n"};
  } catch (const CLI::Success&) { // --help
    const auto asked = app.get_subcommands();
    return stop{.exit_code = 0, .text = asked.empty() ? app.help() : asked.front()->help(program)};
  } catch (const CLI::ParseError& error) {
    return refuse(program, fmt::format("{}; see {} --help", error.what(), program));
  }

  parsed result;
  if (given.config_file.empty()) {
    if (const char* file = std::getenv("SOUK_CONFIG"))
      given.config_file = file;
  }
  if (!given.config_file.empty()) {
    if (auto refused = from_file(result.settings, given.config_file))
      return refuse(program, *refused);
  }
  if (auto refused = from_environment(result.settings))
    return refuse(program, *refused);
  if (auto refused = from_flags(result.settings, given))
    return refuse(program, *refused);
  if (auto refused = contradiction(result.settings))
    return refuse(program, *refused);

  const auto chosen =
    std::ranges::find_if(given.commands, [](const auto& each) { return each.app->parsed(); });
  const auto index =
    chosen == given.commands.end() ? 0 : static_cast<std::size_t>(chosen - given.commands.begin());
  if (!commands.empty()) {
    take_command(result, commands[index], given.commands[index]);
    if (commands[index].needs_database && result.settings.database_url.empty())
      return refuse(program, "database_url is missing: give --database-url or SOUK_DATABASE_URL");
  }
  result.warnings = unknown_variables(commands);
  return result;
}

} // namespace souk::config
