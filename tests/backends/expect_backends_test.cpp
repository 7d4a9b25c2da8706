// The set of backends that a build must have tested: PLEXUS_EXPECT_BACKENDS, a list with commas.
#include <cstdlib>
#include <set>
#include <sstream>

#include "backends/every_backend.h"

namespace plexus::conformance {
namespace {

std::set<std::string> split(const std::string& list) {
  std::set<std::string> names;
  std::istringstream stream(list);
  for (std::string name; std::getline(stream, name, ',');)
    if (!name.empty()) names.insert(name);
  return names;
}

/// Backends that really run something, by themselves and not by the reference behind them.
std::set<std::string> backends_that_run() {
  std::set<std::string> ran;
  on_every_backend([&](const std::string& name, const Context& context) {
    EXPECT_EQ(context.chosen().name(), name);
    for (const std::string& family : families())
      if (check(context.chosen(), make_case(family, Fill::exact, 1)).status == Status::pass) ran.insert(name);
  });
  return ran;
}

TEST(ExpectBackends, AllThatAreNamedHaveRun) {
  const char* list = std::getenv("PLEXUS_EXPECT_BACKENDS");
  const std::set<std::string> ran = backends_that_run();
  for (const std::string& name : split(list ? list : "reference"))
    EXPECT_TRUE(ran.contains(name)) << "PLEXUS_EXPECT_BACKENDS names " << name << ", which has not run";
}

}  // namespace
}  // namespace plexus::conformance
