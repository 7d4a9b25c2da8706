#include "plexus/cli/kernels.h"

namespace plexus::cli {
namespace {

constexpr int64_t m = 8, n = 16, k = 16;  // any size will do: a whole vector, no tail

void add_matmuls(std::vector<Kind>& list) {
  for (const auto& [form, name] :
       {std::pair(Form::nn, "nn"), std::pair(Form::nt, "nt"), std::pair(Form::tn, "tn")})
    list.push_back(
        {std::string("matmul/") + name,
         MatmulSpec{.form = form, .m = m, .n = n, .k = k, .batch = form == Form::tn ? Batch::k : Batch::m}});
}

void add_activations(std::vector<Kind>& list) {
  for (int i = 0; i < activation_count; i++) {
    const auto kind = Activation(i);
    const double alpha = has_alpha(kind) ? 0.5 : 0;
    const std::string name = "activation/" + to_string(kind);
    list.push_back({name, ActivationSpec{.kind = kind, .m = m, .n = n, .alpha = alpha}});
    list.push_back(
        {name + "/gradient", ActivationGradientSpec{.kind = kind, .m = m, .n = n, .alpha = alpha}});
  }
}

void add_losses(std::vector<Kind>& list) {
  for (int i = 0; i < loss_count; i++)
    list.push_back({"loss/" + to_string(LossKind(i)), LossSpec{.kind = LossKind(i), .m = m, .n = n}});
}

void add_reductions(std::vector<Kind>& list) {
  for (int i = 0; i < reduction_count; i++)
    list.push_back({"reduce/" + to_string(Reduction(i)), ReduceSpec{.kind = Reduction(i), .m = m, .n = n}});
  list.push_back({"reduce/clip", ClipSpec{}});
}

void add_updates(std::vector<Kind>& list) {
  for (int i = 0; i < update_count; i++) {
    const auto kind = UpdateKind(i);
    UpdateSpec spec{.kind = kind, .m = m, .n = n};
    if (spec.has_moments()) spec.beta1 = 0.9;
    if (spec.has_moments() || kind == UpdateKind::rmsprop || kind == UpdateKind::adadelta) spec.beta2 = 0.99;
    if (kind != UpdateKind::sgd) spec.epsilon = 1e-8;
    list.push_back({"update/" + to_string(kind), spec});
  }
  list.push_back({"update/max_norm", MaxNormSpec{.m = m, .n = n}});
}

}  // namespace

std::vector<Kind> kinds() {
  std::vector<Kind> list;
  add_matmuls(list);
  add_activations(list);
  add_losses(list);
  list.push_back({"dropout", DropoutSpec{.m = m, .n = n, .rate = 0.5f}});
  add_reductions(list);
  list.push_back({"scale", ScaleSpec{.m = m, .n = n}});
  add_updates(list);
  return list;
}

std::string support(const Backend& backend, const Spec& spec) {
  if (!prepare_kernel(backend, spec)) return "reference";
  return backend.deviations().of(spec).any() ? "deviating" : "native";
}

}  // namespace plexus::cli
