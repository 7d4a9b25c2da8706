#include "plexus/cli/bench/load.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

namespace plexus::cli {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Seconds that all processors together have been busy since the machine started: the first line of
/// /proc/stat without the fourth and fifth number, idle and waiting for disks.
double busy() {
  std::ifstream file("/proc/stat");
  std::string name;
  file >> name;
  double sum = 0, ticks = 0;
  for (int i = 1; i <= 8 && file >> ticks; ++i)
    if (i != 4 && i != 5) sum += ticks;
  return sum / double(sysconf(_SC_CLK_TCK));
}

double own() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage use{};
    getrusage(who, &use);
    for (const timeval& t : {use.ru_utime, use.ru_stime}) sum += double(t.tv_sec) + 1e-6 * double(t.tv_usec);
  }
  return sum;
}

}  // namespace

double load_average() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

OthersLoad::OthersLoad() : elapsed_(now()), busy_(busy()), own_(own()) {}

double OthersLoad::processors() const {
  const double elapsed = now() - elapsed_;
  return elapsed > 0 ? std::max(0.0, (busy() - busy_ - (own() - own_)) / elapsed) : 0;
}

}  // namespace plexus::cli
