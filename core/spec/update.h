// Optimizer steps over one parameter, in place, as one sweep over its flat part.
#pragma once
#include "plexus/core/spec/operand.h"
#include "plexus/export.h"

namespace plexus {

enum class UpdateKind : uint8_t { sgd, adam, adamw, rmsprop, adagrad };
inline constexpr int update_count = 5;

PLEXUS_EXPORT std::string to_string(UpdateKind kind);

/// One step of w[m,n] with g = gradient * scale (scale absent: 1), learning rate r, step t counted from 1:
///   g += weight_decay * w (adamw instead: w -= r * weight_decay * w, first)
///   sgd      v = momentum v + g;  w -= r (nesterov ? g + momentum v : v);  without momentum w -= r g
///   adam(w)  m1 = beta1 m1 + (1-beta1) g;  m2 = beta2 m2 + (1-beta2) g^2;
///            w -= r (m1 / (1-beta1^t)) / (sqrt(m2 / (1-beta2^t)) + epsilon)
///   rmsprop  v = beta2 v + (1-beta2) g^2;  d = g / (sqrt(v) + epsilon);
///            with momentum: u = momentum u + d, w -= r u;  without: w -= r d
///   adagrad  v += g^2;  w -= r g / (sqrt(v) + epsilon)
/// The forms are those of PyTorch. Only the fields that a kind uses may differ from their defaults.
struct UpdateSpec {
  UpdateKind kind = UpdateKind::sgd;
  int64_t m = 0, n = 0;
  double momentum = 0;           ///< sgd, rmsprop; in [0, 1)
  bool nesterov = false;         ///< sgd, with momentum > 0
  double weight_decay = 0;       ///< >= 0
  double beta1 = 0, beta2 = 0;   ///< adam, adamw: both in [0, 1); rmsprop: beta2 (PyTorch's alpha)
  double epsilon = 0;            ///< all but sgd; > 0
  DType dtype = DType::f32;
  const Layout* layout = nullptr;  ///< of parameter, gradient and both states

  struct Args {
    void* parameter = nullptr;
    const void* gradient = nullptr;
    void* first = nullptr;         ///< sgd v (with momentum), adam m1, rmsprop u (with momentum)
    void* second = nullptr;        ///< adam m2, rmsprop and adagrad v
    const void* learning_rate = nullptr;  ///< one element
    const void* step = nullptr;           ///< one i64; adam, adamw
    const void* scale = nullptr;          ///< one element
  };
  static constexpr const char* family = "update";
  static constexpr Slot slots[] = {{"parameter", Access::inout}, {"gradient", Access::in}, {"first", Access::inout},
                                   {"second", Access::inout}, {"learning_rate", Access::in}, {"step", Access::in},
                                   {"scale", Access::in}};
  bool has_first() const;
  bool has_second() const;
  PLEXUS_EXPORT Operand operand(size_t slot) const;
  PLEXUS_EXPORT void validate() const;
  PLEXUS_EXPORT std::string to_string() const;
  bool operator==(const UpdateSpec&) const = default;
};

inline bool UpdateSpec::has_first() const {
  return kind == UpdateKind::adam || kind == UpdateKind::adamw ||
         ((kind == UpdateKind::sgd || kind == UpdateKind::rmsprop) && momentum > 0);
}
inline bool UpdateSpec::has_second() const { return kind != UpdateKind::sgd; }

}  // namespace plexus
