// What the handles of one data set share. Private.
#pragma once
#include "plexus/trainer/dataset.h"

namespace plexus {

struct Dataset::Data {
  Tensor features;                        // [n, ...] f32 or u8
  Tensor targets = Tensor(DType::f32, {0, 1});  // [n] i32 or [n, k] f32
  bool labels = false;                    // targets are class numbers
  std::vector<std::string> class_names, column_names;
  std::string task_reason;
  std::string file;                       // of a table that was read from a file: for messages
  std::vector<int64_t> lines;             // line of each row in it
  Shape feature_shape, target_shape;      // of one row
};

}  // namespace plexus
