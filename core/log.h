// Where the library's messages go. It writes nothing anywhere else.
#pragma once
#include <functional>
#include <string>

#include "plexus/export.h"

namespace plexus {

enum class LogLevel { warning = 0, choice = 1, kernel = 2, run = 3 };

/// Receives one line without its line end. An empty function silences the library. May be called from many threads.
using LogSink = std::function<void(LogLevel, const std::string&)>;

/// The default: "plexus: warning: ..." and "plexus: ..." to stderr.
PLEXUS_EXPORT LogSink stderr_sink();

}  // namespace plexus
