#include "plexus/trainer/callback_state.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "plexus/core/error.h"

namespace plexus {

struct CallbackState::Object {
  nlohmann::ordered_json json;
};

namespace {

constexpr const char *infinite = "inf", *minus_infinite = "-inf";

[[noreturn]] void refuse(const std::string& name, const std::string& problem) {
  throw FormatError("state of callback '" + name + "'", "", problem);
}

}  // namespace

CallbackState::CallbackState() : object_(std::make_unique<Object>()) {
  object_->json = nlohmann::ordered_json::object();
}

CallbackState::CallbackState(const std::string& name, const std::string& text)
    : name_(name), object_(std::make_unique<Object>()) {
  object_->json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!object_->json.is_object()) refuse(name_, "expected a JSON object");
}

CallbackState::~CallbackState() = default;

CallbackState& CallbackState::set(const char* key, double value) {
  if (std::isinf(value))  // JSON has no number for it
    object_->json[key] = value > 0 ? infinite : minus_infinite;
  else
    object_->json[key] = value;
  return *this;
}

CallbackState& CallbackState::set(const char* key, int64_t value) {
  object_->json[key] = value;
  return *this;
}

std::string CallbackState::text() const { return object_->json.dump(); }

double CallbackState::number(const char* key) const {
  const auto found = object_->json.find(key);
  if (found != object_->json.end() && (*found == infinite || *found == minus_infinite))
    return *found == infinite ? INFINITY : -INFINITY;
  if (found == object_->json.end() || !found->is_number())
    refuse(name_, std::string("expected a number '") + key + "'");
  return found->get<double>();
}

int64_t CallbackState::count(const char* key) const {
  const auto found = object_->json.find(key);
  if (found == object_->json.end() || !found->is_number_integer() || found->get<int64_t>() < 0)
    refuse(name_, std::string("expected a whole number '") + key + "' of at least 0");
  return found->get<int64_t>();
}

}  // namespace plexus
