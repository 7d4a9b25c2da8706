#include "plexus/trainer/batches.h"

#include <algorithm>

#include "plexus/core/error.h"

namespace plexus {
namespace {

// Elements that a piece of a parallel loop copies at least: some 4 microseconds of work, well above what it
// costs to hand a piece to another thread (about 1). Small batches stay on the calling thread.
constexpr int64_t piece_elements = 16384;

int64_t rows_per_piece(int64_t columns) {
  return std::max<int64_t>(1, piece_elements / std::max<int64_t>(1, columns));
}

/// Calls `read(row, out)` for each of the rows; T is the element type of `out`.
template <class T, class Read>
void gather(const Executor& executor, std::span<const int64_t> rows, int64_t columns, void* out,
            const Read& read) {
  T* const base = static_cast<T*>(out);
  executor.parallel_for(static_cast<int64_t>(rows.size()), rows_per_piece(columns),
                        [&](int64_t begin, int64_t end) {
                          for (int64_t i = begin; i < end; ++i)
                            read(rows[static_cast<size_t>(i)], base + i * columns);
                        });
}

template <class From, class To>
void convert(const Executor& executor, const Tensor& matrix, int64_t first, int64_t count, void* out) {
  const int64_t columns = matrix.shape().columns();
  const From* const from = matrix.values<From>().data() + first * columns;
  To* const to = static_cast<To*>(out);
  executor.parallel_for(count * columns, piece_elements, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = static_cast<To>(from[i]);
  });
}

template <class To>
void gather_rows_as(const Executor& executor, const Tensor& matrix, int64_t first, int64_t count, void* out) {
  switch (matrix.dtype()) {
    case DType::f32:
      return convert<float, To>(executor, matrix, first, count, out);
    case DType::f64:
      return convert<double, To>(executor, matrix, first, count, out);
    case DType::u8:
      return convert<uint8_t, To>(executor, matrix, first, count, out);
    default:
      throw ShapeError("predict: rows are " + std::string(to_string(matrix.dtype())) +
                       ", not f32, u8 or f64: convert them with Tensor::converted");
  }
}

}  // namespace

void gather_features(const Executor& executor, const Dataset& data, std::span<const int64_t> rows,
                     DType dtype, void* out) {
  const int64_t columns = data.feature_shape().elements();
  const auto read = [&](int64_t row, auto* to) { data.read_features(row, to); };
  if (dtype == DType::f64)
    gather<double>(executor, rows, columns, out, read);
  else
    gather<float>(executor, rows, columns, out, read);
}

void gather_targets(const Executor& executor, const Dataset& data, std::span<const int64_t> rows, DType dtype,
                    void* out) {
  const int64_t columns = data.target_shape().elements();
  const auto read = [&](int64_t row, auto* to) { data.read_target(row, to); };
  if (data.labels())
    gather<int32_t>(executor, rows, columns, out, [&](int64_t row, int32_t* to) { *to = data.label(row); });
  else if (dtype == DType::f64)
    gather<double>(executor, rows, columns, out, read);
  else
    gather<float>(executor, rows, columns, out, read);
}

void gather_rows(const Executor& executor, const Tensor& matrix, int64_t first, int64_t count, DType dtype,
                 void* out) {
  if (dtype == DType::f64)
    gather_rows_as<double>(executor, matrix, first, count, out);
  else
    gather_rows_as<float>(executor, matrix, first, count, out);
}

}  // namespace plexus
