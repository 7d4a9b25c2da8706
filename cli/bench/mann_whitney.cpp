#include "plexus/cli/bench/mann_whitney.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace plexus::cli {
namespace {

std::vector<size_t> order(std::span<const double> values) {
  std::vector<size_t> indices(values.size());
  std::iota(indices.begin(), indices.end(), size_t{0});
  std::stable_sort(indices.begin(), indices.end(), [&](size_t i, size_t j) { return values[i] < values[j]; });
  return indices;
}

// Twice the rank, from 2, so that the mean rank of ties is whole too.
std::vector<size_t> doubled_ranks(std::span<const double> values) {
  const std::vector<size_t> sorted = order(values);
  std::vector<size_t> ranks(values.size());
  for (size_t first = 0, last; first < sorted.size(); first = last) {
    for (last = first; last < sorted.size() && values[sorted[last]] == values[sorted[first]];) ++last;
    for (size_t i = first; i < last; ++i) ranks[sorted[i]] = first + last + 1;
  }
  return ranks;
}

}  // namespace

double mann_whitney_greater(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return 1;
  std::vector<double> values(a.begin(), a.end());
  values.insert(values.end(), b.begin(), b.end());
  const std::vector<size_t> ranks = doubled_ranks(values);
  const size_t observed = std::accumulate(ranks.begin() + std::ptrdiff_t(a.size()), ranks.end(), size_t{0});
  const size_t total = std::accumulate(ranks.begin(), ranks.end(), size_t{0});

  // ways[j][s]: how many sets of j of the ranks so far sum up to s.
  std::vector<std::vector<double>> ways(b.size() + 1, std::vector<double>(total + 1));
  ways[0][0] = 1;
  for (const size_t rank : ranks)
    for (size_t j = b.size(); j > 0; --j)
      for (size_t s = rank; s <= total; ++s) ways[j][s] += ways[j - 1][s - rank];
  const std::vector<double>& sums = ways[b.size()];
  const double as_large = std::accumulate(sums.begin() + std::ptrdiff_t(observed), sums.end(), 0.0);
  return as_large / std::accumulate(sums.begin(), sums.end(), 0.0);
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  const std::vector<size_t> ascending = order(p);
  std::vector<double> adjusted(p.size());
  double least = 1;
  for (size_t rank = p.size(); rank > 0; --rank) {
    const size_t i = ascending[rank - 1];
    least = std::min(least, p[i] * double(p.size()) / double(rank));
    adjusted[i] = least;
  }
  return adjusted;
}

}  // namespace plexus::cli
