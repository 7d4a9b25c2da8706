#include "plexus/cli/flags.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "plexus/cli/suggestion.h"
#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

template <class T>
std::optional<T> parse(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::string expected(const std::string& what, const std::string& found) {
  return "expected " + what + ", found '" + found + "'";
}

// CLI11's own checks name their bounds by numbers of 19 digits.
template <class Accepts>
Check checked(const std::string& what, Accepts accepts) {
  return [=](const std::string& text) { return accepts(text) ? std::string() : expected(what, text); };
}

}  // namespace

Check whole_number(int64_t low, int64_t high) {
  const std::string bounds = high == INT64_MAX
                                 ? "of at least " + std::to_string(low)
                                 : "from " + std::to_string(low) + " to " + std::to_string(high);
  return checked("a whole number " + bounds, [=](const std::string& text) {
    const auto value = parse<int64_t>(text);
    return value && *value >= low && *value <= high;
  });
}

Check number() {
  return checked("a number", [](const std::string& text) {
    const auto value = parse<double>(text);
    return value && std::isfinite(*value);
  });
}

Check amount() {
  return checked("a number of at least 0", [](const std::string& text) {
    const auto value = parse<double>(text);
    return value && std::isfinite(*value) && *value >= 0;
  });
}

Check positive_number() {
  return checked("a number above 0", [](const std::string& text) {
    const auto value = parse<double>(text);
    return value && std::isfinite(*value) && *value > 0;
  });
}

Check fraction(bool zero_too) {
  return checked(zero_too ? "a number from 0 to below 1" : "a number between 0 and 1",
                 [=](const std::string& text) {
                   const auto value = parse<double>(text);
                   return value && *value < 1 && (*value > 0 || (zero_too && *value == 0));
                 });
}

Check one_of(const std::vector<std::string>& words) {
  return [=](const std::string& text) {
    const bool known = std::find(words.begin(), words.end(), text) != words.end();
    return known ? std::string() : expected(join(words, " or "), text) + did_you_mean(text, words);
  };
}

Check batch_size() {
  return checked("a whole number of at least 1, or full", [](const std::string& text) {
    const auto value = parse<int64_t>(text);
    return text == "full" || (value && *value >= 1);
  });
}

void add_flags(App& app, BackendFlags& flags) {
  app.add_option(
         "--backend", flags.name,
         "Who computes (plexus info lists them; auto: who trains fastest; default: PLEXUS_BACKEND, else simd)")
      .type_name("NAME");
  app.add_option("--threads", flags.threads, "Threads (default: PLEXUS_NUM_THREADS, else all CPUs)")
      .type_name("N")
      .check(whole_number(1, 1024));
  app.add_option(
         "--fallback", flags.fallback,
         "Where the backend lacks an operation: error, warn or allow (default: PLEXUS_FALLBACK, else warn)")
      .type_name("WHAT")
      .check(one_of({"error", "warn", "allow"}));
}

ContextOptions context_options(const BackendFlags& flags) {
  if (flags.name && flags.name->empty()) select("", backends());
  ContextOptions options{.backend = flags.name.value_or(""), .threads = flags.threads};
  if (flags.fallback)
    options.fallback = *flags.fallback == "error"  ? Fallback::error
                       : *flags.fallback == "warn" ? Fallback::warn
                                                   : Fallback::allow;
  return options;
}

void add_flags(App& app, OptimizerFlags& flags) {
  app.add_option("--optimizer", flags.name,
                 "sgd, adam, adamw, rmsprop, adagrad, adamax, nadam, radam or adadelta (default: adam)")
      .type_name("NAME");
  app.add_option(
         "--lr", flags.learning_rate,
         "Learning rate (default: 0.001 for adam, adamw and radam, 0.002 for adamax and nadam, 0.01 for sgd, "
         "rmsprop and adagrad, 1 for adadelta)")
      .type_name("X")
      .check(positive_number());
  app.add_option("--momentum", flags.momentum, "Momentum of sgd or rmsprop (default: 0)")
      .type_name("X")
      .check(number());
  app.add_option("--weight-decay", flags.weight_decay, "Weight decay (default: 0, for adamw 0.01)")
      .type_name("X")
      .check(number());
}

Optimizer optimizer(const OptimizerFlags& flags) {
  Optimizer result = make_optimizer(flags.name);
  std::visit(
      [&](auto& settings) {
        if (flags.learning_rate) settings.learning_rate = *flags.learning_rate;
        if (flags.weight_decay) settings.weight_decay = *flags.weight_decay;
        if (!flags.momentum) return;
        if constexpr (requires { settings.momentum; })
          settings.momentum = *flags.momentum;
        else
          throw ArgumentError("--momentum is for sgd and rmsprop; " + flags.name + " has none");
      },
      result);
  make_spec(result);  // throws for values out of range
  return result;
}

void add_flags(App& app, RegularizationFlags& flags) {
  const auto add = [&](const char* name, double& value, const char* text) {
    app.add_option(name, value, text).type_name("X").check(amount());
  };
  add("--l1", flags.l1, "Penalty of X times the sum of |weight|, biases excepted (default: 0)");
  add("--l2", flags.l2, "Penalty of X times the sum of weight^2, biases excepted (default: 0)");
  add("--max-norm", flags.max_norm, "Largest norm of the weights that lead to an output (default: 0, off)");
  add("--clip-norm", flags.clip_norm,
      "Gradients are scaled down to this norm over all of them (default: 0, off)");
  add("--clip-value", flags.clip_value, "Every gradient is held within -X and X (default: 0, off)");
}

void set(TrainerOptions& options, const RegularizationFlags& flags) {
  if (flags.clip_norm > 0 && flags.clip_value > 0)
    throw ArgumentError("--clip-norm and --clip-value exclude each other");
  options.l1 = flags.l1;
  options.l2 = flags.l2;
  options.max_norm = flags.max_norm;
  options.clip_norm = flags.clip_norm;
  options.clip_value = flags.clip_value;
}

}  // namespace plexus::cli
