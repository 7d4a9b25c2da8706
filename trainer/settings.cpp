#include "plexus/trainer/settings.h"

#include "plexus/core/error.h"
#include "plexus/trainer/architecture.h"
#include "plexus/trainer/fields.h"
#include "plexus/trainer/fingerprint.h"

namespace plexus {
namespace {

constexpr const char* data_key = "data";
constexpr size_t longest_value = 80;  // of a message: a whole architecture would be no help

// As model files have it. Layers of one's own have no name there; what they compute is in the operations.
Json architecture(const Sequential& network) {
  try {
    Json json = Json::parse(to_json(network));
    json.erase("format_version");
    json.erase("library_version");
    return json;
  } catch (const ArgumentError&) {
    Json names = Json::array();
    for (size_t i = 0; i < network.size(); ++i) names.push_back(network[i].name());
    return names;
  }
}

// Its text has six digits, and a function none: some of its values tell more.
Json schedule_json(const Schedule& schedule) {
  Json json = {to_string(schedule)};
  if (std::holds_alternative<CustomSchedule>(schedule)) return json;
  for (const int64_t epoch : {0, 1, 17, 49, 99})
    json.push_back(factor(schedule, {.epoch = epoch, .step = 3, .epochs = 100, .steps = 10}));
  return json;
}

Json augmentation_json(const Augmentation& a) {
  return {{"flip", a.flip}, {"crop", a.crop}, {"shift", a.shift}};
}

Json data_json(const Dataset* data) {
  if (!data) return nullptr;
  return {{"rows", data->size()}, {"fingerprint", fingerprint(*data)}};
}

// Values of a buffer of the step, which no operation tells.
std::vector<float> class_weights(const Loss& loss) {
  const auto* entropy = std::get_if<SoftmaxCrossEntropy>(&loss);
  return entropy ? entropy->class_weights : std::vector<float>();
}

std::string shortened(const Json& value) {
  std::string text = value.dump();
  if (text.size() > longest_value) text = text.substr(0, longest_value) + "...";
  return text;
}

std::string compare(const std::string& name, const Json& then, const Json& now) {
  if (then == now) return "";
  const bool lists = then.is_array() && now.is_array() && then.size() == now.size();
  if (lists || (then.is_object() && now.is_object())) {
    for (const auto& [key, value] : then.items()) {
      const std::string below = lists ? name + "[" + key + "]" : name.empty() ? key : name + "." + key;
      const Json other = lists ? now.at(std::stoul(key)) : now.value(key, Json());
      if (const std::string problem = compare(below, value, other); !problem.empty()) return problem;
    }
    for (const auto& [key, value] : now.items())
      if (!lists && !then.contains(key)) return compare(name.empty() ? key : name + "." + key, Json(), value);
  }
  return name + " was " + shortened(then) + " and is " + shortened(now) + " now";
}

Json parsed(const std::string& settings) {
  return parse_json("checkpoint", "section 'settings'", settings.empty() ? "{}" : settings);
}

}  // namespace

std::string settings_json(const Sequential& network, const TrainerOptions& trainer, const FitOptions& fit,
                          const TrainingStep& step, const Dataset& train, const Dataset* validation) {
  return Json{{"architecture", architecture(network)},
              {"loss", to_string(trainer.loss)},
              {"optimizer", to_string(trainer.optimizer)},
              {"learning_rate", learning_rate(trainer.optimizer)},
              {"schedule", schedule_json(trainer.schedule)},
              {"warmup_steps", trainer.warmup_steps},
              {"ema_decay", trainer.ema_decay},
              {"clip_norm", trainer.clip_norm},
              {"clip_value", trainer.clip_value},
              {"l1", trainer.l1},
              {"l2", trainer.l2},
              {"max_norm", trainer.max_norm},
              {"class_weights", class_weights(trainer.loss)},
              {"accumulate", trainer.accumulate},
              {"seed", trainer.seed},
              {"batch_size", fit.full_batch ? train.size() : fit.batch_size},
              {"shuffle", fit.shuffle},
              {"shuffle_seed", fit.seed},
              {"augmentation", augmentation_json(fit.augmentation)},
              {"operations", step.operations()},
              {data_key, {{"train", data_json(&train)}, {"validation", data_json(validation)}}}}
      .dump();
}

std::string difference(const std::string& then, const std::string& now) {
  Json a = parsed(then), b = parsed(now);
  a.erase(data_key);
  b.erase(data_key);
  return compare("", a, b);
}

std::string data_difference(const std::string& then, const std::string& now) {
  const auto data = [](const std::string& settings) { return parsed(settings).value(data_key, Json()); };
  return compare(data_key, data(then), data(now));
}

}  // namespace plexus
