// Sequential::lower: a network becomes a program.
#include <algorithm>

#include "plexus/core/backend.h"
#include "plexus/core/error.h"
#include "plexus/layers/sequential.h"

namespace plexus {
namespace {

/// "Dense(10)" without its arguments.
std::string kind(const Layer& layer) {
  const std::string name = layer.name();
  return name.substr(0, name.find('('));
}

/// One program of a network, from its input to its updates.
class NetworkLowering {
 public:
  NetworkLowering(const Sequential& network, const LoweringOptions& options)
      : network_(network), options_(options) {}

  Program run() {
    if (options_.scaled && input_gradient())
      throw ArgumentError("lower: the gradient of the input is that of rows as they are: not with scaled");
    Lowering& l = lowering_;
    l.batch = options_.batch;
    l.dtype = network_.dtype();
    l.training = options_.part == Part::step || options_.part == Part::backward;
    l.input_only = options_.part == Part::gradient;
    l.update_spec = options_.update;
    l.accumulate = options_.accumulate;
    l.keep_gradients =
        options_.keep_gradients || options_.part == Part::backward || options_.part == Part::apply;
    l.update = options_.part == Part::step && options_.clip_norm == 0;
    if (options_.part != Part::apply) {
      find_ends();
      l.program.row_counts = row_counts();
      const BufferId y = forward(l);
      if (options_.part == Part::gradient) {
        backward(l.program.add_buffer({.name = "y.gradient",
                                       .role = Role::input,
                                       .shape = l.program[y].shape,
                                       .dtype = l.dtype,
                                       .batch = true}));
      } else if (options_.part != Part::forward) {
        const BufferId gradient = loss(y);
        if (l.training) backward(gradient);
      }
    } else {
      name_trained();
    }
    if (options_.part == Part::apply || (options_.part == Part::step && !l.update)) clip_and_update();
    // Last of all: between updates they would keep gradient and update from being one kernel.
    if (options_.max_norm > 0 && (options_.part == Part::apply || options_.part == Part::step))
      for (const BufferId parameter : l.trained) l.add_max_norm(parameter, options_.max_norm);
    return std::move(l.program);
  }

 private:
  void enter(Lowering& lowering, size_t i) const {
    lowering.enter(network_.number(i), network_.prefix(i), network_.prefix(i) + " " + kind(network_[i]));
  }
  Shape input_of(size_t i) const {
    Shape shape = network_.input_shape();
    for (size_t j = 0; j < i; j++) shape = network_[j].output_shape(shape);
    return shape;
  }
  bool input_gradient() const { return options_.input_gradient || options_.part == Part::gradient; }
  bool has_parameters(size_t i) const { return !network_[i].parameters(input_of(i)).empty(); }
  bool trained(size_t i) const { return !network_[i].frozen && has_parameters(i); }

  std::vector<int64_t> row_counts() const {
    std::vector<int64_t> counts = options_.row_counts;
    if (counts.empty()) counts.push_back(options_.batch);
    std::sort(counts.begin(), counts.end());
    counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
    return counts;
  }

  /// Some layers (Flatten, Dropout in prediction) add no operation: a trial run finds the last one that makes
  /// the output, and the lowest one that makes the gradient of the input.
  void find_ends() {
    Lowering trial = lowering_;
    std::vector<bool> computes;
    forward(trial, &computes);
    const auto first = std::find(computes.begin(), computes.end(), true);
    if (first == computes.end())
      throw ArgumentError("lower: no layer of the network computes anything: add Dense(...)");
    const auto last = std::find(computes.rbegin(), computes.rend(), true);
    if (!lowering_.training) lowering_.last = network_.prefix(size_t(computes.rend() - last) - 1);
    if (input_gradient()) lowering_.first = network_.prefix(size_t(first - computes.begin()));
  }

  BufferId forward(Lowering& lowering, std::vector<bool>* computes = nullptr) const {
    BufferId x = lowering.program.add_buffer({.name = "x",
                                              .role = Role::input,
                                              .shape = network_.program_shape().batched(options_.batch),
                                              .dtype = lowering.dtype,
                                              .batch = true});
    const size_t first = network_.first_in_program(options_.scaled);
    for (size_t i = 0; i < network_.size(); i++) {
      enter(lowering, i);
      const BufferId y = i < first ? x : network_[i].forward(lowering, x);
      if (computes) computes->push_back(y != x);
      x = y;
    }
    return x;
  }

  /// The gradient of what the network makes; no_buffer where nobody asks.
  BufferId loss(BufferId y) {
    Lowering& l = lowering_;
    const int64_t columns = l.row(y).elements();
    LossSpec spec = make_spec(options_.loss, options_.batch, columns, options_.labels, l.dtype);
    spec.gradient = l.training;
    spec.sample_weights = options_.sample_weights;
    const bool numbers = spec.kind == LossKind::softmax_cross_entropy;
    const BufferId target = l.program.add_buffer({.name = "target",
                                                  .role = Role::input,
                                                  .shape = {options_.batch, numbers ? 1 : columns},
                                                  .dtype = numbers ? DType::i32 : l.dtype,
                                                  .batch = true});
    const BufferId weights = options_.sample_weights ? l.program.add_buffer({.name = "sample_weights",
                                                                             .role = Role::input,
                                                                             .shape = {options_.batch, 1},
                                                                             .dtype = l.dtype,
                                                                             .batch = true})
                                                     : no_buffer;
    const BufferId scale = options_.loss_scale ? l.scalar("loss_scale", l.dtype) : no_buffer;
    l.enter(0, "loss", "loss");
    const BufferId gradient = l.training ? l.temporary("gradient", l.row(y)) : no_buffer;
    l.add("", spec, {y, target, no_buffer, weights, scale, gradient, l.scalar("loss", l.dtype)});
    return gradient;
  }

  /// Down to the lowest layer that is trained, or to the input where its gradient is asked for.
  void backward(BufferId gradient) {
    size_t lowest = 0;
    while (lowest < network_.size() && !trained(lowest)) lowest++;
    if (lowest == network_.size() && !(input_gradient() && options_.part != Part::step))
      throw ArgumentError("lower: no layer is trained: unfreeze one, or add Dense(...)");
    if (input_gradient()) lowest = 0;
    for (size_t i = network_.size(); i-- > lowest;) {
      if (has_parameters(i)) lowering_.flush();
      enter(lowering_, i);
      gradient = network_[i].backward(lowering_, gradient, i > lowest || input_gradient());
    }
    lowering_.flush();
  }

  /// Apply: the parameters whose gradients a backward program leaves, in its order.
  void name_trained() {
    for (size_t i = network_.size(); i-- > 0;) {
      if (!trained(i)) continue;
      enter(lowering_, i);
      for (const auto& [name, shape] : network_[i].parameters(input_of(i)))
        lowering_.trained.push_back(lowering_.parameter(name, shape));
    }
    if (lowering_.trained.empty())
      throw ArgumentError("lower: no layer is trained: unfreeze one, or add Dense(...)");
  }

  void clip_and_update() {
    Lowering& l = lowering_;
    if (options_.clip_norm > 0) {
      l.enter(0, "clip", "clip");
      const BufferId squares =
          l.program.add_buffer({.name = "gradient_norm2", .shape = {}, .dtype = DType::f64});
      for (const BufferId parameter : l.trained) {
        const Shape matrix = matrix_shape(l.program[parameter].shape);
        l.add("norm " + l.program[parameter].name,
              ReduceSpec{.kind = Reduction::sum_squares,
                         .m = matrix.rows(),
                         .n = matrix.columns(),
                         .accumulate = parameter != l.trained.front(),
                         .batch = Batch::none,
                         .dtype = l.dtype},
              {l.gradient(parameter), squares});
      }
      l.clip_factor = l.program.add_buffer({.name = "clip_factor", .shape = {}, .dtype = l.dtype});
      l.add("factor", ClipSpec{.limit = options_.clip_norm, .dtype = l.dtype}, {squares, l.clip_factor});
    }
    for (const BufferId parameter : l.trained) l.add_update(parameter);
  }

  const Sequential& network_;
  const LoweringOptions& options_;
  Lowering lowering_;
};

}  // namespace

Program Sequential::lower(const LoweringOptions& options) const {
  if (!built()) throw ArgumentError("lower: the network is not built: call build with a row's shape");
  if (options.dtype != dtype())
    throw ShapeError("lower: a program in " + std::string(to_string(options.dtype)) +
                     " of a network built in " + std::string(to_string(dtype())));
  if (options.batch < 1)
    throw ArgumentError("lower: batches of " + std::to_string(options.batch) + " rows: choose 1 or more");
  for (const int64_t rows : options.row_counts)
    if (rows < 0 || rows > options.batch)
      throw ArgumentError("lower: " + std::to_string(rows) + " rows in batches of at most " +
                          std::to_string(options.batch));
  if (!(options.max_norm >= 0)) throw ArgumentError("lower: max_norm must be 0 (off) or more, and no NaN");
  if (!(options.clip_norm >= 0)) throw ArgumentError("lower: clip_norm must be 0 (off) or more, and no NaN");
  return NetworkLowering(*this, options).run();
}

}  // namespace plexus
