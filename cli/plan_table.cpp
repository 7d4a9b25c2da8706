// The costs of a plan for people.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <vector>

#include "plexus/cli/plan_costs.h"

namespace plexus::cli {
namespace {

// Kind, type and three sizes of up to four digits; what is left of it where the terminal is very narrow.
constexpr size_t enough_spec = 36, shortest_spec = 24;

std::string format(const char* pattern, double value) {
  char text[32];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

/// Three digits and a power of a thousand: "812", "40.1k", "1.23G".
std::string amount(double value) {
  static constexpr const char* units[] = {"", "k", "M", "G", "T", "P"};
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < std::size(units); unit++) value /= 1000;
  const char* pattern = unit == 0 ? "%.0f" : value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f";
  return format(pattern, value) + units[unit];
}

std::string time_text(double nanoseconds) {
  const auto digits = [](double value) { return value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f"; };
  if (nanoseconds < 999.5) return format(nanoseconds < 9.95 ? "%.1f" : "%.0f", nanoseconds) + " ns";
  if (nanoseconds < 999.5e3) return format(digits(nanoseconds * 1e-3), nanoseconds * 1e-3) + " us";
  if (nanoseconds < 999.5e6) return format(digits(nanoseconds * 1e-6), nanoseconds * 1e-6) + " ms";
  return format("%.2f", nanoseconds * 1e-9) + " s";
}

std::string percent(double fraction) { return format(fraction < 0.0995 ? "%.1f %%" : "%.0f %%", 100 * fraction); }

/// A spec without the constants of its update, which are the same in all rows: "update/adam/f32/m784/n64/.../panels32".
std::string without_constants(const std::string& line) {
  std::string result;
  bool left_out = false;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find('/', at), line.size());
    const std::string part = line.substr(at, end - at);
    static constexpr const char* constants[] = {"beta1_", "beta2_", "epsilon", "momentum", "decay", "l1_", "l2_", "clip"};
    const bool constant = std::any_of(std::begin(constants), std::end(constants), [&](const char* name) {
      return part.starts_with(name) && part.find_first_of("0123456789", std::string_view(name).size()) != std::string::npos;
    });
    if (!constant || !left_out) result += (at == 0 ? "" : "/") + (constant ? "..." : part);
    left_out = constant;
    at = end + 1;
  }
  return result;
}

/// Its beginning and its end.
std::string shortened(const std::string& text, size_t width) {
  if (text.size() <= width) return text;
  const size_t end = width / 3;
  return text.substr(0, width - end - 3) + "..." + text.substr(text.size() - end);
}

struct Column {
  std::string head;
  bool number = false;
  std::vector<std::string> cells = {};

  size_t width() const {
    size_t most = head.size();
    for (const std::string& cell : cells) most = std::max(most, cell.size());
    return most;
  }
};

size_t total_width(const std::vector<Column>& columns) {
  size_t total = 2 * (columns.size() - 1);
  for (const Column& column : columns) total += column.width();
  return total;
}

/// Leaves columns out, what says least first, until specs have enough room; then shortens the specs.
void fit(std::vector<Column>& columns, size_t width) {
  const auto find = [&](const char* head) {
    return std::find_if(columns.begin(), columns.end(), [&](const Column& column) { return column.head == head; });
  };
  const auto room = [&] {
    const size_t others = total_width(columns) - find("spec")->width();
    return width > others ? width - others : 0;
  };
  // Who else runs something is worth more than its numbers.
  const auto& backends = find("backend")->cells;
  const bool several = std::any_of(backends.begin(), backends.end(), [&](const std::string& cell) {
    return cell != "" && cell != "|" && cell != backends.front();
  });
  const std::vector<const char*> order = several ? std::vector{"bytes", "flop", "limit"}
                                                 : std::vector{"why", "backend", "bytes", "flop", "limit"};
  for (const char* head : order)
    if (room() < std::min(enough_spec, find("spec")->width())) columns.erase(find(head));
  const size_t most = std::max(room(), shortest_spec);
  for (std::string& cell : find("spec")->cells) cell = shortened(cell, most);
}

std::string print(const std::vector<Column>& columns) {
  std::string text;
  const auto print_line = [&](const auto& cell_of) {
    std::string line;
    for (const Column& column : columns) {
      const std::string& cell = cell_of(column);
      const std::string space(column.width() - cell.size(), ' ');
      line += (&column == &columns.front() ? "" : "  ") + (column.number ? space + cell : cell + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  print_line([](const Column& column) -> const std::string& { return column.head; });
  for (size_t i = 0; i < columns.front().cells.size(); i++)
    print_line([i](const Column& column) -> const std::string& { return column.cells[i]; });
  return text;
}

}  // namespace

std::string table(const PlanCosts& costs, const Limits& limits, int width) {
  const Program& program = costs.plan->program();
  std::vector<Column> columns = {{"operation"}, {"spec"}, {"backend"}, {"kernel"}, {"flop", true}, {"bytes", true},
                                 {"limit", true}};
  if (costs.timing)
    for (const char* head : {"time", "share", "of limit"}) columns.push_back({head, true});
  columns.push_back({"why"});
  const auto add = [&](std::vector<std::string> cells) {
    cells.resize(columns.size());
    for (size_t i = 0; i < cells.size(); i++) columns[i].cells.push_back(std::move(cells[i]));
  };
  Cost sum;
  double predicted = 0;
  for (size_t r = 0; r < costs.plan->rows().size(); r++) {
    const Plan::Row& row = costs.plan->rows()[r];
    const double limit = 1e9 * limits.seconds(row.cost);
    const size_t inside = row.last - row.first;
    const bool own = inside < 2 || row.spec.find(" + ") == std::string::npos;  // else the lines below say it
    std::vector<std::string> cells = {
        row.label,
        without_constants(own ? row.spec : to_string(program.operations()[row.first].spec)) +
            (own ? "" : " + " + std::to_string(inside - 1)),
        row.backend, row.description, amount(row.cost.flop), amount(row.cost.bytes), time_text(limit)};
    if (costs.timing) {
      const double time = costs.timing->rows[r];
      cells.push_back(time_text(time));
      cells.push_back(costs.timing->stamped > 0 ? percent(time / costs.timing->stamped) : "");
      cells.push_back(time > 0 ? percent(limit / time) : "");
    }
    cells.push_back(row.why + (row.deviations.empty() ? "" : ", deviates"));
    add(std::move(cells));
    for (size_t i = row.first + 1; i < row.last; i++)
      add({program.operations()[i].label, without_constants(to_string(program.operations()[i].spec)), "|"});
    sum.flop += row.cost.flop;
    sum.bytes += row.cost.bytes;
    predicted += limit;
  }
  std::vector<std::string> total = {"sum", "", "", "", amount(sum.flop), amount(sum.bytes), time_text(predicted)};
  if (costs.timing) {
    total.push_back(time_text(costs.timing->stamped));
    total.push_back("100 %");
    total.push_back(costs.timing->stamped > 0 ? percent(predicted / costs.timing->stamped) : "");
  }
  add(std::move(total));
  if (width > 0) fit(columns, size_t(width));
  std::string text = print(columns);
  if (costs.timing)
    text += "a run without looking at the clock takes " + time_text(costs.timing->run) + "; means over the middle half of " +
            std::to_string(costs.timing->runs) + " runs of each kind\n";
  std::set<std::string> deviations;
  for (const Plan::Row& row : costs.plan->rows())
    if (!row.deviations.empty()) deviations.insert(row.backend + " deviates: " + row.deviations);
  for (const std::string& line : deviations) text += line + "\n";
  return text;
}

std::string describe(const Limits& limits) {
  std::string text = std::to_string(limits.threads) + (limits.threads == 1 ? " thread, " : " threads, ") +
                     format("%.0f", limits.arithmetic()) + " GFLOP/s";
  for (const Limits::Level& level : limits.levels)
    text += ", " + level.name + (std::isfinite(level.capacity) ? " (" + amount(level.capacity) + "B) " : " ") +
            format("%.0f", level.bandwidth) + " GB/s";
  return text;
}

}  // namespace plexus::cli
