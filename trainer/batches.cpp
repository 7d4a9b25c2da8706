#include "plexus/trainer/batches.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "plexus/core/error.h"

namespace plexus {
namespace {

// Elements that a piece of a parallel loop copies at least: 2 microseconds of work where the rows are in a cache, 7 where they come
// from memory; to hand a piece to another thread costs about 1. Small batches stay on the calling thread.
constexpr int64_t piece_elements = 8192;

/// Even pieces: the kernel that works on these rows next cuts them alike.
int64_t rows_per_piece(const Executor& executor, int64_t rows, int64_t columns) {
  return executor.even_grain(rows, piece_elements / std::max<int64_t>(1, columns));
}

/// Calls `read(row, out)` for each of the rows; T is the element type of `out`.
template <class T, class Read>
void gather(const Executor& executor, std::span<const int64_t> rows, int64_t columns, void* out,
            const Read& read) {
  T* const base = static_cast<T*>(out);
  executor.parallel_for(static_cast<int64_t>(rows.size()), rows_per_piece(executor, std::ssize(rows), columns),
                        [&](int64_t begin, int64_t end) {
                          for (int64_t i = begin; i < end; ++i)
                            read(rows[static_cast<size_t>(i)], base + i * columns);
                        });
}

/// Reads features, and prepares them. What is read goes to the front of a row.
template <class T>
void gather_prepared(const Executor& executor, const Dataset& data, std::span<const int64_t> rows,
                     const RowPreparation& preparation, T* out, const EpochAugmentation* augmentation) {
  const int64_t columns = preparation.columns_out();
  executor.parallel_for(
      static_cast<int64_t>(rows.size()), rows_per_piece(executor, std::ssize(rows), columns), [&](int64_t begin, int64_t end) {
        const std::span<const int64_t> piece =
            rows.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
        T* const read = (augmentation ? static_cast<T*>(augmentation->staging) : out) + begin * columns;
        data.read_features(piece, read, columns);
        if (augmentation)
          for (int64_t i = begin; i < end; ++i)
            augment(augmentation->augmentation, augmentation->image, augmentation->random,
                    rows[static_cast<size_t>(i)], read + (i - begin) * columns, out + i * columns);
        if (!preparation.needed()) return;
        for (int64_t i = begin; i < end; ++i)
          preparation.apply(std::span<T>(out + i * columns, static_cast<size_t>(columns)));
      });
}

template <class From, class To>
void convert(const Executor& executor, const Tensor& matrix, int64_t first, int64_t count,
             const RowPreparation& preparation, void* out) {
  const int64_t columns = preparation.columns_in(), width = preparation.columns_out();
  const From* const from = matrix.values<From>().data() + first * columns;
  To* const to = static_cast<To*>(out);
  executor.parallel_for(count, rows_per_piece(executor, count, width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t i = 0; i < columns; ++i) to[row * width + i] = static_cast<To>(from[row * columns + i]);
      if (preparation.needed()) preparation.apply(std::span<To>(to + row * width, static_cast<size_t>(width)));
    }
  });
}

template <class To>
void gather_rows_as(const Executor& executor, const Tensor& matrix, int64_t first, int64_t count,
                    const RowPreparation& preparation, void* out) {
  switch (matrix.dtype()) {
    case DType::f32:
      return convert<float, To>(executor, matrix, first, count, preparation, out);
    case DType::f64:
      return convert<double, To>(executor, matrix, first, count, preparation, out);
    case DType::u8:
      return convert<uint8_t, To>(executor, matrix, first, count, preparation, out);
    default:
      throw ShapeError("predict: rows are " + std::string(to_string(matrix.dtype())) +
                       ", not f32, u8 or f64: convert them with Tensor::converted");
  }
}

}  // namespace

RowPreparation::RowPreparation(const Sequential& network, bool scaled)
    : network_(&network),
      scaled_(scaled),
      columns_in_(network.input_shape().elements()),
      columns_out_(network.program_shape().elements()) {
  find_columns();
}

void RowPreparation::find_columns() {
  scalings_.clear();
  for (size_t i = 0; i < network_->first_in_program(scaled_); ++i) {
    const Layer& layer = (*network_)[i];
    const auto learnt = [&](const std::string& name) {
      return network_->store().entry(network_->prefix(i) + "." + name).data.bytes();
    };
    if (const auto* one_hot = dynamic_cast<const OneHot*>(&layer)) one_hot_ = one_hot;
    if (dynamic_cast<const Impute*>(&layer)) means_ = learnt("mean");
    if (const auto* scaling = dynamic_cast<const ColumnScaling*>(&layer))
      scalings_.push_back({learnt(scaling->offset_name()), learnt("scale")});
  }
}

template <class T>
void RowPreparation::apply(std::span<T> row) const {
  if (one_hot_) one_hot_->encode(row);
  if (const T* const means = static_cast<const T*>(means_))
    for (size_t i = 0; i < row.size(); ++i)
      if (std::isnan(row[i])) row[i] = means[i];
  for (const Scaling& scaling : scalings_)
    ColumnScaling::transform(static_cast<const T*>(scaling.offset), static_cast<const T*>(scaling.scale), row);
}

template void RowPreparation::apply(std::span<float> row) const;
template void RowPreparation::apply(std::span<double> row) const;

void gather_features(const Executor& executor, const Dataset& data, std::span<const int64_t> rows,
                     const RowPreparation& preparation, DType dtype, void* out,
                     const EpochAugmentation* augmentation) {
  if (dtype == DType::f64)
    gather_prepared(executor, data, rows, preparation, static_cast<double*>(out), augmentation);
  else
    gather_prepared(executor, data, rows, preparation, static_cast<float*>(out), augmentation);
}

bool weights_rows(const SoftmaxCrossEntropy& entropy) {
  return entropy.label_smoothing == 0 && !entropy.class_weights.empty();
}

void gather_weights(const Dataset& data, std::span<const int64_t> rows, DType dtype, void* out,
                    const SoftmaxCrossEntropy* entropy) {
  const bool by_class = data.labels() && entropy && weights_rows(*entropy);
  const auto write = [&](auto* to) {
    for (size_t i = 0; i < rows.size(); ++i) {
      double weight = data.sample_weight(rows[i]);
      if (by_class) weight *= entropy->class_weights[static_cast<size_t>(data.label(rows[i]))];
      to[i] = static_cast<std::remove_reference_t<decltype(*to)>>(weight);
    }
  };
  if (dtype == DType::f64)
    write(static_cast<double*>(out));
  else
    write(static_cast<float*>(out));
}

void gather_targets(const Executor& executor, const Dataset& data, std::span<const int64_t> rows, DType dtype,
                    void* out, const SoftmaxCrossEntropy* entropy) {
  const bool smooth = entropy && entropy->label_smoothing > 0;
  const bool soften = entropy && (smooth || (!data.labels() && !entropy->class_weights.empty()));
  const int64_t columns = data.labels() && smooth ? data.classes() : data.target_shape().elements();
  const auto read = [&](int64_t row, auto* to) {
    if (!soften) return data.read_target(row, to);
    if (data.labels()) {
      std::fill_n(to, columns, 0);
      to[data.label(row)] = 1;
    } else {
      data.read_target(row, to);
    }
    using To = std::remove_reference_t<decltype(*to)>;
    const double kept = 1 - entropy->label_smoothing, shared = entropy->label_smoothing / double(columns);
    for (int64_t c = 0; c < columns; ++c) {
      const double weight =
          entropy->class_weights.empty() ? 1 : entropy->class_weights[static_cast<size_t>(c)];
      to[c] = static_cast<To>(weight * (kept * double(to[c]) + shared));
    }
  };
  if (data.labels() && !smooth)
    data.read_labels(rows, static_cast<int32_t*>(out));
  else if (dtype == DType::f64)
    gather<double>(executor, rows, columns, out, read);
  else
    gather<float>(executor, rows, columns, out, read);
}

void gather_rows(const Executor& executor, const Tensor& matrix, int64_t first, int64_t count,
                 const RowPreparation& preparation, DType dtype, void* out) {
  if (dtype == DType::f64)
    gather_rows_as<double>(executor, matrix, first, count, preparation, out);
  else
    gather_rows_as<float>(executor, matrix, first, count, preparation, out);
}

}  // namespace plexus
