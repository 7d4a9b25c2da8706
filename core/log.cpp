#include "plexus/core/log.h"

#include <cstdio>

namespace plexus {

LogSink stderr_sink() {
  return [](LogLevel level, const std::string& line) {
    // One write a line: lines of several threads do not mix.
    std::fputs(((level == LogLevel::warning ? "plexus: warning: " : "plexus: ") + line + "\n").c_str(),
               stderr);
  };
}

}  // namespace plexus
