// Optimizer steps over arrays. A table for each instruction set.
#pragma once
#include <cstdint>

#include "plexus/core/cpu.h"
#include "plexus/core/spec/update.h"

namespace plexus::simd {

/// A gradient that is not there yet: of the rows of a panel, the sum over k < depth of left[k, row] * right[k, column].
struct GradientFactors {
  const float *left = nullptr, *right = nullptr;
  bool left_pieces = false;  ///< as MatmulTiles::copy_a left it, and left_stride says nothing
  int64_t left_stride = 0, right_stride = 0;  ///< from one k to the next
  int64_t depth = 0;
};

/// UpdateSpec's fields in float, with the corrections of this step worked out.
struct UpdateRule {
  float rate = 0;            ///< of adam and its relatives: learning rate * StepFactors::moment
  float gradient_rate = 0;   ///< nadam: learning rate * StepFactors::gradient
  float scale = 1;           ///< of the gradient
  float weight_decay = 0;    ///< of the gradient: with the l2 penalty
  float shrink = 0;          ///< adamw: learning rate * decay
  float l1 = 0;
  float clip_value = 0;      ///< 0: none
  float momentum = 0;
  bool nesterov = false;
  float beta1 = 0, beta2 = 0;
  float fresh1 = 0, fresh2 = 0;  ///< 1 - beta, rounded once
  float root_scale = 1;      ///< StepFactors::root
  bool adaptive = true;      ///< radam
  float epsilon = 0;
};

/// Part of a parameter, its gradient and its states.
struct UpdateStretch {
  int64_t count = 0;
  float* parameter = nullptr;
  const float* gradient = nullptr;
  float *first = nullptr, *second = nullptr;  ///< null: the rule has none
};

using UpdateLoop = void (*)(const UpdateRule&, const UpdateStretch&);
/// Of rows of a panel whose gradient is used up in the registers that it is made in. Without clip_value and l1.
using UpdateTiles = void (*)(const UpdateRule&, const UpdateStretch&, const GradientFactors&);

/// Each in the order of UpdateKind.
struct UpdateLoops {
  UpdateLoop of[update_count];
  UpdateTiles tiles[update_count];  ///< null: none
};

const UpdateLoops& update_loops(Isa isa);

}  // namespace plexus::simd
