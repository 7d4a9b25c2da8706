#include "plexus/cli/grid.h"

#include <algorithm>

namespace plexus::cli {

void Grid::print(std::FILE* out) const {
  std::vector<size_t> widths(lines_.front().size());
  for (const Line& line : lines_)
    for (size_t c = 0; c < widths.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  for (const Line& line : lines_)
    for (size_t c = 0; c < widths.size(); ++c)
      std::fprintf(out, c < left_ ? "%s%-*s%s" : "%s%*s%s", c == 0 ? "" : "  ", int(widths[c]),
                   line[c].c_str(), c + 1 == widths.size() ? "\n" : "");
}

}  // namespace plexus::cli
