#include "plexus/cli/rate_search.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "plexus/cli/exit_code.h"
#include "plexus/cli/interrupt.h"
#include "plexus/cli/print_json.h"
#include "plexus/cli/session.h"
#include "plexus/core/error.h"
#include "plexus/trainer/learning_rate_finder.h"

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t plot_lines = 25;  // of the plot: about three in every tenfold of the rate
constexpr double width = 40;       // of its bars

/// A line for every few steps: rate, smoothed loss, a bar.
void plot(std::FILE* out, const RangeTest& test) {
  const size_t stride = (test.steps.size() + plot_lines - 1) / plot_lines;
  double low = INFINITY, high = -INFINITY;
  for (const RangeTest::Step& step : test.steps) low = std::min(low, step.smoothed);
  // What diverges would flatten all the rest.
  for (const RangeTest::Step& step : test.steps)
    if (!(step.learning_rate > test.lowest)) high = std::max(high, step.smoothed);
  std::fprintf(out, "%-9s  %-9s\n", "rate", "loss");
  for (size_t i = 0; i < test.steps.size(); i += stride) {
    const RangeTest::Step& step = test.steps[i];
    const double share = high > low ? std::clamp((step.smoothed - low) / (high - low), 0.0, 1.0) : 0;
    const auto within = [&](double rate) {
      const size_t next = std::min(i + stride, test.steps.size()) - 1;
      return rate >= step.learning_rate && rate <= test.steps[next].learning_rate;
    };
    std::fprintf(out, "%-9.2g  %-9.4g  %s%s%s%s\n", step.learning_rate, step.smoothed,
                 std::string(static_cast<size_t>(std::lround(width * share)), '#').c_str(),
                 step.smoothed > high ? " ..." : "", within(test.suggestion) ? "  <- falls most steeply" : "",
                 within(test.lowest) ? "  <- lowest" : "");
  }
}

Json to_json(const RangeTest& test) {
  Json steps = Json::array();
  for (const RangeTest::Step& step : test.steps)
    steps.push_back(
        {{"learning_rate", step.learning_rate}, {"loss", step.loss}, {"smoothed", step.smoothed}});
  return {{"suggestion", test.suggestion},
          {"lowest", test.lowest},
          {"diverged", test.diverged},
          {"steps", std::move(steps)}};
}

}  // namespace

int find_rate(const TrainOptions& options) {
  const std::string remedy = "train with the rate that it finds";
  refuse(options.optimizer.learning_rate.has_value(), "--lr", "--find-lr", "it tries all of them");
  if (options.seeds > 0 || options.folds > 0)
    throw ArgumentError(std::string(options.seeds > 0 ? "--seeds" : "--folds") +
                        " and --find-lr exclude each other: " + remedy);
  refuse(!options.out.empty(), "--out", "--find-lr", remedy);
  refuse_files(options, "--find-lr", remedy);
  TrainingSetup setup(options);
  catch_interrupts();
  setup.open();
  Session session(setup, setup.divide(options.seed), options.seed);
  session.tune();
  session.describe();
  ProgressDisplay stop_at_signal(nullptr, nullptr, session.parts().train.size(), 1);
  session.fit().callbacks.push_back(&stop_at_signal);
  const RangeTest test = find_learning_rate(session.network(), session.parts().train, session.settings(),
                                            session.fit(), {}, session.context());
  if (interrupted()) return signalled + interrupted();

  std::FILE* const out = setup.out();
  plot(out, test);
  const bool found = !std::isnan(test.suggestion);
  if (found)
    std::fprintf(out, "\nsuggestion  --lr %.2g\n", test.suggestion);
  else
    std::fprintf(out, "\nno suggestion: the loss falls at no rate; look at the data and the layers\n");
  if (options.json) print_json(to_json(test));
  return found ? ok : failed;
}

}  // namespace plexus::cli
