#include "plexus/layers/one_hot.h"

#include <algorithm>

#include "plexus/core/error.h"

namespace plexus {
namespace {

/// From the last column to the first: what a column becomes never lies before the column.
template <class T>
void spread(const Categories& categories, std::span<T> row) {
  size_t end = row.size();
  for (size_t column = categories.size(); column-- > 0;) {
    const T value = row[column];
    const size_t count = categories[column].size();
    if (count == 0) {
      row[--end] = value;
      continue;
    }
    end -= count;
    std::fill_n(row.begin() + int64_t(end), count, T(0));
    if (value >= 0 && value < T(count)) row[end + size_t(value)] = 1;
  }
}

}  // namespace

OneHot::OneHot(Categories categories) : categories_(std::move(categories)) {
  for (const auto& column : categories_) {
    std::vector<std::string> sorted = column;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end())
      throw ArgumentError("OneHot: column " + std::to_string(&column - categories_.data()) +
                          " has a category twice");
    width_ += column.empty() ? 1 : int64_t(column.size());
  }
}

std::string OneHot::name() const {
  const auto spread = std::count_if(categories_.begin(), categories_.end(),
                                    [](const auto& column) { return !column.empty(); });
  return "OneHot(" + (learnt() ? std::to_string(spread) + (spread == 1 ? " column" : " columns") : "") + ")";
}

std::unique_ptr<Layer> OneHot::clone() const { return std::make_unique<OneHot>(*this); }

Shape OneHot::output_shape(const Shape& input) const {
  if (!learnt()) throw ShapeError("OneHot(): has learnt no categories yet: fit the network");
  if (!(input == Shape{int64_t(categories_.size())}))
    throw ShapeError(name() + ": expects rows of " + std::to_string(categories_.size()) + " columns, got " +
                     to_string(input));
  return {width_};
}

void OneHot::encode(std::span<float> row) const { spread(categories_, row); }
void OneHot::encode(std::span<double> row) const { spread(categories_, row); }

}  // namespace plexus
