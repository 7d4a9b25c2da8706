// Spec: any operation, completely described. To add a family: its header here, a line in the variant below, and the
// compiler names the rest.
#pragma once
#include <span>
#include <string>
#include <type_traits>
#include <variant>

#include "plexus/core/spec/activation.h"
#include "plexus/core/spec/dropout.h"
#include "plexus/core/spec/loss.h"
#include "plexus/core/spec/matmul.h"
#include "plexus/core/spec/max_norm.h"
#include "plexus/core/spec/reduce.h"
#include "plexus/core/spec/scale.h"
#include "plexus/core/spec/update.h"

namespace plexus {

using Spec = std::variant<MatmulSpec, ActivationSpec, ActivationGradientSpec, LossSpec, DropoutSpec, ReduceSpec, ClipSpec,
                          ScaleSpec, UpdateSpec, MaxNormSpec>;

/// One line that holds all of it: "matmul/nn/f32/m128~/n512/k784/bias". `~` marks the dimension that varies.
/// Equal specs print equal lines and the other way round: plan, benchmark names, log and caches use it.
PLEXUS_EXPORT std::string to_string(const Spec& spec);

/// "matmul", "activation", ...
PLEXUS_EXPORT std::string family(const Spec& spec);

PLEXUS_EXPORT std::span<const Slot> slots(const Spec& spec);

/// The slot in full. `slot` < slots(spec).size().
PLEXUS_EXPORT Operand operand(const Spec& spec, size_t slot);

/// Throws ShapeError: the message starts with the spec's line.
PLEXUS_EXPORT void validate(const Spec& spec);

/// The layout of the spec's parameter; null where plain, or where the family has none.
PLEXUS_EXPORT const Layout* layout(const Spec& spec);

}  // namespace plexus

template <>
struct std::hash<plexus::Spec> {
  PLEXUS_EXPORT size_t operator()(const plexus::Spec& spec) const;
};
