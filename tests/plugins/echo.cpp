// Takes every operation, computes nothing, and describes each by the structs that it was given: what crosses
// the border.
#include <cstdio>
#include <plexus/backends/abi/plexus_backend.hpp>
#include <string>

namespace {

namespace px = plexus::plugin;

struct Text {
  std::string text;
  Text& word(const char* word) { return text += word, *this; }
  Text& number(const char* name, int64_t value) {
    return text += std::string(" ") + name + "=" + std::to_string(value), *this;
  }
  Text& real(const char* name, double value) {
    char digits[64];
    std::snprintf(digits, sizeof digits, " %s=%a", name, value);
    return text += digits, *this;
  }
};

void echo(Text& t, const plexus_matmul& s) {
  t.word("matmul")
      .number("form", s.form)
      .number("batch", s.batch)
      .number("bias", s.bias)
      .number("accumulate", s.accumulate);
  t.number("m", s.m)
      .number("n", s.n)
      .number("k", s.k)
      .number("lda", s.lda)
      .number("ldb", s.ldb)
      .number("ldc", s.ldc);
  t.number("a", s.a_type).number("b", s.b_type).number("c", s.c_type);
}
template <class S>
void echo_activation(Text& t, const S& s) {
  t.number("kind", s.kind)
      .number("batch", s.batch)
      .number("dtype", s.dtype)
      .number("m", s.m)
      .number("n", s.n);
  t.real("alpha", s.alpha);
}
void echo(Text& t, const plexus_activation& s) { echo_activation(t.word("activation"), s); }
void echo(Text& t, const plexus_activation_gradient& s) { echo_activation(t.word("gradient"), s); }
void echo(Text& t, const plexus_loss& s) {
  t.word("loss")
      .number("kind", s.kind)
      .number("batch", s.batch)
      .number("dtype", s.dtype)
      .number("gradient", s.gradient);
  t.number("m", s.m).number("n", s.n).real("delta", s.delta);
  t.number("class_weights", s.class_weights).number("sample_weights", s.sample_weights);
}
void echo(Text& t, const plexus_dropout& s) {
  t.word("dropout").number("batch", s.batch).number("dtype", s.dtype).number("m", s.m).number("n", s.n);
  t.real("rate", double(s.rate)).number("stream", s.stream);
}
void echo(Text& t, const plexus_reduce& s) {
  t.word("reduce").number("kind", s.kind).number("batch", s.batch).number("dtype", s.dtype);
  t.number("accumulate", s.accumulate).number("m", s.m).number("n", s.n);
}
void echo(Text& t, const plexus_clip& s) { t.word("clip").number("dtype", s.dtype).real("limit", s.limit); }
void echo(Text& t, const plexus_scale& s) {
  t.word("scale").number("batch", s.batch).number("dtype", s.dtype).number("offset", s.offset);
  t.number("m", s.m).number("n", s.n);
}
void echo(Text& t, const plexus_update& s) {
  t.word("update").number("kind", s.kind).number("dtype", s.dtype).number("nesterov", s.nesterov);
  t.number("m", s.m).number("n", s.n).real("momentum", s.momentum).real("weight_decay", s.weight_decay);
  t.real("beta1", s.beta1).real("beta2", s.beta2).real("epsilon", s.epsilon);
  t.real("momentum_decay", s.momentum_decay).real("l1", s.l1).real("l2", s.l2);
  t.real("clip_value", s.clip_value);
}
void echo(Text& t, const plexus_max_norm& s) {
  t.word("max_norm").number("dtype", s.dtype).number("m", s.m).number("n", s.n).real("limit", s.limit);
}

template <class... S>
void echo_any(Text& t, const px::Operations& run) {
  (void)((run.get<S>(0) ? (echo(t, *run.get<S>(0)), true) : false) || ...);
}

struct Echo final : px::Kernel {
  explicit Echo(const px::Operations& run) {
    echo_any<plexus_matmul, plexus_activation, plexus_activation_gradient, plexus_loss, plexus_dropout,
             plexus_reduce, plexus_clip, plexus_scale, plexus_update, plexus_max_norm>(text, run);
    for (uint32_t slot = 0; slot < run[0].slots; slot++) {
      const plexus_tensor* tensor = run.tensor(0, int(slot));
      text.word(" |");
      if (!tensor) continue;
      text.number("dtype", tensor->dtype).number("access", tensor->access).number("memory", tensor->memory);
      text.number("rank", tensor->rank).number("flags", tensor->flags);
      text.number("rows", tensor->size[0]).number("columns", tensor->size[1]);
      text.number("stride", tensor->stride[0]).number("step", tensor->stride[1]);
      text.number("elsewhere", tensor->last_use == PLEXUS_USED_ELSEWHERE);
    }
    for (uint32_t i = 0; i < run[0].row_counts_size; i++) text.number("count", run[0].row_counts[i]);
  }
  plexus_status run(void* const*, const plexus_call&) const override { return PLEXUS_OK; }
  const char* describe() const override { return text.text.c_str(); }
  Text text;
};

#if !defined(ECHO_NAME)
#define ECHO_NAME "echo"
#endif
struct EchoBackend final : px::Backend {
  static constexpr const char* name = ECHO_NAME;
  explicit EchoBackend(px::Host) {}
  int32_t takes(const Operations&) const override { return 1; }
  std::unique_ptr<Kernel> prepare(const Operations& run) override { return std::make_unique<Echo>(run); }
};

}  // namespace

#if defined(ECHO_FIRST_MINOR)
// As it was built when the ABI was new.
extern "C" PLEXUS_PLUGIN_EXPORT const plexus_backend* plexus_backend_open_v1(const plexus_host*) {
  static plexus_backend table = *px::Table<EchoBackend>::get();
  table.minor = 0;
  return &table;
}
#else
PLEXUS_BACKEND_PLUGIN(EchoBackend)
#endif
