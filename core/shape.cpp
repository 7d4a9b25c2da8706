#include "plexus/core/shape.h"

#include <algorithm>

#include "plexus/core/error.h"

namespace plexus {
namespace {

std::string bracketed(std::span<const int64_t> sizes) {
  std::string line = "[";
  for (const int64_t size : sizes) line += (line.size() > 1 ? ", " : "") + std::to_string(size);
  return line + "]";
}

}  // namespace

Shape::Shape(std::span<const int64_t> sizes) : rank_(sizes.size()) {
  if (rank_ > max_rank)
    throw ShapeError("shape " + bracketed(sizes) + ": " + std::to_string(rank_) + " dimensions, at most " +
                     std::to_string(max_rank));
  if (std::ranges::any_of(sizes, [](int64_t size) { return size < 0; }))
    throw ShapeError("shape " + bracketed(sizes) + ": negative size");
  std::ranges::copy(sizes, sizes_.begin());
  // Zeros are left out, so that what remains of a shape without its zero (a row of it) can be counted too.
  for (const int64_t size : sizes)
    if (size != 0 && __builtin_mul_overflow(elements_, size, &elements_))
      throw ShapeError("shape " + bracketed(sizes) + ": more than 2^63 - 1 elements");
  if (std::ranges::find(sizes, 0) != sizes.end()) elements_ = 0;
}

int64_t Shape::columns() const {
  if (rank_ == 0) return 1;
  if (sizes_[0] != 0) return elements_ / sizes_[0];
  return row().elements();
}

Shape Shape::with_rows(int64_t rows) const {
  if (rank_ == 0) throw ShapeError("shape []: a scalar has no rows to replace");
  auto sizes = sizes_;
  sizes[0] = rows;
  return Shape(std::span(sizes.data(), rank_));
}

Shape Shape::batched(int64_t rows) const {
  std::array<int64_t, max_rank + 1> sizes{rows};
  std::copy(begin(), end(), sizes.begin() + 1);
  return Shape(std::span<const int64_t>(sizes.data(), rank_ + 1));
}

Shape Shape::row() const { return rank_ == 0 ? Shape() : Shape(sizes().subspan(1)); }

std::string to_string(const Shape& shape) { return bracketed(shape.sizes()); }

}  // namespace plexus
