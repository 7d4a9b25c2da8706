// Layer: writes its operations into a program. Knows no backend.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plexus/core/program.h"
#include "plexus/core/store.h"
#include "plexus/export.h"
#include "plexus/layers/rows.h"

namespace plexus {

/// A program being written, layer by layer. Keeps the canonical order: dx, the backward of what lies below, dW, column
/// sum, update.
class PLEXUS_EXPORT Lowering {
 public:
  Program program;
  int64_t batch = 0;             ///< the maximum of rows
  bool training = false;         ///< dropout is in the program
  bool input_only = false;       ///< backward: nobody wants the gradients of parameters
  DType dtype = DType::f32;
  bool accumulate = false;       ///< gradients are state, and added to
  bool keep_gradients = false;   ///< gradients are state: somebody reads them after the run
  bool update = false;           ///< each gradient is followed by its update
  UpdateSpec update_spec;        ///< kind and hyperparameters
  BufferId clip_factor = no_buffer;
  std::string first, last;       ///< prefixes of the layers whose input_gradient() and result() are the program's outputs

  /// The layer that is being lowered: `prefix` is its name in the store ("0", "input"), `label` its name for people.
  void enter(size_t layer, std::string prefix, std::string label);
  const std::string& prefix() const { return prefix_; }
  size_t layer() const { return layer_; }

  /// A buffer of [batch, row...], named "<prefix>.<name>".
  BufferId temporary(const std::string& name, const Shape& row);
  /// What the layer makes: the output "y" where it is the last, else the temporary "<prefix>.y".
  BufferId result(const Shape& row);
  /// The gradient of what it was given: the output "x.gradient" where it is the first, else the temporary "<prefix>.dx".
  BufferId input_gradient(const Shape& row);
  /// The shape of one row of a batch buffer.
  Shape row(BufferId buffer) const { return program[buffer].shape.row(); }
  /// A parameter "<prefix>.<name>".
  BufferId parameter(const std::string& name, const Shape& shape);
  BufferId state(const std::string& name, const Shape& shape);
  BufferId scalar(const std::string& name, DType dtype);
  /// The gradient's buffer of a parameter.
  BufferId gradient(BufferId parameter);
  /// Adds an operation labelled "<label> <what>".
  void add(const std::string& what, const Spec& spec, std::initializer_list<BufferId> buffers);
  /// What forward remembers for backward, for each layer by name.
  BufferId& saved(const std::string& name) { return saved_[prefix_ + "." + name]; }

  /// Work on parameters alone: waits until the gradient has passed the layers below that have no parameters (flush).
  void later(std::function<void()> work);
  void flush();
  /// The parameter's gradient is complete: adds its update where `update`, and remembers the parameter in `trained`.
  void finish(BufferId parameter);
  void add_update(BufferId parameter);
  void add_max_norm(BufferId parameter, double limit);  ///< of a matrix of weights; nothing for a bias
  std::vector<BufferId> trained;  ///< parameters whose gradients the program computes

 private:
  size_t layer_ = 0;
  std::string prefix_, label_;
  std::map<std::string, BufferId> saved_;
  std::map<BufferId, std::string> owners_;  // label of the layer whose parameter it is
  std::function<void()> later_;
};

/// Where a layer stands: layers of a stage come behind those of the stages before it. All but `network` prepare data: they are
/// fitted to the training data before the first step and then stay. encode and impute run where rows are read, and programs
/// begin behind them; at most one layer each.
enum class Stage { encode, impute, scale, network };

/// One layer of a network. Immutable but for `frozen` and what `fit` learns; holds no parameters: they are in the store.
class PLEXUS_EXPORT Layer {
 public:
  virtual ~Layer();
  /// "Dense(128)"
  virtual std::string name() const = 0;
  virtual std::unique_ptr<Layer> clone() const = 0;
  /// Shape of one row out, given one row in. Throws ShapeError, starting with the layer's name.
  virtual Shape output_shape(const Shape& input) const = 0;
  virtual BufferId forward(Lowering& lowering, BufferId x) const = 0;
  /// From the gradient of the output to that of the input; no_buffer where `need_dx` is false.
  virtual BufferId backward(Lowering& lowering, BufferId dy, bool need_dx) const = 0;

  /// Shapes of the parameters by name ("weight"), given one row in.
  virtual std::vector<std::pair<std::string, Shape>> parameters(const Shape&) const { return {}; }
  /// The same of what the layer keeps beside its parameters and nobody trains.
  virtual std::vector<std::pair<std::string, Shape>> states(const Shape&) const { return {}; }
  /// Sets all of these, "<prefix>.<name>" in the store, to their first values: a function of seed and layer.
  virtual void initialize(Store&, const std::string& /*prefix*/, const Shape& /*input*/, uint64_t /*seed*/,
                          uint32_t /*layer*/) const {}
  virtual Stage stage() const { return Stage::network; }
  bool preprocessing() const { return stage() != Stage::network; }
  /// Its operations are in programs; else the layer works on rows as they are read.
  bool in_programs() const { return stage() >= Stage::scale; }
  /// Preprocessing: learns from the training rows and writes what it learnt into the store.
  virtual void fit(Store&, const std::string& /*prefix*/, const Rows&) const {}
  /// Preprocessing: it has been, or what it learnt was read from a file.
  virtual bool fitted(const Store&, const std::string& /*prefix*/) const { return true; }
  /// Preprocessing: what the layer does to one row, in place, in double; fits the layers behind it. `row` is as long as the
  /// longer of its input and its output.
  virtual void transform(const Store&, const std::string& /*prefix*/, std::span<double> /*row*/) const {}

  bool frozen = false;  ///< its parameters are not trained
};

}  // namespace plexus
