// Output: files that a command will write when its work is done, checked before the work begins.
#pragma once
#include <string>

#include "plexus/trainer/dataset.h"

namespace plexus::cli {

/// Throws IoError where no file could be written under this name.
void check_output(const std::string& path);

/// Throws DataError where a name of the data is not UTF-8, which model files need. `path`: of the data, for messages.
void check_names(const std::string& path, const Dataset& data);

}  // namespace plexus::cli
