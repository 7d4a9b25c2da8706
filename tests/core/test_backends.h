// Backends that prove the plan: they claim more or less than the reference, keep parameters in layouts of
// their own, or refuse. All compute with the reference's kernels, so that every difference in a result is the
// plan's.
#pragma once
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/core/context.h"

namespace plexus::testing {

/// Columns in panels of 4, padded with zeros; behind them, if asked for, a transposed copy.
class PanelLayout final : public Layout {
 public:
  explicit PanelLayout(bool transposed) : transposed_(transposed) {}
  std::string name() const override { return transposed_ ? "panel4+t" : "panel4"; }
  int64_t flat(const Shape& s) const override { return s.rows() * padded(s.columns()); }
  int64_t elements(const Shape& s) const override { return flat(s) + (transposed_ ? s.elements() : 0); }
  void pack(const void* plain, void* packed, const Shape& s, DType dtype) const override {
    std::memset(packed, 0, size_t(flat(s)) * size_of(dtype));
    for_each(s, dtype,
             [&](size_t from, size_t to, size_t, size_t bytes) { copy(plain, from, packed, to, bytes); });
  }
  void unpack(const void* packed, void* plain, const Shape& s, DType dtype) const override {
    for_each(s, dtype,
             [&](size_t from, size_t to, size_t, size_t bytes) { copy(packed, to, plain, from, bytes); });
  }
  void refresh(void* packed, const Shape& s, DType dtype) const override {
    if (!transposed_) return;
    for_each(s, dtype,
             [&](size_t, size_t to, size_t t, size_t bytes) { copy(packed, to, packed, t, bytes); });
  }
  /// From the transposed copy, so that a stale one is seen.
  void unpack_derived(const void* packed, void* plain, const Shape& s, DType dtype) const {
    for_each(s, dtype,
             [&](size_t from, size_t, size_t t, size_t bytes) { copy(packed, t, plain, from, bytes); });
  }
  bool transposed() const { return transposed_; }

 private:
  static int64_t padded(int64_t columns) { return (columns + 3) / 4 * 4; }
  static void copy(const void* from, size_t i, void* to, size_t j, size_t bytes) {
    std::memcpy(static_cast<std::byte*>(to) + j * bytes, static_cast<const std::byte*>(from) + i * bytes,
                bytes);
  }
  /// visit(plain index, packed index, index in the transposed copy, bytes of an element)
  template <class Visit>
  void for_each(const Shape& s, DType dtype, const Visit& visit) const {
    for (int64_t i = 0; i < s.rows(); i++)
      for (int64_t j = 0; j < s.columns(); j++)
        visit(size_t(i * s.columns() + j), size_t(j / 4 * 4 * s.rows() + i * 4 + j % 4),
              size_t(flat(s) + j * s.rows() + i), size_of(dtype));
  }
  bool transposed_;
};

inline const PanelLayout panel(false), panel_transposed(true);

/// Runs the operations of a run one after another with the reference's kernels. What is internal to the run
/// lives in the workspace; what is packed is unpacked there and packed again.
class CompositeKernel final : public Kernel {
 public:
  CompositeKernel(const Run& run, const Backend& reference) {
    Program plain = run.program();
    for (size_t id = 0; id < plain.buffers().size(); id++)
      if (plain.buffers()[id].role == Role::parameter) plain.set_layout(BufferId(id), nullptr);
    size_t scratch = 0;
    for (size_t i = 0; i < run.size(); i++) {
      const Operation& operation = plain.operations()[run.first() + i];
      kernels_.push_back(prepare_kernel(reference, operation.spec));
      scratch = std::max(scratch, kernels_.back()->workspace());
      for (size_t slot = 0; slot < operation.buffers.size(); slot++) add_slot(run, i, slot, operation);
      ends_.push_back(slots_.size());
    }
    scratch_ = size_;
    size_ += scratch;
  }

  size_t workspace() const override { return size_; }
  std::string describe() const override { return "composite of " + std::to_string(kernels_.size()); }
  void run(void* const* buffers, const Call& call) const override {
    auto* workspace = static_cast<std::byte*>(call.workspace);
    std::array<void*, 256> addresses{};
    for (size_t i = 0; i < slots_.size(); i++) {
      if (slots_[i] < 0) continue;
      const Place& place = places_[size_t(slots_[i])];
      addresses[i] = place.local ? workspace + place.offset : buffers[place.slot];
    }
    for (const Place& place : places_)
      if (place.layout) unpack(place, buffers[place.slot], workspace + place.offset);
    for (size_t i = 0; i < kernels_.size(); i++)
      kernels_[i]->run(&addresses[i == 0 ? 0 : ends_[i - 1]], {call.rows, workspace + scratch_});
    for (const Place& place : places_)
      if (place.layout && place.written) {
        place.layout->pack(workspace + place.offset, buffers[place.slot], place.shape, place.dtype);
        if (place.parameter) place.layout->refresh(buffers[place.slot], place.shape, place.dtype);
      }
  }

 private:
  struct Place {
    size_t slot = 0, offset = 0;
    bool local = false, written = false, read_transposed = false, parameter = false;
    const Layout* layout = nullptr;
    Shape shape;
    DType dtype = DType::f32;
  };
  void add_slot(const Run& run, size_t i, size_t slot, const Operation& operation) {
    const BufferId id = operation.buffers[slot];
    if (id == no_buffer) return slots_.push_back(-1);
    const auto [found, fresh] = ids_.try_emplace(id, places_.size());
    if (fresh) {
      const Buffer& buffer = run.program()[id];
      Place place{.slot = slots_.size(),
                  .layout = buffer.layout,
                  .shape = matrix_shape(buffer.shape),
                  .dtype = buffer.dtype};
      place.parameter = buffer.role == Role::parameter;
      if (run.size() > 1 && run.internal(id)) place.layout = nullptr;
      place.local = place.layout || (run.size() > 1 && run.internal(id));
      if (place.local) {
        place.offset = size_;
        size_ += (size_t(buffer.shape.elements()) * size_of(buffer.dtype) + 63) / 64 * 64;
      }
      places_.push_back(place);
    }
    Place& place = places_[found->second];
    if (operand(operation.spec, slot).access != Access::in) place.written = true;
    const auto* matmul = std::get_if<MatmulSpec>(&operation.spec);
    if (matmul && matmul->form == Form::nt && slot == 1) place.read_transposed = true;
    slots_.push_back(int(found->second));
    (void)i;
  }
  static void unpack(const Place& place, const void* packed, void* plain) {
    const auto* layout = static_cast<const PanelLayout*>(place.layout);
    if (place.read_transposed && layout->transposed())
      layout->unpack_derived(packed, plain, place.shape, place.dtype);
    else
      layout->unpack(packed, plain, place.shape, place.dtype);
  }

  std::vector<std::unique_ptr<const Kernel>> kernels_;
  std::vector<size_t> ends_;
  std::vector<int> slots_;
  std::vector<Place> places_;
  std::map<BufferId, size_t> ids_;
  size_t size_ = 0, scratch_ = 0;
};

/// A backend made of a matcher and a list of layout wishes for matrices.
class TestBackend final : public Backend {
 public:
  using Match = size_t (*)(const Run&);
  TestBackend(std::string name, Match match, std::vector<const Layout*> wishes = {})
      : name_(std::move(name)),
        match_(match),
        wishes_(std::move(wishes)),
        reference_(make_context({.backend = "reference", .threads = 1})) {}
  std::string name() const override { return name_; }
  Claim claim(const Run& rest) const override {
    const size_t count = match_(rest);
    if (count == 0) return {};
    return {count, [this, run = rest.prefix(count)] {
              return std::make_unique<CompositeKernel>(run, reference_.reference());
            }};
  }
  std::span<const Layout* const> layouts(const Program& program, BufferId id) const override {
    if (program[id].shape.rank() == 2) return wishes_;
    return {};
  }

 private:
  std::string name_;
  Match match_;
  std::vector<const Layout*> wishes_;
  Context reference_;
};

/// dense + relu as one.
inline size_t match_dense_relu(const Run& run) {
  const auto* matmul = run.get<MatmulSpec>(0);
  const auto* activation = run.get<ActivationSpec>(1);
  if (!matmul || !activation || matmul->form != Form::nn || activation->kind != Activation::relu) return 0;
  return run.buffer(1, 0) == run.buffer(0, 3) && run.internal(run.buffer(0, 3)) ? 2 : 0;
}

inline size_t match_matmul(const Run& run) { return run.get<MatmulSpec>(0) ? 1 : 0; }
inline size_t match_anything(const Run&) { return 1; }

/// As much of a training step of dense layers and activations as is wired like one.
inline size_t match_step(const Run& run) {
  struct Layer {
    BufferId x, weight, bias, y;
  };
  std::vector<Layer> layers;
  BufferId at = no_buffer;
  size_t i = 0;
  for (const MatmulSpec* dense; (dense = run.get<MatmulSpec>(i)) && dense->form == Form::nn;) {
    if (i > 0 && run.buffer(i, 0) != at) return i;
    layers.push_back({run.buffer(i, 0), run.buffer(i, 1), run.buffer(i, 2), no_buffer});
    at = run.buffer(i++, 3);
    if (run.get<ActivationSpec>(i) && run.buffer(i, 0) == at) layers.back().y = at = run.buffer(i++, 1);
  }
  if (i == 0 || !run.get<LossSpec>(i) || run.buffer(i, 0) != at) return i;
  BufferId gradient = run.buffer(i++, 5);
  for (size_t l = layers.size(); l-- > 0;) {
    BufferId below = no_buffer;
    if (l > 0) {
      const auto* dx = run.get<MatmulSpec>(i);
      if (!dx || dx->form != Form::nt || run.buffer(i, 0) != gradient || run.buffer(i, 1) != layers[l].weight)
        return i;
      below = run.buffer(i++, 3);
      if (run.get<ActivationGradientSpec>(i)) {
        if (run.buffer(i, 0) != below || run.buffer(i, 1) != layers[l - 1].y) return i;
        below = run.buffer(i++, 2);
      }
    }
    const auto* dw = run.get<MatmulSpec>(i);
    if (!dw || dw->form != Form::tn || run.buffer(i, 0) != layers[l].x || run.buffer(i, 1) != gradient)
      return i;
    const BufferId weight_gradient = run.buffer(i++, 3);
    const auto* sum = run.get<ReduceSpec>(i);
    if (!sum || sum->kind != Reduction::column_sum || run.buffer(i, 0) != gradient) return i;
    const BufferId bias_gradient = run.buffer(i++, 1);
    for (const auto& [parameter, its_gradient] :
         {std::pair(layers[l].weight, weight_gradient), std::pair(layers[l].bias, bias_gradient)}) {
      if (!run.get<UpdateSpec>(i) || run.buffer(i, 0) != parameter || run.buffer(i, 1) != its_gradient)
        return i;
      i++;
    }
    gradient = below;
  }
  return i;
}

/// A step without its updates: those are for somebody else.
inline size_t match_step_without_updates(const Run& run) {
  if (run.get<UpdateSpec>(0)) return 0;
  size_t count = match_step(run);
  for (size_t i = 0; i < count; i++)
    if (run.get<UpdateSpec>(i)) return i;
  return count > 0 ? count : match_matmul(run);
}

/// Has no weight gradient in the layout with the transposed copy.
inline size_t refuse_transposed(const Run& run) {
  const auto* matmul = run.get<MatmulSpec>(0);
  if (!matmul || (matmul->form == Form::tn && matmul->layout == &panel_transposed))
    return matmul ? 0 : run.get<UpdateSpec>(0) ? 1 : 0;
  return 1;
}
/// Has no weight gradient in any layout.
inline size_t refuse_packed(const Run& run) {
  const auto* matmul = run.get<MatmulSpec>(0);
  return matmul && !(matmul->form == Form::tn && matmul->layout) ? 1 : 0;
}

/// A context with the backend first and the reference last. `log` collects what the library says.
inline Context context_with(std::unique_ptr<const Backend> backend,
                            Policies policies = {.fallback = Fallback::allow}, LogSink sink = nullptr,
                            int threads = 1) {
  Context reference = make_context({.backend = "reference", .threads = threads});
  /// The last of a list must be owned by it: a backend that hands everything to the reference of another
  /// context.
  class Borrowed final : public Backend {
   public:
    explicit Borrowed(Context context) : context_(std::move(context)) {}
    std::string name() const override { return "reference"; }
    Claim claim(const Run& rest) const override { return context_.reference().claim(rest); }

   private:
    Context context_;
  };
  std::vector<std::unique_ptr<const Backend>> backends;
  if (backend) backends.push_back(std::move(backend));
  backends.push_back(std::make_unique<Borrowed>(reference));
  return Context(std::make_shared<Executor>(threads), std::move(backends), policies, std::move(sink));
}

}  // namespace plexus::testing
