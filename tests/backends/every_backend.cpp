#include "backends/every_backend.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "plexus/backends/registry.h"

namespace plexus::conformance {
namespace {

constexpr int most_failures = 5;  // one wrong kernel fails thousands of cases

char crash_line[1024];

void print_and_crash(int signal) {
  if (write(STDERR_FILENO, crash_line, strlen(crash_line)) < 0) _exit(1);
  ::signal(signal, SIG_DFL);
  raise(signal);
}

/// Runs checks on every backend, and counts.
template <class Item, class Line>
void expect_all(const std::vector<Item>& items, Line line) {
  on_every_backend([&](const std::string& name, const Context& context) {
    int64_t ran = 0, skipped = 0;
    int failures = 0;
    for (const Item& item : items) {
      announce(name + ": " + line(item));
      const Result result = check(context.chosen(), item);
      (result.status == Status::not_supported ? skipped : ran)++;
      if (result) continue;
      ADD_FAILURE() << result.message;
      if (++failures == most_failures) break;
    }
    ::testing::Test::RecordProperty(name + "_ran", std::to_string(ran));
    ::testing::Test::RecordProperty(name + "_skipped", std::to_string(skipped));
    // Other backends may lack what they like; the reference has every kernel there is.
    if (name == "reference") {
      EXPECT_EQ(skipped, 0) << "the reference does not have every kernel";
    }
  });
}

}  // namespace

void announce(const std::string& line) {
  static const bool installed = [] {
    signal(SIGSEGV, print_and_crash);
    signal(SIGBUS, print_and_crash);
    return true;
  }();
  (void)installed;
  snprintf(crash_line, sizeof(crash_line), "crashed in: %s\n", line.c_str());
}

void on_every_backend(const std::function<void(const std::string&, const Context&)>& body, int threads) {
  int usable = 0;
  for (const BackendRow& row : backends()) {
    if (!row.usable) continue;
    ++usable;
    body(row.name, make_context({.backend = row.name, .threads = threads}));
  }
  EXPECT_GT(usable, 0) << "no backend is usable: nothing was tested";
}

void expect_cases(const std::string& family, Fill fill, uint64_t count) {
  // In slices, so that the long tests do not hold a hundred thousand specs at once.
  constexpr uint64_t slice = 10'000;
  for (uint64_t first = 0; first < count && !::testing::Test::HasFailure(); first += slice) {
    std::vector<Case> cases;
    for (uint64_t seed = first; seed < std::min(first + slice, count); ++seed)
      cases.push_back(make_case(family, fill, seed));
    expect_all(cases, [](const Case& c) { return to_string(c); });
  }
}

void expect_edges(const std::string& family) {
  const std::vector<Edge> list = edges(family);
  EXPECT_FALSE(list.empty());
  expect_all(list, [](const Edge& edge) { return edge.name + " " + plexus::to_string(edge.spec); });
}

void expect_same_bits_on_any_threads(const Spec& spec) {
  const Case c{spec, -1, Fill::real, Placement::aligned, 1};
  const Values inputs = make_values(c);
  std::vector<Values> first_results;
  for (int threads : {1, 2, 3, 4}) {
    std::vector<Values> results;
    on_every_backend(
        [&](const std::string& name, const Context& context) {
          if (context.chosen().deviations().has(Semantics::thread_bits)) return;
          const auto kernel = prepare_kernel(context.chosen(), spec);
          std::string problem;
          announce(name + ": " + to_string(c));
          if (kernel) results.push_back(run(*kernel, spec, -1, inputs, c.placement, c.seed, problem));
          EXPECT_EQ(problem, "");
        },
        threads);
    ASSERT_FALSE(results.empty());
    if (threads == 1) first_results = results;
    for (size_t i = 0; i < results.size(); ++i)
      for (size_t slot = 0; slot < results[i].size(); ++slot) {
        const auto &bits = results[i][slot].values, &wanted = first_results[i][slot].values;
        ASSERT_EQ(bits.size(), wanted.size());
        EXPECT_TRUE(bits.empty() || std::memcmp(bits.data(), wanted.data(), bits.size() * sizeof(double)) == 0)
            << plexus::to_string(spec) << ": " << threads << " threads differ from one";
      }
  }
}

}  // namespace plexus::conformance
