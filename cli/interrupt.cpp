#include "plexus/cli/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>

#include "plexus/cli/exit_code.h"

namespace plexus::cli {
namespace {

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not wait");

void on_signal(int signal) {
  if (received.exchange(signal) != 0) _exit(signalled + signal);
}

}  // namespace

void catch_interrupts() {
  signal(SIGXFSZ, SIG_IGN);  // a file that grows beyond a limit is an error of the write, as on a full disk
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // reads and writes that the signal hits go on: only the flag counts
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction old {};
    sigaction(signal, nullptr, &old);
    if (old.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

int interrupted() { return received; }

}  // namespace plexus::cli
