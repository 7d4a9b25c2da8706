#include "plexus/cli/network.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "plexus/cli/suggestion.h"
#include "plexus/core/error.h"
#include "plexus/core/spec/activation.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/standardize.h"

namespace plexus::cli {
