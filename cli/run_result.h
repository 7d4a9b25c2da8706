// RunResult: what a report of a run shows beside its curves, in files of the run's directory.
#pragma once
#include "plexus/cli/run_directory.h"
#include "plexus/cli/session.h"

namespace plexus::cli {

/// Writes, when training is done,
///
/// * evaluation.json: what plexus evaluate --json says of the test data; best_epoch; findings; shape and columns of a row; mistakes, the
///   24 worst (classes: wrong and least likely; numbers: by the distance from the target), each with its row, truth, prediction,
///   probabilities and values
/// * plan.json: the plans of a training step as plexus plan --json has them, measured
/// * first_layer.json, where rows are images: the weights of the first layer's first 64 units as whole numbers from -127 to 127,
///   of which 127 stands for `largest`
///
/// `result` has a test; `test`: the rows it is of, with the network's categories. Throws IoError.
void save_result(const RunDirectory& run, Session& session, const TrainingResult& result, const Dataset& test);

}  // namespace plexus::cli
