#include "plexus/cli/bench/table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "plexus/cli/grid.h"

namespace plexus::cli {
namespace {

std::string number(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// Four digits are more than any measurement here is worth.
std::string rate(double value) { return number(value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value); }

std::string time(double seconds) {
  const auto [unit, scale] = seconds < 1e-6   ? std::pair("ns", 1e9)
                             : seconds < 1e-3 ? std::pair("us", 1e6)
                             : seconds < 1    ? std::pair("ms", 1e3)
                                              : std::pair("s", 1.0);
  return number("%.3g ", seconds * scale) + unit;
}

template <class T>
void add_once(std::vector<T>& list, const T& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

void print(const Measurements& run, const std::string& family, int threads, std::FILE* out) {
  std::vector<const Measurement*> rows;
  std::vector<std::string> shapes, backends;
  bool any_gflops = false;
  for (const Measurement& m : run.list) {
    if (m.family != family || m.threads != threads) continue;
    rows.push_back(&m);
    add_once(shapes, m.shape);
    add_once(backends, m.backend);
    any_gflops = any_gflops || m.gflops;
  }
  if (rows.empty()) return;

  std::fprintf(out, "\n%s, %d thread%s: %s, of the limit, of the fastest\n", family.c_str(), threads,
               threads == 1 ? "" : "s", any_gflops ? "GFLOP/s" : "GB/s");
  Grid::Line header = {"", "fastest"};
  for (const std::string& backend : backends) header.insert(header.end(), {backend, "", ""});
  Grid grid(header, 1);
  for (const std::string& shape : shapes) {
    std::vector<const Measurement*> cells(backends.size());
    double best = std::numeric_limits<double>::infinity();
    for (const Measurement* m : rows) {
      if (m->shape != shape) continue;
      cells[size_t(std::find(backends.begin(), backends.end(), m->backend) - backends.begin())] = m;
      best = std::min(best, m->median_seconds());
    }
    Grid::Line line = {shape, time(best)};
    for (const Measurement* m : cells) {
      const auto value = !m ? std::nullopt : any_gflops ? m->gflops : m->gigabytes;
      line.push_back(value ? rate(*value) : "-");
      line.push_back(m && m->peak ? number("%.0f %%", 100 * *m->peak) : "-");
      line.push_back(m ? number("%.2f", best / m->median_seconds()) : "-");
    }
    grid.add(std::move(line));
  }
  grid.print(out);
}

}  // namespace

void print_tables(const Measurements& run, std::FILE* out) {
  std::vector<std::string> families;
  std::vector<int> threads;
  for (const Measurement& m : run.list) add_once(families, m.family), add_once(threads, m.threads);
  std::sort(threads.begin(), threads.end());
  for (const std::string& family : families)
    for (const int t : threads) print(run, family, t, out);
}

}  // namespace plexus::cli
