#include "plexus/trainer/explanation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <numeric>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/core/plan.h"
#include "plexus/layers/column_scaling.h"
#include "plexus/layers/one_hot.h"
#include "plexus/trainer/batches.h"

namespace plexus {
namespace {

// Points of a line, or rows, that are worked on at once: enough to fill any kernel's registers.
constexpr int64_t points_at_once = 128;
// Pieces of a line to begin with, as the paper advises (20 to 300). Then those with a kink are halved, as
// long as float's rounding can tell their ends apart.
constexpr size_t first_pieces = 64;
constexpr int most_halvings = 24;
// Where less than this share of what is added and subtracted is left, float's rounding is a thousandth of it.
constexpr double smallest_change = 1e-3;

Plan gradient_plan(Sequential& network, const Context& context) {
  if (!network.built()) throw ArgumentError("explain: the network is not built: fit or load it first");
  network.require_fitted();
  LoweringOptions lowering;
  lowering.part = Part::gradient;
  lowering.batch = points_at_once;
  lowering.dtype = network.dtype();
  return Plan::build(context, network.store(), network.lower(lowering));
}

/// What the programs of a network see as zero.
std::vector<double> zero_of(const Sequential& network) {
  std::vector<double> zero(static_cast<size_t>(network.program_shape().elements()), 0.0);
  for (size_t i = 0; i < network.size(); ++i) {
    if (!network[i].in_programs()) continue;
    const auto* scaling = dynamic_cast<const ColumnScaling*>(&network[i]);
    if (!scaling) break;
    const Tensor offset = scaling->offset(network.store(), network.prefix(i)).converted(DType::f64);
    const auto values = offset.values<double>();
    std::copy(values.begin(), values.end(), zero.begin());
    break;  // a second one is fitted to what the first makes of the data: near enough to its zero
  }
  return zero;
}

/// Of each column that programs see, the column of the row that it was made of.
std::vector<size_t> origins(const Sequential& network) {
  const auto columns = static_cast<size_t>(network.input_shape().elements());
  std::vector<size_t> result;
  const auto* one_hot = dynamic_cast<const OneHot*>(&network[0]);
  for (size_t column = 0; column < columns; ++column)
    result.insert(
        result.end(),
        one_hot && one_hot->learnt() ? std::max<size_t>(1, one_hot->categories()[column].size()) : 1, column);
  return result;
}

}  // namespace

struct Explainer::State {
  State(Sequential& n, Context c)
      : network(&n),
        context(std::move(c)),
        plan(gradient_plan(n, context)),
        preparation(n),
        zero(zero_of(n)),
        origin(origins(n)) {}

  /// Rows of the network's shape, with its numbers for categories.
  Dataset inputs(const Dataset& rows) const {
    if (!(rows.feature_shape() == network->input_shape()))
      throw ShapeError("explain: rows of shape " + to_string(rows.feature_shape()) + ", the network takes " +
                       to_string(network->input_shape()) + ": give the columns it was trained on");
    const auto* one_hot = dynamic_cast<const OneHot*>(&(*network)[0]);
    return rows.with_categories(one_hot ? one_hot->categories() : Categories());
  }
  void check(const Dataset& rows, std::span<const int64_t> outputs) const {
    if (static_cast<int64_t>(outputs.size()) != rows.size())
      throw ArgumentError("explain: " + std::to_string(outputs.size()) + " outputs for " +
                          std::to_string(rows.size()) + " rows: give one each");
    const int64_t columns = network->output_shape().elements();
    for (const int64_t output : outputs)
      if (output < 0 || output >= columns)
        throw ArgumentError("explain: output " + std::to_string(output) + ": the network has 0 to " +
                            std::to_string(columns - 1));
  }
  template <class T>
  Tensor gradients(const Dataset& rows, std::span<const int64_t> outputs);
  template <class T>
  Attributions integrated_gradients(const Dataset& rows, std::span<const int64_t> outputs, double tolerance);
  /// One row: fills in `values` and adds the rest to the result.
  template <class T>
  void integrate(std::span<const double> row, int64_t output, double tolerance, Attributions& result,
                 std::span<double> values);
  /// A piece of the line from zero (0) to a row (1), and what an output does on it.
  struct Piece {
    double begin, end;
    double at_begin, at_middle, at_end;
    std::vector<double> gradient = {};  // in the middle
  };
  /// The outputs at points of the line; to `gradients` those there, where it is asked for.
  template <class T>
  std::vector<double> follow(std::span<const double> row, int64_t output, std::span<const double> points,
                             std::vector<std::vector<double>>* gradients = nullptr);
  /// Fills in what happens in the middle of pieces.
  template <class T>
  void look(std::span<const double> row, int64_t output, std::span<Piece> pieces);
  /// Rows as programs see them.
  template <class T>
  void gather(const Dataset& rows, int64_t first, int64_t count);
  /// Asks for the gradient of one output of each row.
  template <class T>
  void run(int64_t rows, const std::function<int64_t(int64_t row)>& output);

  Sequential* network;
  Context context;
  Plan plan;
  RowPreparation preparation;
  std::vector<double> zero;
  std::vector<size_t> origin;
};

template <class T>
void Explainer::State::gather(const Dataset& rows, int64_t first, int64_t count) {
  std::vector<int64_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), first);
  gather_features(context.executor(), rows, numbers, preparation, network->dtype(), plan.data<T>("x"));
}

template <class T>
void Explainer::State::run(int64_t rows, const std::function<int64_t(int64_t)>& output) {
  const int64_t columns = network->output_shape().elements();
  T* const wanted = plan.data<T>("y.gradient");
  std::fill_n(wanted, rows * columns, T(0));
  for (int64_t row = 0; row < rows; ++row) wanted[row * columns + output(row)] = 1;
  plan.run(rows);
}

template <class T>
Tensor Explainer::State::gradients(const Dataset& rows, std::span<const int64_t> outputs) {
  Tensor result(DType::f64, network->input_shape().batched(rows.size()));
  const auto columns = static_cast<size_t>(network->input_shape().elements());
  double* to = result.values<double>().data();
  for (int64_t first = 0; first < rows.size(); first += points_at_once) {
    const int64_t count = std::min(points_at_once, rows.size() - first);
    gather<T>(rows, first, count);
    run<T>(count, [&](int64_t row) { return outputs[static_cast<size_t>(first + row)]; });
    const T *x = plan.data<T>("x"), *gradient = plan.data<T>("x.gradient");
    for (int64_t row = 0; row < count; ++row, to += columns)
      for (const size_t column : origin) {
        // A category's columns are 0 but for its own.
        const bool alone = origin.size() == columns || std::count(origin.begin(), origin.end(), column) == 1;
        const T value = *gradient++, present = *x++;
        to[column] += alone || present != 0 ? static_cast<double>(value) : 0;
      }
  }
  return result;
}

template <class T>
std::vector<double> Explainer::State::follow(std::span<const double> row, int64_t output,
                                             std::span<const double> points,
                                             std::vector<std::vector<double>>* gradients) {
  const auto columns = static_cast<size_t>(network->output_shape().elements());
  std::vector<double> outputs;
  for (size_t first = 0; first < points.size(); first += points_at_once) {
    const size_t count = std::min(static_cast<size_t>(points_at_once), points.size() - first);
    T* x = plan.data<T>("x");
    for (const double along : points.subspan(first, count))
      for (size_t c = 0; c < row.size(); ++c) *x++ = static_cast<T>(zero[c] + along * (row[c] - zero[c]));
    run<T>(static_cast<int64_t>(count), [&](int64_t) { return output; });
    const T *y = plan.data<T>("y"), *gradient = plan.data<T>("x.gradient");
    for (size_t i = 0; i < count; ++i) {
      outputs.push_back(static_cast<double>(y[i * columns + static_cast<size_t>(output)]));
      if (gradients) gradients->emplace_back(gradient + i * row.size(), gradient + (i + 1) * row.size());
    }
  }
  return outputs;
}

template <class T>
void Explainer::State::look(std::span<const double> row, int64_t output, std::span<Piece> pieces) {
  std::vector<double> middles;
  for (const Piece& piece : pieces) middles.push_back((piece.begin + piece.end) / 2);
  std::vector<std::vector<double>> gradients;
  const std::vector<double> outputs = follow<T>(row, output, middles, &gradients);
  for (size_t i = 0; i < pieces.size(); ++i) {
    pieces[i].at_middle = outputs[i];
    pieces[i].gradient = std::move(gradients[i]);
  }
}

template <class T>
Attributions Explainer::State::integrated_gradients(const Dataset& rows, std::span<const int64_t> outputs,
                                                    double tolerance) {
  Attributions result;
  result.values = Tensor(DType::f64, network->input_shape().batched(rows.size()));
  const auto columns = static_cast<size_t>(network->input_shape().elements());
  std::vector<double> row(zero.size());
  for (int64_t number = 0; number < rows.size(); ++number) {
    gather<T>(rows, number, 1);
    std::copy_n(plan.data<T>("x"), row.size(), row.begin());
    integrate<T>(row, outputs[static_cast<size_t>(number)], tolerance, result,
                 result.values.values<double>().subspan(static_cast<size_t>(number) * columns, columns));
  }
  return result;
}

template <class T>
void Explainer::State::integrate(std::span<const double> row, int64_t output, double tolerance,
                                 Attributions& result, std::span<double> values) {
  std::vector<double> ends(first_pieces + 1);
  for (size_t i = 0; i < ends.size(); ++i) ends[i] = static_cast<double>(i) / first_pieces;
  const std::vector<double> at_ends = follow<T>(row, output, ends);
  const double here = at_ends.back(), there = at_ends.front();
  std::vector<Piece> pieces;
  for (size_t i = 0; i < first_pieces; ++i)
    pieces.push_back({ends[i], ends[i + 1], at_ends[i], 0, at_ends[i + 1]});
  look<T>(row, output, pieces);

  double residual = 0;
  for (int halvings = 0;; ++halvings) {
    std::fill(values.begin(), values.end(), 0.0);
    std::vector<double> misses;  // of each piece, the change of the output that its gradient does not explain
    double sum = 0;
    for (const Piece& piece : pieces) {
      double of_piece = 0;
      for (size_t c = 0; c < row.size(); ++c) {
        const double part = piece.gradient[c] * (row[c] - zero[c]) * (piece.end - piece.begin);
        values[origin[c]] += part;
        of_piece += part;
      }
      sum += of_piece;
      misses.push_back(std::abs(of_piece - (piece.at_end - piece.at_begin)));
    }
    double size = std::abs(here) + std::abs(there);
    for (const double value : values) size += std::abs(value);
    const double miss = std::abs(sum - (here - there));
    residual = miss == 0 ? 0 : miss / std::max(std::abs(here - there), smallest_change * size);
    if (residual <= tolerance || halvings == most_halvings) break;

    // The worst piece, and all that are nearly as bad.
    const double worst = *std::max_element(misses.begin(), misses.end());
    std::vector<Piece> halves;
    for (size_t i = pieces.size(); i-- > 0;) {
      if (misses[i] < worst / 4) continue;
      const Piece& piece = pieces[i];
      const double middle = (piece.begin + piece.end) / 2;
      halves.push_back({piece.begin, middle, piece.at_begin, 0, piece.at_middle});
      halves.push_back({middle, piece.end, piece.at_middle, 0, piece.at_end});
      pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(i));
    }
    look<T>(row, output, halves);
    std::move(halves.begin(), halves.end(), std::back_inserter(pieces));
  }
  result.output.push_back(here);
  result.baseline.push_back(there);
  result.residual.push_back(residual);
}

Explainer::Explainer(Sequential& network, ExplainerOptions options)
    : Explainer(network, make_inference_context({.backend = options.backend, .threads = options.threads})) {}
Explainer::Explainer(Sequential& network, Context context)
    : state_(std::make_unique<State>(network, std::move(context))) {}
Explainer::~Explainer() = default;
Explainer::Explainer(Explainer&&) noexcept = default;
Explainer& Explainer::operator=(Explainer&&) noexcept = default;

Tensor Explainer::gradients(const Dataset& rows, std::span<const int64_t> outputs) {
  const Dataset inputs = state_->inputs(rows);
  state_->check(inputs, outputs);
  return state_->network->dtype() == DType::f64 ? state_->gradients<double>(inputs, outputs)
                                                : state_->gradients<float>(inputs, outputs);
}

Attributions Explainer::integrated_gradients(const Dataset& rows, std::span<const int64_t> outputs,
                                             double tolerance) {
  const Dataset inputs = state_->inputs(rows);
  state_->check(inputs, outputs);
  if (!(tolerance >= 0)) throw ArgumentError("explain: the tolerance must be 0 or more");
  return state_->network->dtype() == DType::f64
             ? state_->integrated_gradients<double>(inputs, outputs, tolerance)
             : state_->integrated_gradients<float>(inputs, outputs, tolerance);
}

}  // namespace plexus
