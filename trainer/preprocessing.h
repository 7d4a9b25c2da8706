// Preprocessing: what a network learns of data before it is trained. Private.
#pragma once
#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

/// The data with the network's numbers for categories; unchanged as long as the network has learnt none.
Dataset encoded(const Sequential& network, const Dataset& data);
/// A OneHot that has learnt nothing yet learns its categories from these rows.
void learn_categories(Sequential& network, const Dataset& train);
/// All preprocessing layers have learnt from data.
bool fitted(const Sequential& network);
/// Those that have not learn from these rows, which are encoded. The network is built.
void fit_preprocessing(Sequential& network, const Dataset& train);

}  // namespace plexus
