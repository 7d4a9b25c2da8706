// TuningCache: choices of auto, a file each. Private.
#pragma once
#include <optional>
#include <string>

#include "plexus/core/log.h"
#include "plexus/trainer/fields.h"
#include "plexus/trainer/tuning.h"

namespace plexus {

class TuningCache {
 public:
  /// `question`: what is asked, which the file is named after, with "candidates", "last_resort" and the most "threads". `machine`: what an
  /// answer is valid for. An empty directory: no cache.
  TuningCache(std::string directory, Json question, Json machine, LogSink sink);

  /// The answer; absent: there is none. One that is damaged or not valid any more is a warning.
  std::optional<Tuning> load() const;
  /// What cannot be written is a warning.
  void save(const Tuning& tuning) const;

 private:
  void warn(const std::string& line) const;

  std::string directory_, path_;
  Json question_, machine_;
  LogSink sink_;
};

}  // namespace plexus
