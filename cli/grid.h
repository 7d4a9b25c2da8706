// Grid: lines of fields printed in columns.
#pragma once
#include <cstdio>
#include <string>
#include <vector>

namespace plexus::cli {

class Grid {
 public:
  using Line = std::vector<std::string>;
  /// The first `left` columns are flush left, the others, of numbers, flush right.
  Grid(Line header, size_t left) : lines_{std::move(header)}, left_(left) {}

  /// A line of as many fields as the header has.
  void add(Line line) { lines_.push_back(std::move(line)); }
  void print(std::FILE* out) const;

 private:
  std::vector<Line> lines_;
  size_t left_;
};

}  // namespace plexus::cli
