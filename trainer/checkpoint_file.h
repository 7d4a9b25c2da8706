// Checkpoint file: a Checkpoint in sections (docs/formats.md). Private.
#pragma once
#include <string>

#include "plexus/trainer/checkpoint.h"

namespace plexus {

/// Whole, on disk and under its name when it returns. Throws IoError; what had the name before is then still there.
void save_checkpoint(const Checkpoint& checkpoint, const std::string& path);

}  // namespace plexus
