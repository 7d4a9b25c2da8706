#include "plexus/layers/dense.h"

#include "plexus/core/error.h"

namespace plexus {

Dense::Dense(int64_t units, DenseOptions options) : units_(units), options_(std::move(options)) {
  if (units < 1) throw ArgumentError(name() + ": needs 1 unit or more");
}

std::string Dense::name() const {
  return "Dense(" + std::to_string(units_) + (options_.bias ? ")" : ", no bias)");
}

std::unique_ptr<Layer> Dense::clone() const { return std::make_unique<Dense>(*this); }

Shape Dense::output_shape(const Shape& input) const {
  if (input.rank() != 1)
    throw ShapeError(name() + ": expects rows of rank 1, got " + to_string(input) +
                     ": put Flatten() before it");
  return {units_};
}

std::vector<std::pair<std::string, Shape>> Dense::parameters(const Shape& input) const {
  std::vector<std::pair<std::string, Shape>> shapes{{"weight", {input.elements(), units_}}};
  if (options_.bias) shapes.emplace_back("bias", Shape{units_});
  return shapes;
}

void Dense::initialize(Store& store, const std::string& prefix, const Shape& input, uint64_t seed,
                       uint32_t layer) const {
  const auto set = [&](const std::string& name, const Initializer& initializer, uint32_t which) {
    Tensor values = store.get(prefix + "." + name);
    fill(values, initializer, input.elements(), units_, seed, layer, which);
    store.set(prefix + "." + name, values);
  };
  set("weight", options_.initializer, 0);
  if (options_.bias) set("bias", options_.bias_initializer, 1);
}

BufferId Dense::forward(Lowering& lowering, BufferId x) const {
  const int64_t in = lowering.row(x).elements();
  const BufferId weight = lowering.parameter("weight", {in, units_});
  const BufferId bias = options_.bias ? lowering.parameter("bias", {units_}) : no_buffer;
  const BufferId y = lowering.result({units_});
  const DType type = lowering.dtype;
  lowering.add("",
               MatmulSpec{.form = Form::nn,
                          .m = lowering.batch,
                          .n = units_,
                          .k = in,
                          .bias = options_.bias,
                          .a = type,
                          .b = type,
                          .c = type},
               {x, weight, bias, y});
  lowering.saved("x") = x;
  lowering.saved("weight") = weight;
  lowering.saved("bias") = bias;
  return y;
}

BufferId Dense::backward(Lowering& lowering, BufferId dy, bool need_dx) const {
  const BufferId x = lowering.saved("x"), weight = lowering.saved("weight"), bias = lowering.saved("bias");
  const int64_t in = lowering.row(x).elements();
  const DType type = lowering.dtype;
  BufferId dx = no_buffer;
  if (need_dx) {
    dx = lowering.input_gradient(lowering.row(x));
    lowering.add(
        "dx",
        MatmulSpec{
            .form = Form::nt, .m = lowering.batch, .n = in, .k = units_, .a = type, .b = type, .c = type},
        {dy, weight, no_buffer, dx});
  }
  if (frozen || lowering.input_only) return dx;
  lowering.later([=, &lowering, units = units_] {
    const BufferId weight_gradient = lowering.gradient(weight);
    lowering.add("dW",
                 MatmulSpec{.form = Form::tn,
                            .m = in,
                            .n = units,
                            .k = lowering.batch,
                            .batch = Batch::k,
                            .accumulate = lowering.accumulate,
                            .a = type,
                            .b = type,
                            .c = type},
                 {x, dy, no_buffer, weight_gradient});
    if (bias != no_buffer)
      lowering.add("db",
                   ReduceSpec{.kind = Reduction::column_sum,
                              .m = lowering.batch,
                              .n = units,
                              .accumulate = lowering.accumulate,
                              .dtype = type},
                   {dy, lowering.gradient(bias)});
    lowering.finish(weight);
    if (bias != no_buffer) lowering.finish(bias);
  });
  return dx;
}

}  // namespace plexus
