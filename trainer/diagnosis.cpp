#include "plexus/trainer/diagnosis.h"

#include "plexus/core/error.h"
#include "plexus/layers/one_hot.h"
#include "plexus/trainer/preflight.h"
#include "plexus/trainer/split.h"
#include "plexus/trainer/suspicion.h"

namespace plexus {
namespace {

/// "what was seen: remedy", as all errors are.
Finding refused(const std::string& id, const std::string& message) {
  const size_t colon = message.rfind(": ");
  return colon == std::string::npos ? Finding{id, message, "", true}
                                    : Finding{id, message.substr(0, colon), message.substr(colon + 2), true};
}

/// Built, with the categories of the data where it is to learn them.
Sequential built_copy(const Sequential& network, const Dataset& train, uint64_t seed) {
  Sequential copy = network.clone();
  if (copy.built()) return copy;
  if (auto* one_hot = dynamic_cast<OneHot*>(&copy[0]); one_hot && !one_hot->learnt()) {
    Categories categories = train.categories();
    categories.resize(static_cast<size_t>(train.feature_shape().elements()));
    *one_hot = OneHot(std::move(categories));
  }
  copy.build(train.feature_shape(), seed);
  return copy;
}

Dataset encoded(const Sequential& network, const Dataset& data) {
  const auto* one_hot = dynamic_cast<const OneHot*>(&network[0]);
  return data.with_categories(one_hot ? one_hot->categories() : Categories());
}

}  // namespace

std::vector<Finding> diagnose(const Sequential& network, const TrainerOptions& options, const Dataset& train,
                              const FitOptions& fit, const Dataset* test) {
  try {
    make_spec(options.optimizer);
    check(options.schedule);
    check_settings(options.loss);
    check_fit(network, options.loss, train);
    const Sequential copy = network.built() ? Sequential() : built_copy(network, train, options.seed);
    const Sequential& built = network.built() ? network : copy;
    Dataset rows = encoded(built, train);
    check_values(built, options.loss, rows);
    check_learnable(rows);
    std::optional<Dataset> validation, tested;
    if (fit.validation_fraction > 0) {
      Split parts = split(rows, {.test_fraction = fit.validation_fraction, .seed = fit.seed});
      rows = std::move(parts.train);
      validation = std::move(parts.test);
    } else if (fit.validation) {
      validation = encoded(built, *fit.validation);
    }
    if (test) tested = encoded(built, *test);
    return suspicions(built, !network.built(), options, fit, rows, validation ? &*validation : nullptr,
                      tested ? &*tested : nullptr);
  } catch (const Refusal& error) {
    return {refused(error.id(), error.what())};
  } catch (const ShapeError& error) {
    return {refused("shapes-do-not-fit", error.what())};
  } catch (const ArgumentError& error) {
    return {refused("settings-out-of-range", error.what())};
  } catch (const DataError& error) {
    return {refused("data-do-not-fit", error.what())};
  }
}

}  // namespace plexus
