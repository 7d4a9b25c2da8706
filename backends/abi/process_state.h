// Process state: what a library may change for everybody while it loads, and gets undone.
#pragma once
#include <fenv.h>
#include <locale.h>
#include <signal.h>

#include <array>
#include <cstdint>
#include <string>

namespace plexus::abi {

/// As it was when this was made: floating-point control words (a library linked with -ffast-math turns denormals off as it
/// loads) and locale of this thread, locale of the process, signal handlers, the mask of blocked signals, the directory.
class ProcessState {
 public:
  ProcessState();
  ~ProcessState();
  ProcessState(const ProcessState&) = delete;
  ProcessState& operator=(const ProcessState&) = delete;

  /// Puts back what has changed since; says what: "floating-point modes, locale"; "" where nothing has.
  std::string restore();

 private:
  fenv_t floating_point_;
  std::string locale_;
  locale_t thread_locale_;
  std::array<struct sigaction, NSIG> handlers_ = {};
  std::array<bool, NSIG> known_ = {};
  sigset_t mask_;
  int directory_;
};

}  // namespace plexus::abi
