// Finding: something about a training that is most likely a mistake, and what to do about it.
#pragma once
#include <string>

#include "plexus/export.h"

namespace plexus {

/// docs/diagnosis.md has a table of all of them.
struct Finding {
  std::string id;       ///< stable, in kebab case: "duplicate-columns"
  std::string message;  ///< what was seen, with figures, and where
  std::string remedy;
  bool refused = false; ///< fit throws for it: it is wrong for sure
};

/// "features: column 3 ...: remove it [constant-columns]": a line for people.
PLEXUS_EXPORT std::string to_string(const Finding& finding);

}  // namespace plexus
