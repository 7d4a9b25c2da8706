// What a backend runs as one kernel, against its own kernels one by one: the same bits, or what it declares.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

#include "plexus/backends/conformance/modes.h"
#include "plexus/backends/conformance/shapes.h"
#include "plexus/core/plan.h"
#include "plexus/core/random.h"

namespace plexus::conformance {
namespace {

/// What a backend that does not keep the bits may differ by, relative to the largest value of a buffer: as
/// PLEXUS_CHECK=reference.
constexpr double loose = 1e-4;

/// The same backend, offered one operation at a time.
class OneByOne final : public Backend {
 public:
  explicit OneByOne(const Backend& backend) : backend_(backend) {}
  std::string name() const override { return backend_.name(); }
  Claim claim(const Run& rest) const override {
    return rest.size() == 0 ? Claim{} : backend_.claim(rest.prefix(1));
  }
  std::span<const Layout* const> layouts(const Program& program, BufferId id) const override {
    return backend_.layouts(program, id);
  }
  Deviations deviations() const override { return backend_.deviations(); }

 private:
  const Backend& backend_;
};

/// A backend of a context that lives, in another one.
class Borrowed final : public Backend {
 public:
  explicit Borrowed(const Backend& backend) : backend_(backend) {}
  std::string name() const override { return backend_.name(); }
  Claim claim(const Run& rest) const override { return backend_.claim(rest); }
  std::span<const Layout* const> layouts(const Program& program, BufferId id) const override {
    return backend_.layouts(program, id);
  }
  Deviations deviations() const override { return backend_.deviations(); }

 private:
  const Backend& backend_;
};

/// A piece of a training step, as layers write it. Results that the kernels may keep to themselves are temporary, in every third
/// case outputs; in every fourth the second operation reads something else than what the first wrote, or the gradient is not that of a
/// layer. Every other time the weights are also multiplied with, so that they lie as the backend likes them.
class Piece {
 public:
  explicit Piece(uint64_t number) : random_(number, Purpose::user, 77) {
    // Now and then a long batch: as much as a kernel holds at once, and more; then wide layers, too.
    constexpr int64_t long_batches[] = {513, 1000, 1024, 1025};
    const bool is_long = below(16) == 0;
    batch_ = is_long ? long_batches[below(4)] : size(33);
    in_ = is_long && below(2) ? 257 : size(is_long ? 257 : 65);
    out_ = size(is_long ? 257 : 65);
    apart_ = number % 4 == 3;
    seen_ = !apart_ && below(3) == 0;
    rows = below(2) ? batch_ : below(batch_ + 1);
    switch (below(3)) {
      case 0: forward(); break;
      case 1: backward(); break;
      default: step();
    }
  }

  Program program;
  int64_t rows = 0;

 private:
  int64_t below(int64_t bound) { return int64_t(random_.below(uint64_t(bound), position_++)); }
  int64_t size(int64_t limit) { return std::max<int64_t>(odd_size(random_, position_++, limit), 1); }
  BufferId buffer(const std::string& name, Role role, Shape shape, bool batch = false, BufferId like = no_buffer) {
    return program.add_buffer({.name = name, .role = role, .shape = std::move(shape), .batch = batch, .like = like});
  }
  Role between() const { return seen_ ? Role::output : Role::temporary; }

  /// Of those whose gradient is computed from the result where that is what there is; relu more often, since it is what most
  /// backends fuse first.
  Activation activation(bool gradient) {
    if (below(2) == 0) return Activation::relu;
    while (true) {
      const auto kind = Activation(below(activation_count));
      if (!gradient || gradient_from_result(kind)) return kind;
    }
  }

  void multiply(BufferId weights) {
    const BufferId x = buffer("x'", Role::input, {batch_, in_}, true), y = buffer("y'", Role::output, {batch_, out_}, true);
    program.add("product'", MatmulSpec{.m = batch_, .n = out_, .k = in_}, {x, weights, no_buffer, y});
  }

  /// Values that nobody needs any more, where the gradient may lie next: it has to clear its padding.
  void leave_something_behind() {
    const int64_t columns = in_ * (out_ + 64) / batch_ + 1;  // as much as a packed gradient takes
    const Shape shape{batch_, columns};
    const BufferId from = buffer("from", Role::input, shape, true), between = buffer("between", Role::temporary, shape, true);
    const BufferId to = buffer("to", Role::output, shape, true);
    const ActivationSpec spec{.kind = Activation::sigmoid, .m = batch_, .n = columns};
    program.add("between", spec, {from, between});
    program.add("to", spec, {between, to});
  }

  void forward() {
    const BufferId x = buffer("x", Role::input, {batch_, in_}, true), w = buffer("w", Role::parameter, {in_, out_});
    const bool bias = below(4) > 0;
    const BufferId b = bias ? buffer("b", Role::parameter, {out_}) : no_buffer;
    const BufferId z = buffer("z", between(), {batch_, out_}, true);
    const BufferId y = buffer("y", Role::output, {batch_, out_}, true);
    const BufferId other = apart_ ? buffer("other", Role::input, {batch_, out_}, true) : z;
    program.add("product", MatmulSpec{.m = batch_, .n = out_, .k = in_, .bias = bias}, {x, w, b, z});
    ActivationSpec spec{.kind = activation(false), .m = batch_, .n = out_};
    if (has_alpha(spec.kind)) spec.alpha = 0.25;
    program.add("activation", spec, {other, y});
  }

  void backward() {
    const BufferId dy = buffer("dy", Role::input, {batch_, out_}, true), w = buffer("w", Role::parameter, {in_, out_});
    const BufferId saved = buffer("saved", Role::input, {batch_, in_}, true);
    const BufferId dh = buffer("dh", between(), {batch_, in_}, true);
    const BufferId dx = buffer("dx", Role::output, {batch_, in_}, true);
    const BufferId other = apart_ ? buffer("other", Role::input, {batch_, in_}, true) : dh;
    if (below(2)) multiply(w);
    program.add("product", MatmulSpec{.form = Form::nt, .m = batch_, .n = in_, .k = out_}, {dy, w, no_buffer, dh});
    ActivationGradientSpec spec{.kind = activation(true), .m = batch_, .n = in_};
    if (has_alpha(spec.kind)) spec.alpha = 0.25;
    program.add("gradient", spec, {other, saved, dx});
  }

  void step() {
    const BufferId x = buffer("x", Role::input, {batch_, in_}, true), dz = buffer("dz", Role::input, {batch_, out_}, true);
    const BufferId w = buffer("w", Role::parameter, {in_, out_});
    const BufferId dw = program.add_buffer({.name = "dw", .role = between(), .shape = {in_, out_}, .like = seen_ ? no_buffer : w});
    const bool bias = below(3) > 0;
    if (below(2)) {
      multiply(w);
      leave_something_behind();
    }
    if (apart_) {  // a gradient, but not that of a dense layer
      const BufferId left = buffer("left", Role::input, {in_, 9}), right = buffer("right", Role::input, {9, out_});
      program.add("dw", MatmulSpec{.m = in_, .n = out_, .k = 9, .batch = Batch::none}, {left, right, no_buffer, dw});
    } else {
      program.add("dw", MatmulSpec{.form = Form::tn, .m = in_, .n = out_, .k = batch_, .batch = Batch::k}, {x, dz, no_buffer, dw});
    }
    BufferId b = no_buffer, db = no_buffer;
    if (bias) {
      b = buffer("b", Role::parameter, {out_});
      db = buffer("db", between(), {out_});
      program.add("db", ReduceSpec{.kind = Reduction::column_sum, .m = batch_, .n = out_}, {dz, db});
    }
    UpdateSpec rule{.kind = UpdateKind(below(update_count))};
    if (rule.has_moments()) rule.beta1 = 0.9;
    if (rule.has_moments() || rule.kind == UpdateKind::rmsprop || rule.kind == UpdateKind::adadelta) rule.beta2 = 0.999;
    if (rule.kind != UpdateKind::sgd) rule.epsilon = 1e-3;
    if ((rule.kind == UpdateKind::sgd || rule.kind == UpdateKind::rmsprop) && below(2)) rule.momentum = 0.5;
    rule.nesterov = rule.kind == UpdateKind::sgd && rule.momentum > 0 && below(2);
    if (below(2)) rule.weight_decay = 0.01;
    if (below(4) == 0) rule.l1 = 0.01;
    if (below(4) == 0) rule.clip_value = 0.5;
    update(rule, w, dw, in_, "w");
    if (bias) update(rule, b, db, 1, "b");
  }

  void update(UpdateSpec rule, BufferId parameter, BufferId gradient, int64_t m, const std::string& name) {
    rule.m = m, rule.n = out_;
    const Shape shape = program[parameter].shape;
    const auto state = [&](const char* which, bool has) {
      return has ? buffer(name + which, Role::state, shape, false, parameter) : no_buffer;
    };
    const BufferId rate = program.add_buffer({.name = "learning_rate", .role = Role::scalar, .shape = {1}});
    const BufferId step = rule.has_moments()
                              ? program.add_buffer({.name = "step", .role = Role::scalar, .shape = {1}, .dtype = DType::i64})
                              : no_buffer;
    program.add("update " + name, rule,
                {parameter, gradient, state(".first", rule.has_first()), state(".second", rule.has_second()), rate, step,
                 no_buffer});
  }

  RandomStream random_;
  uint64_t position_ = 0;
  int64_t batch_ = 0, in_ = 0, out_ = 0;
  bool seen_ = false, apart_ = false;
};

void fill(Tensor& tensor, uint64_t number, uint32_t which) {
  const RandomStream random(number, Purpose::user, which);
  for (size_t i = 0; i < tensor.values<float>().size(); i++) tensor.values<float>()[i] = float(random.normal(i));
}

/// What is left behind: outputs, parameters and states, plain, by name.
using Results = std::vector<std::pair<std::string, Tensor>>;

struct Ran {
  Results results;
  std::vector<Plan::Row> rows;
  std::string spoilt;  ///< a parameter that lies packed and has something in its padding: layouts promise zeros
};

/// The first one of these, or "".
std::string spoilt(const Store& store) {
  for (const auto& [name, entry] : store.entries()) {
    if (!entry.layout || entry.role != Role::parameter) continue;
    Tensor clean(DType::f32, entry.data.shape());
    entry.layout->pack(store.get(name).bytes(), clean.bytes(), matrix_shape(entry.shape), DType::f32);
    const std::span<const float> wanted = clean.values<float>(), is = entry.data.values<float>();
    for (int64_t i = 0; i < flat_elements(entry.layout, entry.shape); i++)
      if (is[size_t(i)] != wanted[size_t(i)] && !std::isnan(wanted[size_t(i)]))
        return name + " in layout " + entry.layout->name() + ": padding " + std::to_string(i) + " is " +
               std::to_string(is[size_t(i)]) + ", not 0";
  }
  return "";
}

Ran run(const Context& context, const Piece& piece, uint64_t number) {
  Store store;
  for (const Buffer& buffer : piece.program.buffers())
    if (buffer.persistent()) store.declare(buffer);
  Plan plan = Plan::build(context, store, piece.program);
  Ran ran;
  uint32_t which = 100;
  for (const Buffer& buffer : piece.program.buffers()) {
    which++;
    if (buffer.name == "step") {
      store.scalar<int64_t>("step") = 3;
    } else if (buffer.name == "learning_rate") {
      store.scalar<float>("learning_rate") = 0.125f;
    } else if (buffer.persistent() || buffer.role == Role::input) {
      Tensor values(DType::f32, buffer.shape);
      fill(values, number, which);
      if (buffer.name.ends_with(".second"))
        for (float& value : values.values<float>()) value = std::fabs(value);
      if (buffer.persistent())
        store.set(buffer.name, values);
      else
        std::memcpy(plan.data(buffer.name), values.bytes(), values.values<float>().size_bytes());
    } else if (buffer.role == Role::output) {
      std::memset(plan.data(buffer.name), 0xff, size_t(buffer.shape.elements()) * sizeof(float));
    }
  }
  plan.run(piece.rows);
  for (const Buffer& buffer : piece.program.buffers()) {
    if (buffer.role == Role::output) {
      Tensor values(DType::f32, buffer.shape);
      std::memcpy(values.bytes(), plan.data(buffer.name), values.values<float>().size_bytes());
      ran.results.emplace_back(buffer.name, std::move(values));
    } else if (buffer.role == Role::parameter || buffer.role == Role::state) {
      ran.results.emplace_back(buffer.name, store.get(buffer.name));
    }
  }
  ran.rows = plan.rows();
  ran.spoilt = spoilt(store);
  return ran;
}

}  // namespace

std::string describe_fused(uint64_t number) {
  const Piece piece(number);
  return "fused " + std::to_string(number) + ": " +
         to_string(Run(piece.program, 0, piece.program.operations().size())) + " rows " + std::to_string(piece.rows);
}

Spec fused_spec(uint64_t number) {
  const Piece piece(number);
  const std::vector<Operation>& operations = piece.program.operations();
  return std::find_if(operations.begin(), operations.end(), [](const Operation& operation) {
           return std::holds_alternative<MatmulSpec>(operation.spec);
         })->spec;
}

Result check_fused(const Context& context, uint64_t number) {
  const Piece piece(number);
  const Backend& backend = context.chosen();
  const auto executor = std::shared_ptr<const Executor>(std::shared_ptr<void>(), &context.executor());
  const auto with = [&](std::unique_ptr<const Backend> first) {
    std::vector<std::unique_ptr<const Backend>> list;
    list.push_back(std::move(first));
    list.push_back(std::make_unique<Borrowed>(context.reference()));
    return Context(executor, std::move(list), {.fallback = Fallback::allow}, {});
  };
  const Ran whole = run(with(std::make_unique<Borrowed>(backend)), piece, number);
  const auto fail = [&](const std::string& what) -> Result {
    return {Status::fail, describe_fused(number) + ": " + backend.name() + what, 0};
  };
  if (!whole.spoilt.empty()) return fail(": " + whole.spoilt);
  const auto fused = std::find_if(whole.rows.begin(), whole.rows.end(),
                                  [](const Plan::Row& row) { return row.last - row.first > 1; });
  if (fused == whole.rows.end())
    return {Status::not_supported, describe_fused(number) + ": " + backend.name() + " fuses nothing of it", 0};
  const Ran parts = run(with(std::make_unique<OneByOne>(backend)), piece, number);
  if (!parts.spoilt.empty()) return fail(", its kernels one by one: " + parts.spoilt);
  // The reference's kernels have other bits; so has whoever declares it.
  const bool own = std::all_of(parts.rows.begin(), parts.rows.end(), [&](const Plan::Row& row) {
    return row.backend == backend.name() || row.refreshed != no_buffer;
  });
  const bool exact = own && !backend.deviations().has(Semantics::fused_bits);

  Result result;
  for (size_t n = 0; n < whole.results.size(); n++) {
    const auto &got = whole.results[n].second.values<float>(), &expected = parts.results[n].second.values<float>();
    double largest = 0;
    for (const float value : expected)
      if (std::isfinite(value)) largest = std::max(largest, std::fabs(double(value)));
    for (size_t i = 0; i < got.size(); i++) {
      if (std::memcmp(&got[i], &expected[i], sizeof(float)) == 0 || got[i] == expected[i] ||
          (std::isnan(got[i]) && std::isnan(expected[i])))
        continue;
      const double error = std::fabs(double(got[i]) - double(expected[i]));
      if (!exact && error <= loose * std::max(largest, 1e-30)) {
        result.error = std::max(result.error, error / (loose * largest));
        continue;
      }
      return fail(" (" + fused->description + "): " + whole.results[n].first + "[" + std::to_string(i) + "] is " +
                  std::to_string(got[i]) + ", its kernels one by one give " + std::to_string(expected[i]));
    }
  }
  return result;
}

}  // namespace plexus::conformance
