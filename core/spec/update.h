// Optimizer steps over one parameter, in place, as one sweep over its flat part.
#pragma once
#include "plexus/core/spec/operand.h"
#include "plexus/export.h"

namespace plexus {

enum class UpdateKind : uint8_t { sgd, adam, adamw, rmsprop, adagrad, adamax, nadam, radam, adadelta };
inline constexpr int update_count = 9;

PLEXUS_EXPORT std::string to_string(UpdateKind kind);

/// One step of w[m,n] with g = gradient * scale (scale absent: 1), learning rate r, step t counted from 1:
///   g = max(-clip_value, min(g, clip_value)), where clip_value > 0;  g += l1 sign(w) + 2 l2 w, with sign(0) = 0
///   g += weight_decay * w (adamw instead: w -= r * weight_decay * w, first)
///   sgd      v = momentum v + g;  w -= r (nesterov ? g + momentum v : v);  without momentum w -= r g
///   adam(w)  m1 = beta1 m1 + (1-beta1) g;  m2 = beta2 m2 + (1-beta2) g^2;
///            w -= r (m1 / (1-beta1^t)) / (sqrt(m2 / (1-beta2^t)) + epsilon)
///   rmsprop  v = beta2 v + (1-beta2) g^2;  d = g / (sqrt(v) + epsilon);
///            with momentum: u = momentum u + d, w -= r u;  without: w -= r d
///   adagrad  v += g^2;  w -= r g / (sqrt(v) + epsilon)
///   adamax   m1 as adam;  m2 = max(beta2 m2, |g| + epsilon);  w -= r m1 / ((1-beta1^t) m2)
///   nadam    m1, m2 as adam;  mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2), P(t) = mu(1) ... mu(t);
///            w -= r (mu(t+1) m1 / (1-P(t+1)) + (1-mu(t)) g / (1-P(t))) / (sqrt(m2 / (1-beta2^t)) + epsilon)
///   radam    m1, m2 as adam;  d = m1 / (1-beta1^t);  s = 2 / (1-beta2) - 1, q = s - 2 t beta2^t / (1-beta2^t);
///            q > 5: w -= r d sqrt((q-4) (q-2) s / ((s-4) (s-2) q)) sqrt(1-beta2^t) / (sqrt(m2) + epsilon);
///            else: w -= r d
///   adadelta v = beta2 v + (1-beta2) g^2;  d = g sqrt(u + epsilon) / sqrt(v + epsilon);
///            u = beta2 u + (1-beta2) d^2;  w -= r d
/// The forms are those of PyTorch (radam since 1.10; nadam since 2.0, before it took mu(t) into P(t+1) twice). Only the fields that a kind uses may differ from their
/// defaults.
struct UpdateSpec {
  UpdateKind kind = UpdateKind::sgd;
  int64_t m = 0, n = 0;
  double momentum = 0;           ///< sgd, rmsprop; in [0, 1)
  bool nesterov = false;         ///< sgd, with momentum > 0
  double weight_decay = 0;       ///< >= 0
  double beta1 = 0, beta2 = 0;   ///< both in [0, 1) of adam and its relatives; rmsprop: beta2 (PyTorch's alpha); adadelta: beta2
                                 ///< (rho)
  double epsilon = 0;            ///< all but sgd; > 0
  double momentum_decay = 0;     ///< nadam; >= 0
  double l1 = 0, l2 = 0;         ///< >= 0: gradients of the penalties l1 sum |w| + l2 sum w^2
  double clip_value = 0;         ///< > 0: the largest |gradient * scale|; 0: none
  DType dtype = DType::f32;
  const Layout* layout = nullptr;  ///< of parameter, gradient and both states

  struct Args {
    void* parameter = nullptr;
    const void* gradient = nullptr;
    void* first = nullptr;         ///< m1; sgd v (with momentum), rmsprop u (with momentum), adadelta u
    void* second = nullptr;        ///< m2; rmsprop, adagrad and adadelta v
    const void* learning_rate = nullptr;  ///< one element
    const void* step = nullptr;           ///< one i64; adam and its relatives
    const void* scale = nullptr;          ///< one element
  };
  static constexpr const char* family = "update";
  static constexpr Slot slots[] = {{"parameter", Access::inout}, {"gradient", Access::in}, {"first", Access::inout},
                                   {"second", Access::inout}, {"learning_rate", Access::in}, {"step", Access::in},
                                   {"scale", Access::in}};
  /// adam, adamw, adamax, nadam, radam: two moments and a count of steps.
  bool has_moments() const;
  bool has_first() const;
  bool has_second() const;
  PLEXUS_EXPORT Operand operand(size_t slot) const;
  PLEXUS_EXPORT void validate() const;
  PLEXUS_EXPORT std::string to_string() const;
  bool operator==(const UpdateSpec&) const = default;
};

/// What step t makes of the settings of adam and its relatives, the same for every element:
///   w -= r (moment m1 + gradient g) / (root sqrt(m2) + epsilon)   (adamax: / m2; radam not `adaptive`: / 1)
struct StepFactors {
  double moment = 1, gradient = 0, root = 1;
  bool adaptive = true;
};
/// In double: 1 - beta^t cancels. `t` >= 1. A function of its arguments alone, so that a resumed run goes on with the same.
PLEXUS_EXPORT StepFactors step_factors(const UpdateSpec& spec, int64_t t);

inline bool UpdateSpec::has_moments() const {
  return kind == UpdateKind::adam || kind == UpdateKind::adamw || kind == UpdateKind::adamax ||
         kind == UpdateKind::nadam || kind == UpdateKind::radam;
}
inline bool UpdateSpec::has_first() const {
  return has_moments() || kind == UpdateKind::adadelta ||
         ((kind == UpdateKind::sgd || kind == UpdateKind::rmsprop) && momentum > 0);
}
inline bool UpdateSpec::has_second() const { return kind != UpdateKind::sgd; }

}  // namespace plexus
