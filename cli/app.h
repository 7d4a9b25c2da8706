// App: a command, its flags, and what was given for them. CLI11 does the work; its header takes seconds to
// compile, so app.cpp alone includes it.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace plexus::cli {

/// What is wrong with the text of a value; empty: nothing.
using Check = std::function<std::string(const std::string& text)>;

/// A flag or a positional argument, as long as its app lives. Copies are the same one.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option required() const;
  /// What --help calls the value.
  Option type_name(const std::string& name) const;
  /// Every value has to pass.
  Option check(const Check& check) const;
  /// Not together with the other.
  Option excludes(Option other) const;
  /// What separates several values in one word.
  Option delimiter(char separator) const;
  /// How many values there have to be.
  Option expected(int values) const;
  /// Not in --help.
  Option hidden() const;

 private:
  CLI::Option* option_;
};

/// The program, or a subcommand of it. Copies are the same one.
class App {
 public:
  explicit App(const std::string& description = "", const std::string& name = "");

  App add_subcommand(const std::string& name, const std::string& description);
  /// `names`: "-o,--out", or without dashes for a positional argument. Parsing writes to `value`, of one of
  /// the types that app.cpp lists.
  template <class T>
  Option add_option(const std::string& names, T& value, const std::string& description);
  /// True where it is given.
  Option add_flag(const std::string& name, bool& value, const std::string& description = "");
  /// --version prints this text.
  void version(const std::string& text);
  /// What --help ends with.
  void footer(const std::string& text);
  /// Parsing keeps arguments that it does not know as leftovers(), instead of refusing them; so do subcommands added from now on.
  void allow_leftovers();

  /// `words`: what follows the name of the program. False: they ask for --help or --version, which was
  /// printed. Throws ArgumentError.
  bool parse(std::vector<std::string> words);

  std::string name() const;
  /// Long names, with their dashes.
  std::vector<std::string> flags() const;
  /// Whether it is the subcommand that was given.
  bool parsed() const;
  bool given(const std::string& flag) const;
  std::vector<std::string> leftovers() const;
  /// Those that give the same values when they are parsed again.
  std::vector<std::string> arguments() const;

 private:
  explicit App(std::shared_ptr<CLI::App> app) : app_(std::move(app)) {}

  std::shared_ptr<CLI::App> app_;
};

}  // namespace plexus::cli
