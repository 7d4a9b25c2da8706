// Augmentation: images changed a little, another way in every epoch.
#pragma once
#include <cstdint>

#include "plexus/core/random.h"
#include "plexus/core/shape.h"
#include "plexus/export.h"

namespace plexus {

/// What happens to the rows that are trained on, each [height, width] or [channels, height, width], before any layer sees them.
/// A function of (seed of shuffling, epoch, row): threads, batches and interruptions change nothing. In this order:
struct Augmentation {
  bool flip = false;   ///< half of the images are mirrored, left to right
  int64_t crop = 0;    ///< padded by so many pixels of their own reflection, then cropped to their size at a random place
  int64_t shift = 0;   ///< moved by up to so many pixels, up or down and left or right; what comes in is 0
  bool any() const { return flip || crop != 0 || shift != 0; }
};

/// Throws ArgumentError where rows of this shape are no images, or a number is negative or not below their size.
PLEXUS_EXPORT void check_augmentation(const Augmentation& augmentation, const Shape& image);

/// One image: from `in` to `out`. `row`: its number, which `random` knows it by.
PLEXUS_EXPORT void augment(const Augmentation& augmentation, const Shape& image, const RandomStream& random, int64_t row,
                           const float* in, float* out);
PLEXUS_EXPORT void augment(const Augmentation& augmentation, const Shape& image, const RandomStream& random, int64_t row,
                           const double* in, double* out);

}  // namespace plexus
