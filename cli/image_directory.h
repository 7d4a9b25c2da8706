// Image directory: MNIST and its relatives, four IDX files side by side.
#pragma once
#include <string>
#include <vector>

#include "plexus/trainer/dataset.h"

namespace plexus::cli {

/// "fashion-mnist", or a directory.
bool is_image_directory(const std::string& path);

/// The part "train" or "t10k": files <part>-images-idx3-ubyte and <part>-labels-idx1-ubyte, with '.' before "idx" or
/// '-', with .gz or without. `class_names` of the training part; empty: this is it, classes are 0 to the largest label.
/// Throws IoError (a file is missing), FormatError (damaged, or the files do not fit together), DataError (a label
/// outside the classes).
Dataset open_image_part(const std::string& path, const std::string& part, const std::vector<std::string>& class_names);

}  // namespace plexus::cli
