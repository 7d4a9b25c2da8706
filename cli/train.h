// Train: the training of the command, for who wants to look on.
#pragma once
#include <string>
#include <vector>

#include "plexus/cli/data.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/callback.h"

namespace plexus::cli {

/// Looks on while a network trains.
class Observer : public Callback {
 public:
  /// Before anything is trained. False: that was enough.
  virtual bool on_data(const Data& data) = 0;
  /// The network is trained; `stopped`: a signal or this observer ended it.
  virtual void on_network(const Sequential& network, bool stopped) = 0;
};

/// Trains as these arguments of `plexus train` say, but writes no file and tests nothing. Returns the exit code.
int train_again(const std::vector<std::string>& arguments, Observer& observer);

}  // namespace plexus::cli
