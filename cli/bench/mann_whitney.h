// Mann-Whitney: whether one sample is larger than another, without a guess at its distribution.
#pragma once
#include <span>
#include <vector>

namespace plexus::cli {

/// The probability that values of `b` are as large against those of `a` as here, or larger, were both of one distribution: the
/// one-sided U test (Mann and Whitney 1947), exact for any size and with ties (the permutation distribution of the midranks).
/// 1 where a sample is empty. Takes n^3 steps: meant for tens of values.
double mann_whitney_greater(std::span<const double> a, std::span<const double> b);

/// p values adjusted for their number by the step-up rule of Benjamini and Hochberg (1995), in the order given. What is below a
/// level q after it: where nothing differs, there is one such value with a probability of q at most; else a share of q of them
/// is wrong at most, in the mean.
std::vector<double> benjamini_hochberg(std::span<const double> p);

}  // namespace plexus::cli
