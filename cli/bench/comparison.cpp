#include "plexus/cli/bench/comparison.h"

#include <algorithm>
#include <cmath>

#include "plexus/cli/bench/mann_whitney.h"
#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

// Among fewer benchmarks one that changed would move what is taken for common.
constexpr size_t least_common = 10;

/// Logarithms of times, so that a change is a difference; one for every repetition.
using Sample = std::map<int, double>;

struct Pair {
  std::string name, kernel;
  Sample a, b;
};

/// "activation/gelu/*/simd/t1": the same thing on all its shapes.
std::string kernel_of(const Measurement& m) {
  return m.family + "/" + m.shape.substr(0, m.shape.find('/')) + "/*/" + m.backend + "/t" +
         std::to_string(m.threads);
}

Sample logarithms(const Measurement& m) {
  Sample sample;
  for (const auto& [repetition, seconds] : m.seconds) sample[repetition] = std::log(seconds);
  return sample;
}

std::vector<double> values(const Sample& sample) {
  std::vector<double> list;
  for (const auto& [repetition, value] : sample) list.push_back(value);
  return list;
}

double median_of(const Sample& sample) { return cli::median(values(sample)); }

double middle(const Pair& pair) {
  std::vector<double> both = values(pair.a);
  const std::vector<double> b = values(pair.b);
  both.insert(both.end(), b.begin(), b.end());
  return cli::median(both);
}

/// What the benchmarks of each repetition have in common: the middle of their distances from their own
/// middles.
Sample common(const std::vector<Pair>& pairs, Sample Pair::*side) {
  std::map<int, std::vector<double>> distances;
  for (const Pair& pair : pairs) {
    const double centre = middle(pair);
    for (const auto& [repetition, value] : pair.*side) distances[repetition].push_back(value - centre);
  }
  Sample result;
  for (const auto& [repetition, list] : distances) result[repetition] = cli::median(list);
  return result;
}

/// How much slower the machine itself was in b, by the limits that both measured: the middle of arithmetic
/// and memory.
double machine_change(const Measurements& a, const Measurements& b, int threads) {
  std::vector<double> changes;
  for (const auto& [key, unused] : a.context) {
    if (!key.starts_with("limit/fma/") && !key.starts_with("limit/read/")) continue;
    if (!key.ends_with("/t" + std::to_string(threads))) continue;
    const auto before = a.limit(key), after = b.limit(key);
    if (before && after && *before > 0 && *after > 0) changes.push_back(std::log(*before / *after));
  }
  return changes.empty() ? 0 : cli::median(changes);
}

void check_repetitions(const Measurements& run) {
  for (const Measurement& m : run.list)
    if (int(m.seconds.size()) < least_repetitions)
      throw DataError(run.file + ": " + m.name + " has " + std::to_string(m.seconds.size()) +
                      " repetitions, a comparison needs " + std::to_string(least_repetitions) +
                      ": plexus bench --repetitions " + std::to_string(least_repetitions));
}

void check_machines(const Measurements& a, const Measurements& b) {
  const auto name = [](const Measurements& run) {
    const auto found = run.context.find("cpu");
    return found == run.context.end() ? std::string("unknown") : found->second;
  };
  if (name(a) != name(b))
    throw DataError(b.file + ": measured on another CPU (" + name(b) + ") than " + a.file + " (" + name(a) +
                    "): only runs of one machine can be compared");
}

/// All values of one run above all of the other is the most that n against n can show: it has a probability
/// of 1 to (2n over n).
int needed_repetitions(size_t tests) {
  double p = 1;
  for (int n = 1;; ++n) {
    p *= double(n) / (2 * (2 * n - 1));
    if (n >= least_repetitions && p * double(tests) < significance) return n;
  }
}

/// A set of tests, before the p values are adjusted for their number.
struct Tests {
  std::vector<Change> list;
  std::vector<double> slower, faster;

  void add(const std::string& name, const Sample& a, const Sample& b) {
    const std::vector<double> before = values(a), after = values(b);
    list.push_back({name, std::exp(median_of(b) - median_of(a)), 1});
    slower.push_back(mann_whitney_greater(before, after));
    faster.push_back(mann_whitney_greater(after, before));
  }

  void judge(Comparison& result) const {
    const std::vector<double> p_slower = benjamini_hochberg(slower), p_faster = benjamini_hochberg(faster);
    for (size_t i = 0; i < list.size(); ++i) {
      Change change = list[i];
      if (p_slower[i] < significance && change.ratio >= 1 + least_change) {
        change.p = p_slower[i];
        result.slower.push_back(change);
      } else if (p_faster[i] < significance && change.ratio <= 1 / (1 + least_change)) {
        change.p = p_faster[i];
        result.faster.push_back(change);
      }
    }
  }
};

}  // namespace

Comparison compare(const Measurements& a, const Measurements& b) {
  check_machines(a, b);
  check_repetitions(a);
  check_repetitions(b);
  Comparison result;
  std::map<int, std::vector<Pair>> by_threads;
  std::map<std::string, const Measurement*> after;
  for (const Measurement& m : b.list) after[m.name] = &m;
  for (const Measurement& m : a.list) {
    const auto found = after.find(m.name);
    if (found == after.end()) continue;
    by_threads[m.threads].push_back({m.name, kernel_of(m), logarithms(m), logarithms(*found->second)});
    ++result.compared;
  }
  if (result.compared == 0) throw DataError(b.file + ": has no benchmark in common with " + a.file);
  result.only_a = a.list.size() - result.compared;
  result.only_b = b.list.size() - result.compared;

  Tests kernels, singles;
  for (auto& [threads, pairs] : by_threads) {
    const double machine = machine_change(a, b, threads);
    Sample common_a = common(pairs, &Pair::a), common_b = common(pairs, &Pair::b);
    const double change = median_of(common_b) - median_of(common_a);
    const bool taken_out = pairs.size() >= least_common;
    result.common.push_back({threads, pairs.size(), std::exp(change), std::exp(machine), taken_out});
    for (Pair& pair : pairs) {
      for (auto& [repetition, value] : pair.a) value -= taken_out ? common_a[repetition] : 0;
      for (auto& [repetition, value] : pair.b) value -= taken_out ? common_b[repetition] : machine;
      singles.add(pair.name, pair.a, pair.b);
    }
    std::map<std::string, std::vector<Pair>> by_kernel;
    for (const Pair& pair : pairs) by_kernel[pair.kernel].push_back(pair);
    for (const auto& [kernel, members] : by_kernel)
      if (members.size() > 1) kernels.add(kernel, common(members, &Pair::a), common(members, &Pair::b));
    if (!taken_out) continue;
    for (auto& [repetition, value] : common_b) value -= machine;
    kernels.add("all benchmarks together, t" + std::to_string(threads), common_a, common_b);
  }

  kernels.judge(result);
  singles.judge(result);
  std::sort(result.slower.begin(), result.slower.end(),
            [](const Change& x, const Change& y) { return x.ratio > y.ratio; });
  std::sort(result.faster.begin(), result.faster.end(),
            [](const Change& x, const Change& y) { return x.ratio < y.ratio; });
  result.needed_repetitions = needed_repetitions(singles.list.size());
  for (const Refusal& refusal : b.refusals)
    if (a.find(refusal.name)) result.refused.push_back(refusal);
  return result;
}

}  // namespace plexus::cli
