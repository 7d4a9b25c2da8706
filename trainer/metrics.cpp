#include "plexus/trainer/metrics.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>

#include "plexus/core/error.h"

namespace plexus {
namespace {

// Wider confusion matrices do not fit a terminal of 100 columns.
constexpr size_t widest_confusion = 16;

void print_confusion(std::ostream& out, const Evaluation& e) {
  const size_t classes = e.class_names.size();
  size_t width = 1, name_width = 4;
  for (int64_t count : e.confusion) width = std::max(width, std::to_string(count).size());
  for (const std::string& name : e.class_names) name_width = std::max(name_width, name.size());
  for (size_t c = 0; c < classes; ++c) width = std::max(width, std::to_string(c).size());

  out << "confusion (rows: true, columns: predicted)\n" << std::setw(static_cast<int>(name_width + 4)) << "";
  for (size_t c = 0; c < classes; ++c) out << ' ' << std::setw(static_cast<int>(width)) << c;
  for (size_t t = 0; t < classes; ++t) {
    out << '\n'
        << std::setw(3) << t << ' ' << std::left << std::setw(static_cast<int>(name_width))
        << e.class_names[t] << std::right;
    for (size_t p = 0; p < classes; ++p)
      out << ' ' << std::setw(static_cast<int>(width)) << e.confusion[t * classes + p];
  }
  out << '\n';
}

}  // namespace

Interval wilson_interval(int64_t correct, int64_t total) {
  if (correct < 0 || correct > total)
    throw ArgumentError("wilson_interval: " + std::to_string(correct) + " of " + std::to_string(total) +
                        ": give a part and a whole");
  if (total == 0) return {0, 1};
  const double z = 1.959963984540054;  // the normal distribution's 97.5 % quantile
  const double n = static_cast<double>(total), p = static_cast<double>(correct) / n;
  const double shrink = 1 / (1 + z * z / n);
  const double centre = shrink * (p + z * z / (2 * n));
  const double half = shrink * z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  // Exactly 0 and 1 at the ends, where rounding would leave 1e-17 or 1 - 1e-16.
  return {correct == 0 ? 0 : centre - half, correct == total ? 1 : centre + half};
}

std::ostream& operator<<(std::ostream& out, const Evaluation& e) {
  std::ostringstream text;  // leaves the caller's stream settings alone
  text << "loss " << std::setprecision(4) << e.loss << " on " << e.rows << (e.rows == 1 ? " row" : " rows")
       << '\n';
  if (e.classification) {
    text << std::fixed << std::setprecision(2) << "accuracy " << 100 * e.accuracy << " % (95 % interval "
         << 100 * e.interval.low << " to " << 100 * e.interval.high << " %)\n";
    if (e.class_names.size() <= widest_confusion) print_confusion(text, e);
  } else {
    text << "MAE " << e.mae << ", RMSE " << e.rmse << ", R2 " << e.r2 << '\n';
  }
  return out << text.str();
}

std::ostream& operator<<(std::ostream& out, const Epoch& e) {
  std::ostringstream text;  // leaves the caller's stream settings alone
  text << "epoch " << e.epoch << std::setprecision(4) << "  loss " << e.train_loss;
  if (!std::isnan(e.validation_loss)) text << "  validation loss " << e.validation_loss;
  if (!std::isnan(e.validation_accuracy))
    text << std::fixed << std::setprecision(1) << "  accuracy " << 100 * e.validation_accuracy << " %"
         << std::defaultfloat;
  text << std::setprecision(2) << "  " << e.seconds << " s";
  return out << text.str();
}

}  // namespace plexus
