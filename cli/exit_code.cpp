#include "plexus/cli/exit_code.h"

#include "plexus/cli/program.h"
#include "plexus/core/error.h"

namespace plexus::cli {

ExitCode exit_code(const std::exception& error) {
  if (dynamic_cast<const ArgumentError*>(&error)) return usage;
  if (dynamic_cast<const BackendError*>(&error) || dynamic_cast<const MissingPart*>(&error)) return no_backend;
  if (dynamic_cast<const IoError*>(&error)) return io_failure;
  if (dynamic_cast<const FormatError*>(&error) || dynamic_cast<const DataError*>(&error) ||
      dynamic_cast<const ShapeError*>(&error))
    return bad_input;
  return failed;
}

}  // namespace plexus::cli
