// Progress: what a person sees while a network trains, and how Ctrl-C reaches it.
#pragma once
#include <chrono>
#include <cstdio>
#include <string>

#include "plexus/trainer/callback.h"

namespace plexus::cli {

/// "0:07", "1:02:03"
std::string duration(double seconds);

/// Prints a line an epoch (with many epochs, about twenty lines and one at least every 30 s), and on a terminal a bar with
/// rate, time left and loss, at most ten times a second. Asks to stop after the step in which a signal came.
class ProgressDisplay : public Callback {
 public:
  /// Lines go to `lines`, the bar to `bar`; null: there are none. `rows` of an epoch.
  ProgressDisplay(std::FILE* lines, std::FILE* bar, int64_t rows, int64_t epochs);
  ~ProgressDisplay() override { clear(); }

  void on_train_begin(Sequential&, const Progress& progress) override;
  bool on_step(const Progress& progress) override;
  bool on_epoch(const Epoch& epoch) override;

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const Progress& progress, Clock::time_point now);
  void clear();

  std::FILE* lines_;
  std::FILE* bar_;
  int64_t rows_, epochs_;
  int64_t before_ = 0;  // rows of epochs that were trained before, in another process
  Clock::time_point start_ = Clock::now(), last_line_ = start_, last_bar_ = start_;
  int drawn_ = 0;  // columns of the bar on the screen
};

}  // namespace plexus::cli
