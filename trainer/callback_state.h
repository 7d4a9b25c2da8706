// CallbackState: the state of a callback as a JSON object of numbers. Private.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace plexus {

/// "{"best":0.25,"best_epoch":3}": keys in the order in which they are written, numbers with all their digits.
class CallbackState {
 public:
  CallbackState();
  /// What text() made. Throws FormatError where it is no object; `name` is the callback's, for messages.
  CallbackState(const std::string& name, const std::string& text);
  ~CallbackState();
  CallbackState(const CallbackState&) = delete;
  CallbackState& operator=(const CallbackState&) = delete;

  CallbackState& set(const char* key, double value);
  CallbackState& set(const char* key, int64_t value);
  std::string text() const;

  /// Both throw FormatError where it is missing or of another kind; counts are at least 0.
  double number(const char* key) const;
  int64_t count(const char* key) const;

 private:
  struct Object;
  std::string name_;
  std::unique_ptr<Object> object_;
};

}  // namespace plexus
