#include "plexus/trainer/fields.h"

namespace plexus {

Json parse_json(const std::string& file, const std::string& place, std::string_view text) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
      throw FormatError(file, place, "the key " + in_quotes(value.get<std::string>()) + " is there twice");
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::parse_error& error) {
    throw FormatError(file, place, "not JSON, from character " + std::to_string(error.byte) + " on");
  } catch (const Json::out_of_range&) {
    throw FormatError(file, place, "a number is beyond the range of f64");
  }
}

}  // namespace plexus
