// Sequential: layers one after another, and the programs that they make.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plexus/core/store.h"
#include "plexus/layers/layer.h"
#include "plexus/layers/loss.h"
#include "plexus/export.h"

namespace plexus {

/// What a program does. forward: x -> y. loss: forward, and the loss of y. step: a whole training step.
/// backward: a step without updates, gradients are state. apply: the updates from those gradients. gradient: forward, and back from
/// the input "y.gradient" to the output "x.gradient", without dropout.
enum class Part { forward, loss, step, backward, apply, gradient };

struct LoweringOptions {
  Part part = Part::forward;
  int64_t batch = 1;                     ///< rows at most
  std::vector<int64_t> row_counts = {};  ///< rows that runs will have; empty: {batch}
  DType dtype = DType::f32;
  Loss loss = {};
  bool labels = true;                    ///< targets are class numbers
  UpdateSpec update = {};                ///< kind and hyperparameters; penalties reach weights, not biases
  double clip_norm = 0;                  ///< > 0: gradients scaled to this global norm at most
  double max_norm = 0;                   ///< > 0: each output's weights are held to this norm, behind the updates
  bool sample_weights = false;           ///< input "sample_weights" [batch, 1]: the loss of a row counts so many times
  bool accumulate = false;               ///< backward: add to the gradients
  bool loss_scale = false;               ///< the loss is multiplied by the scalar "loss_scale" instead of 1/rows
  bool input_gradient = false;           ///< output "x.gradient"
  bool scaled = false;                   ///< "x" holds rows behind the network's ColumnScaling: these layers are left out
  bool keep_gradients = false;           ///< step: gradients are state, for who reads them after the run
};

/// What the values that go into a network and come out of it are called. Trainer::fit fills it; it travels in the model file.
struct Schema {
  std::vector<std::string> columns;  ///< of a row; empty: unknown
  std::vector<std::string> classes;  ///< of the outputs; empty: no classes (regression)
  std::vector<std::string> targets;  ///< of the label columns; empty: unknown
};

/// Layers, one after another; owns their parameters (`store`). Movable; `clone` copies.
/// Names in the store follow torch.nn.Sequential: "0.weight", counting every layer but preprocessing, whose are "input.*"
/// ("impute.*" of Impute).
class PLEXUS_EXPORT Sequential {
 public:
  Sequential();
  template <class... L>
    requires(sizeof...(L) > 0 && (std::is_base_of_v<Layer, L> && ...))
  explicit Sequential(L... layers) : Sequential() {
    (add(std::make_unique<L>(std::move(layers))), ...);
  }
  Sequential(Sequential&&) noexcept;
  Sequential& operator=(Sequential&&) noexcept;
  ~Sequential();
  /// Another network with the same layers and parameter values.
  Sequential clone() const;

  /// Throws ArgumentError where the layer belongs to an earlier stage than the last one, a second of its kind is one too
  /// many, or the network is built already.
  void add(std::unique_ptr<Layer> layer);
  size_t size() const;
  Layer& operator[](size_t i);
  const Layer& operator[](size_t i) const;
  /// "encode", "impute", "input" (then "input2", ...) by stage, else the number among the layers of the last stage: "0".
  std::string prefix(size_t i) const;
  /// Its number among the layers of its stage.
  size_t number(size_t i) const;

  /// Fixes the shape of a row, checks all layers, declares parameters and sets them to their first values.
  /// The same shape again changes nothing. Throws ShapeError (naming the layer), or where built with another shape.
  void build(const Shape& input, uint64_t seed = 0, DType dtype = DType::f32);
  bool built() const;
  const Shape& input_shape() const;
  const Shape& output_shape() const;
  /// Of a row as programs take it, behind the layers that encode and impute; without them input_shape().
  const Shape& program_shape() const;
  /// The first layer that a program contains; `scaled`: as LoweringOptions has it.
  size_t first_in_program(bool scaled = false) const;
  DType dtype() const;
  /// Trained values: sum over parameters.
  int64_t parameter_count() const;

  /// Fits the preprocessing layers, one after the other, each on what those before it make of the rows.
  void fit_preprocessing(const Rows& rows);
  bool has_preprocessing() const;
  /// Throws ArgumentError, naming the layer, where a preprocessing layer has learnt nothing yet: results would be NaN.
  void require_fitted() const;

  Schema& schema();
  const Schema& schema() const;

  /// Parameters and all other state. The plans of this network live over it.
  Store& store();
  const Store& store() const;

  /// The program. Inputs: "x" [batch, ...], "target" ([batch, 1] i32, or [batch, ...]), "y.gradient". Outputs: "y" (forward, loss,
  /// gradient), "x.gradient". Scalars: "loss", "learning_rate" (dtype), "step" (i64, counts updates from 1), "pass" (i64, counts
  /// forward passes in training: dropout), "seed" (i64), "loss_scale". Throws ArgumentError where not built, where no layer
  /// computes anything or none is trained; ShapeError where the loss does not fit, or the type is not the network's.
  Program lower(const LoweringOptions& options) const;

  /// A table for people: layer, output shape, parameters.
  std::string summary() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plexus
