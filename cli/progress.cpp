#include "plexus/cli/progress.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "plexus/cli/interrupt.h"
#include "plexus/cli/terminal.h"

namespace plexus::cli {
namespace {

constexpr auto bar_interval = std::chrono::milliseconds(100);  // faster than that nobody reads
constexpr auto line_interval = std::chrono::seconds(30);  // a log that says nothing for longer looks dead
constexpr int64_t screen_lines = 20;  // what fits on a screen beside the rest

// "1234", "12.3k", "4.5M"
std::string short_number(double value) {
  const char* unit = value >= 1e6 ? "M" : value >= 1e4 ? "k" : "";
  const double shown = value >= 1e6 ? value / 1e6 : value >= 1e4 ? value / 1e3 : value;
  char text[32];
  std::snprintf(text, sizeof text, "%.*f%s", *unit && shown < 100 ? 1 : 0, shown, unit);
  return text;
}

}  // namespace

std::string duration(double seconds) {
  // Beyond four days the figure says no more than "long".
  const auto total = int64_t(std::clamp(seconds, 0.0, 359999.0));
  char text[32];
  if (total >= 3600)
    std::snprintf(text, sizeof text, "%d:%02d:%02d", int(total / 3600), int(total / 60 % 60),
                  int(total % 60));
  else
    std::snprintf(text, sizeof text, "%d:%02d", int(total / 60), int(total % 60));
  return text;
}

ProgressDisplay::ProgressDisplay(std::FILE* lines, std::FILE* bar, int64_t rows, int64_t epochs)
    : lines_(lines), bar_(bar), rows_(rows), epochs_(epochs) {}

void ProgressDisplay::on_train_begin(Sequential&, const Progress& progress) {
  before_ = progress.epoch * rows_;
}

bool ProgressDisplay::on_step(const Progress& progress) {
  if (bar_) {
    const auto now = Clock::now();
    if (now - last_bar_ >= bar_interval) draw(progress, now);
  }
  return interrupted() != 0;
}

void ProgressDisplay::draw(const Progress& progress, Clock::time_point now) {
  last_bar_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double done = double((progress.epoch - 1) * rows_ + progress.rows), all = double(epochs_ * rows_);
  const double rate = std::max(done - double(before_), 1.0) / elapsed;

  char left[64], right[128];
  std::snprintf(left, sizeof left, "epoch %lld/%lld ", (long long)progress.epoch, (long long)epochs_);
  std::snprintf(right, sizeof right, " %3.0f %%  %s rows/s  %s left  loss %.4g", 100 * done / all,
                short_number(rate).c_str(), duration((all - done) / rate).c_str(), progress.loss);

  // One column stays free: some terminals wrap when the last one is written.
  const int width = std::max(terminal_width(bar_) - 1, 0);
  std::string line = left;
  const int room = std::min(width - int(line.size() + std::char_traits<char>::length(right)) - 2, 40);
  if (room >= 5) {
    const int full = std::clamp(int(std::lround(room * double(progress.rows) / double(rows_))), 0, room);
    line.append("[").append(size_t(full), '=').append(size_t(room - full), ' ').append("]");
  }
  line = (line + right).substr(0, size_t(width));
  // Spaces instead of "erase to the end": a bar without a single escape sequence works everywhere.
  const int padding = std::clamp(drawn_ - int(line.size()), 0, width - int(line.size()));
  drawn_ = int(line.size());
  std::fprintf(bar_, "\r%s%*s", line.c_str(), padding, "");
  std::fflush(bar_);
}

void ProgressDisplay::clear() {
  if (!bar_ || drawn_ == 0) return;
  std::fprintf(bar_, "\r%*s\r", drawn_, "");
  std::fflush(bar_);
  drawn_ = 0;
}

bool ProgressDisplay::on_epoch(const Epoch& epoch) {
  if (!lines_) return false;
  const int64_t stride = (epochs_ + screen_lines - 1) / screen_lines;
  const auto now = Clock::now();
  const bool due = epoch.epoch == 1 || epoch.epoch == epochs_ || epoch.epoch % stride == 0;
  if (due || now - last_line_ >= line_interval) {
    last_line_ = now;
    clear();
    const int digits = int(std::to_string(epochs_).size());
    std::fprintf(lines_, "epoch %*lld/%lld  loss %-8.4g", digits, (long long)epoch.epoch, (long long)epochs_,
                 epoch.train_loss);
    if (!std::isnan(epoch.validation_loss))
      std::fprintf(lines_, "  validation loss %-8.4g", epoch.validation_loss);
    if (!std::isnan(epoch.validation_accuracy))
      std::fprintf(lines_, "  accuracy %5.1f %%", 100 * epoch.validation_accuracy);
    std::fprintf(lines_, "  %.3g s\n", epoch.seconds);
    std::fflush(lines_);
  }
  return false;  // not here: after an epoch that is the run's own decision, and nothing would be left to
                 // resume
}

}  // namespace plexus::cli
