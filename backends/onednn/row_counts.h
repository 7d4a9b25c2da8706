// The numbers of rows that a kernel has primitives for.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace plexus::onednn {

/// oneDNN binds a primitive to its sizes. A kernel has one for every row count that is expected, and one for every power
/// of four below the maximum: any other count is run in pieces of these sizes, at most three of each power. (Powers of
/// two would make twice the primitives, at 0.1 to 0.3 ms each, for counts that hardly ever come.)
class RowCounts {
 public:
  /// All runs have this many rows, whatever they say.
  static RowCounts fixed(int64_t rows) { return {{rows}, true}; }

  static RowCounts varying(int64_t maximum, std::span<const int64_t> expected) {
    std::vector<int64_t> sizes = {maximum};
    for (const int64_t rows : expected)
      if (rows > 0 && rows < maximum) sizes.push_back(rows);
    for (int64_t rows = 1; rows < maximum; rows *= 4) sizes.push_back(rows);
    std::sort(sizes.begin(), sizes.end(), std::greater());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    return {std::move(sizes), false};
  }

  /// The largest first.
  const std::vector<int64_t>& sizes() const { return sizes_; }

  /// Calls run(i, first_row) for pieces of sizes()[i] that cover `rows`, in ascending order.
  template <class F>
  void for_pieces(int64_t rows, const F& run) const {
    if (fixed_) return run(size_t(0), int64_t(0));
    int64_t first = 0;
    for (size_t i = 0; i < sizes_.size(); i++)
      for (; rows - first >= sizes_[i]; first += sizes_[i]) run(i, first);
  }

 private:
  RowCounts(std::vector<int64_t> sizes, bool fixed) : sizes_(std::move(sizes)), fixed_(fixed) {}

  std::vector<int64_t> sizes_;
  bool fixed_;
};

}  // namespace plexus::onednn
