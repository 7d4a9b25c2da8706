// Fingerprint: a short text that tells whether data are the same, bit for bit.
#pragma once
#include <string>

#include "plexus/core/tensor.h"
#include "plexus/export.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

/// 16 hexadecimal digits: XXH3 of the rows in their order (features as f32), the targets, the weights of rows, the shapes and the names of classes. Reads
/// all of it once. It finds accidents; who wants to deceive can make other data with the same fingerprint.
PLEXUS_EXPORT std::string fingerprint(const Dataset& data);
/// The same of type, shape and elements.
PLEXUS_EXPORT std::string fingerprint(const Tensor& tensor);

}  // namespace plexus
