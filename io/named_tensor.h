// NamedTensor: what files of several tensors hold.
#pragma once
#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "plexus/core/tensor.h"

namespace plexus {

/// A tensor in a file that holds several.
struct NamedTensor {
  std::string name;
  Tensor tensor;
  bool operator==(const NamedTensor&) const = default;
};

/// The first tensor of that name; null where there is none.
inline const Tensor* find(std::span<const NamedTensor> tensors, std::string_view name) {
  const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
  return found == tensors.end() ? nullptr : &found->tensor;
}

}  // namespace plexus
