#include "plexus/backends/abi/process_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <cstring>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace plexus::abi {
namespace {

/// Rounding, precision, masks, flush-to-zero and denormals-are-zero; the sticky exception flags do not count.
uint64_t control_words() {
#if defined(__x86_64__)
  uint16_t x87 = 0;
  asm volatile("fnstcw %0" : "=m"(x87));
  return (_mm_getcsr() & ~0x3fu) | uint64_t(x87) << 32;
#elif defined(__aarch64__)
  uint64_t control = 0;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  return control;
#else
  return uint64_t(fegetround());
#endif
}

bool same(const struct sigaction& a, const struct sigaction& b) {
  // Two members of one union: the wider one holds both.
  return a.sa_sigaction == b.sa_sigaction && a.sa_flags == b.sa_flags;
}

/// sigset_t has padding that nobody fills.
bool same(const sigset_t& a, const sigset_t& b) {
  for (int signal = 1; signal < NSIG; signal++)
    if (sigismember(&a, signal) != sigismember(&b, signal)) return false;
  return true;
}

bool same_directory(int a, int b) {
  struct stat left, right;
  return fstat(a, &left) == 0 && fstat(b, &right) == 0 && left.st_dev == right.st_dev &&
         left.st_ino == right.st_ino;
}

}  // namespace

ProcessState::ProcessState()
    : thread_locale_(uselocale(locale_t(0))), directory_(open(".", O_PATH | O_CLOEXEC)) {
  fegetenv(&floating_point_);
  const char* locale = setlocale(LC_ALL, nullptr);
  locale_ = locale ? locale : "C";
  for (int signal = 1; signal < NSIG; signal++)
    known_[size_t(signal)] = sigaction(signal, nullptr, &handlers_[size_t(signal)]) == 0;
  sigprocmask(SIG_BLOCK, nullptr, &mask_);
}

ProcessState::~ProcessState() {
  if (directory_ >= 0) close(directory_);
}

std::string ProcessState::restore() {
  std::string changed;
  const auto note = [&](const char* what) { changed += (changed.empty() ? "" : ", ") + std::string(what); };

  const uint64_t now = control_words();
  fesetenv(&floating_point_);
  if (control_words() != now) note("floating-point modes");

  uselocale(thread_locale_);
  if (const char* locale = setlocale(LC_ALL, nullptr); !locale || locale_ != locale) {
    setlocale(LC_ALL, locale_.c_str());
    note("locale");
  }

  bool handlers = false;
  for (int signal = 1; signal < NSIG; signal++) {
    struct sigaction current;
    if (!known_[size_t(signal)] || sigaction(signal, nullptr, &current) != 0) continue;
    if (same(current, handlers_[size_t(signal)])) continue;
    sigaction(signal, &handlers_[size_t(signal)], nullptr);
    handlers = true;
  }
  if (handlers) note("signal handlers");

  sigset_t mask;
  sigprocmask(SIG_BLOCK, nullptr, &mask);
  if (!same(mask, mask_)) {
    sigprocmask(SIG_SETMASK, &mask_, nullptr);
    note("blocked signals");
  }

  if (directory_ >= 0) {
    const int here = open(".", O_PATH | O_CLOEXEC);
    const bool moved = here >= 0 && !same_directory(here, directory_);
    if (here >= 0) close(here);
    if (moved && fchdir(directory_) == 0) note("working directory");
  }
  return changed;
}

}  // namespace plexus::abi
