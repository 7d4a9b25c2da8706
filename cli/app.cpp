#include "plexus/cli/app.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <optional>

#include "plexus/core/error.h"

namespace plexus::cli {

Option Option::required() const { return Option(option_->required()); }

Option Option::type_name(const std::string& name) const { return Option(option_->type_name(name)); }

Option Option::check(const Check& check) const { return Option(option_->check(CLI::Validator(check, ""))); }

Option Option::excludes(Option other) const { return Option(option_->excludes(other.option_)); }

Option Option::delimiter(char separator) const { return Option(option_->delimiter(separator)); }

Option Option::expected(int values) const { return Option(option_->expected(values)); }

Option Option::hidden() const { return Option(option_->group("")); }

App::App(const std::string& description, const std::string& name)
    : app_(std::make_shared<CLI::App>(description, name)) {
  app_->get_formatter()->column_width(28);  // subcommands have it from here
}

App App::add_subcommand(const std::string& name, const std::string& description) {
  // Whoever has a subcommand keeps the program.
  return App(std::shared_ptr<CLI::App>(app_, app_->add_subcommand(name, description)));
}

template <class T>
Option App::add_option(const std::string& names, T& value, const std::string& description) {
  return Option(app_->add_option(names, value, description));
}

template Option App::add_option(const std::string&, std::string&, const std::string&);
template Option App::add_option(const std::string&, int&, const std::string&);
template Option App::add_option(const std::string&, int64_t&, const std::string&);
template Option App::add_option(const std::string&, uint64_t&, const std::string&);
template Option App::add_option(const std::string&, double&, const std::string&);
template Option App::add_option(const std::string&, std::optional<std::string>&, const std::string&);
template Option App::add_option(const std::string&, std::optional<int64_t>&, const std::string&);
template Option App::add_option(const std::string&, std::optional<uint64_t>&, const std::string&);
template Option App::add_option(const std::string&, std::optional<float>&, const std::string&);
template Option App::add_option(const std::string&, std::optional<double>&, const std::string&);
template Option App::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option App::add_option(const std::string&, std::vector<int64_t>&, const std::string&);

Option App::add_flag(const std::string& name, bool& value, const std::string& description) {
  return Option(app_->add_flag(name, value, description));
}

void App::version(const std::string& text) { app_->set_version_flag("--version", text); }

void App::footer(const std::string& text) { app_->footer(text); }

void App::allow_leftovers() { app_->allow_extras(); }

bool App::parse(std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the end
  try {
    app_->parse(std::move(words));
    return true;
  } catch (const CLI::ParseError& error) {
    std::string asked = name();
    for (const CLI::App* command : app_->get_subcommands()) asked += " " + command->get_name();
    if (error.get_exit_code() != 0) throw ArgumentError(std::string(error.what()) + "; see " + asked + " --help");
    app_->exit(error);
    return false;
  }
}

std::string App::name() const { return app_->get_name(); }

std::vector<std::string> App::flags() const {
  std::vector<std::string> result;
  for (const CLI::Option* option : app_->get_options())
    for (const std::string& name : option->get_lnames()) result.push_back("--" + name);
  return result;
}

bool App::parsed() const { return app_->parsed(); }

bool App::given(const std::string& flag) const { return app_->count(flag) > 0; }

std::vector<std::string> App::leftovers() const { return app_->remaining(); }

std::vector<std::string> App::arguments() const {
  std::vector<std::string> arguments, positional;
  for (const CLI::Option* option : app_->get_options()) {
    if (option->count() == 0) continue;
    if (option->get_positional()) {
      for (const std::string& value : option->results()) positional.push_back(value);
      continue;
    }
    const std::string flag = "--" + option->get_lnames().front();
    if (option->get_expected_max() == 0)
      arguments.push_back(flag);
    else  // one word: a value may begin with a dash
      for (const std::string& value : option->results()) arguments.push_back(flag + "=" + value);
  }
  arguments.insert(arguments.begin(), positional.begin(), positional.end());
  return arguments;
}

}  // namespace plexus::cli
