// Errors: everything that Plexus throws derives from plexus::Error.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>

#include "plexus/export.h"

namespace plexus {

/// Base of every exception thrown by Plexus. The message is one line: place, what is wrong, remedy.
class PLEXUS_EXPORT Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes, sizes or element types that do not fit together. The message starts with the operation.
class PLEXUS_EXPORT ShapeError : public Error {
 public:
  using Error::Error;
};

/// An option with a value that it cannot have: a negative learning rate, an unknown layer, a bad environment variable.
class PLEXUS_EXPORT ArgumentError : public Error {
 public:
  using Error::Error;
};

/// Data that cannot be trained on or predicted from: labels outside the head, NaN, a single class.
class PLEXUS_EXPORT DataError : public Error {
 public:
  using Error::Error;
};

/// A backend that is unknown, not built, not usable on this CPU, or lacks an operation.
class PLEXUS_EXPORT BackendError : public Error {
 public:
  using Error::Error;
};

/// A file that breaks its format.
class PLEXUS_EXPORT FormatError : public Error {
 public:
  /// `place` is "line 17" or "byte 128" (empty: the file as a whole); `problem` says what was expected and found.
  FormatError(const std::string& file, const std::string& place, const std::string& problem)
      : Error(file + (place.empty() ? "" : ": " + place) + ": " + problem) {}
};

/// A file that cannot be opened, read or written.
class PLEXUS_EXPORT IoError : public Error {
 public:
  using Error::Error;
};

}  // namespace plexus
