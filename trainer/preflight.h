// Preflight: what can be known to be wrong before step 0. Private.
#pragma once
#include <string>
#include <utility>

#include "plexus/core/error.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

/// What these throw: a DataError that knows the id of its finding.
class Refusal : public DataError {
 public:
  Refusal(std::string id, const std::string& message) : DataError(message), id_(std::move(id)) {}
  const std::string& id() const { return id_; }

 private:
  std::string id_;
};

/// Rows there are, the network takes them, and head, loss and targets fit together. Throws DataError, ShapeError.
void check_fit(const Sequential& network, const Loss& loss, const Dataset& data);

/// No NaN (but for what the network fills in), no infinity, and targets that the loss can take. Throws DataError.
void check_values(const Sequential& network, const Loss& loss, const Dataset& data);

/// Something can be learnt: two rows, two classes. Throws DataError.
void check_learnable(const Dataset& data);

}  // namespace plexus
