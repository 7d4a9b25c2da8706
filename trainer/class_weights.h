// Class weights: what makes up for classes of different size.
#pragma once
#include <vector>

#include "plexus/export.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

/// rows / (classes * rows of the class), for SoftmaxCrossEntropy::class_weights: all classes count alike in sum, as
/// scikit-learn's "balanced". 0 for a class without rows. Throws ArgumentError where there are no classes.
PLEXUS_EXPORT std::vector<float> balanced_class_weights(const Dataset& data);

}  // namespace plexus
