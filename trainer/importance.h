// Importance: which columns a network needs.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "plexus/export.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/scores.h"
#include "plexus/trainer/trainer.h"

namespace plexus {

struct PermutationOptions {
  int64_t repeats = 10;           ///< permutations of each column, 2 or more
  uint64_t seed = 0;
};
struct Importance {
  int64_t column = 0;
  std::string name;               ///< "column 3", "column 'width'"
  double mean = 0;                ///< by how much the score falls: accuracy, or for values R2
  Interval interval;              ///< of the mean over permutations, 95 % (Student's t)
};
/// How much worse a network does when the values of a column are dealt anew among the rows (Breiman 2001); most important first.
/// Take data that it was not trained on. Columns that say the same share their importance. Rows x columns values are held
/// twice. Throws as Trainer::evaluate; ArgumentError for fewer than 2 repeats.
PLEXUS_EXPORT std::vector<Importance> permutation_importance(Trainer& trainer, const Dataset& data,
                                                             const PermutationOptions& options = {});

}  // namespace plexus
