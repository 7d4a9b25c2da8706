// What the handles of one data set share. Private.
#pragma once
#include "plexus/io/npy_map.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

struct Dataset::Data {
  std::shared_ptr<const io::NpyMap> map;  // features lie there instead of in `features`
  const std::byte* first = nullptr;       // the features of row 0
  DType type = DType::f32;                // f32, u8, or (mapped) f64
  int64_t count = 0, stride = 0;          // rows; elements from one to the next
  Tensor features;                        // [n, ...] f32 or u8
  Tensor targets = Tensor(DType::f32, {0, 1});  // [n] i32 or [n, k] f32
  bool labels = false;                    // targets are class numbers
  std::vector<std::string> class_names, column_names, target_names;
  Categories categories;                  // that numbers in `features` stand for; empty: no column holds text
  std::string task_reason;
  std::string file;                       // of a table that was read from a file: for messages
  std::vector<int64_t> lines;             // line of each row in it; without a file, the row of the matrix
  int64_t dropped = 0;                    // rows that were left out
  Shape feature_shape, target_shape;      // of one row
};

}  // namespace plexus
