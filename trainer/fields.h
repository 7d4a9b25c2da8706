// Fields: a JSON object in a file of ours, read with every mistake named. Private.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plexus/core/error.h"
#include "plexus/trainer/names.h"

namespace plexus {

using Json =
    nlohmann::ordered_json;  // keys in the order in which they are written: the same network, the same bytes

/// Refuses what is not JSON, and a key that occurs twice in one object, which JSON libraries take in different ways.
Json parse_json(const std::string& file, const std::string& place, std::string_view text);

/// A JSON object whose keys are all asked for, once, with the type that is expected. `place` is for messages.
class Fields {
 public:
  Fields(const std::string& file, std::string place, const Json& json)
      : file_(file), place_(std::move(place)), json_(json) {
    if (!json.is_object()) refuse("expected an object");
  }

  [[noreturn]] void refuse(const std::string& problem) const { throw FormatError(file_, place_, problem); }

  const Json& get(const char* key) {
    const auto found = json_.find(key);
    if (found == json_.end()) refuse("'" + std::string(key) + "' is missing");
    asked_.insert(key);
    return *found;
  }
  int64_t integer(const char* key) { return integer(key, get(key)); }
  int64_t integer(const char* key, const Json& value) const {
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t(INT64_MAX));
    if (!fits) refuse("'" + std::string(key) + "' is not a whole number of 64 bits");
    return value.get<int64_t>();
  }
  double number(const char* key) {
    const Json& value = get(key);
    if (!value.is_number()) refuse("'" + std::string(key) + "' is not a number");
    return value.get<double>();
  }
  bool boolean(const char* key) {
    const Json& value = get(key);
    if (!value.is_boolean()) refuse("'" + std::string(key) + "' is not true or false");
    return value.get<bool>();
  }
  bool boolean(const char* key, bool absent) { return json_.contains(key) ? boolean(key) : absent; }
  std::string text(const char* key) {
    const Json& value = get(key);
    if (!value.is_string()) refuse("'" + std::string(key) + "' is not text");
    return value.get<std::string>();
  }
  const Json& array(const char* key) {
    const Json& value = get(key);
    if (!value.is_array()) refuse("'" + std::string(key) + "' is not a list");
    return value;
  }
  std::vector<std::string> texts(const char* key) { return texts(key, array(key)); }
  std::vector<std::string> texts(const char* key, const Json& list) const {
    std::vector<std::string> result;
    if (!list.is_array()) refuse("'" + std::string(key) + "' is not a list of texts");
    for (const Json& value : list) {
      if (!value.is_string()) refuse("'" + std::string(key) + "' is not a list of texts");
      result.push_back(value.get<std::string>());
    }
    return result;
  }
  /// Throws where there is a key that nobody asked for.
  void finish() const {
    for (const auto& [key, value] : json_.items())
      if (!asked_.contains(key)) refuse(in_quotes(key) + " is not known here");
  }

 private:
  const std::string& file_;
  std::string place_;
  const Json& json_;
  std::set<std::string> asked_;
};

}  // namespace plexus
