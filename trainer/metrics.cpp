#include "plexus/trainer/metrics.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>

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

void print_scores(std::ostream& out, const Evaluation& e) {
  size_t name_width = 5;
  for (const std::string& name : e.class_names) name_width = std::max(name_width, name.size());
  const auto share = [&](double value) { out << "  " << std::setw(9) << value; };
  out << std::setw(static_cast<int>(name_width + 4)) << ""
      << "  precision     recall         F1        AUC       rows\n"
      << std::setprecision(4);
  for (size_t c = 0; c < e.scores.size(); ++c) {
    const ClassScore& score = e.scores[c];
    out << std::setw(3) << c << ' ' << std::left << std::setw(static_cast<int>(name_width))
        << e.class_names[c] << std::right;
    share(score.precision), share(score.recall), share(score.f1),
        share(c < e.auc.size() ? e.auc[c] : e.macro_auc);
    out << "  " << std::setw(9) << score.rows << '\n';
  }
  out << "F1 " << e.macro_f1 << ", AUC " << e.macro_auc << " (means over the classes)";
  // Of five classes or fewer every row is among the first five.
  if (e.scores.size() > 5)
    out << ", top-5 accuracy " << std::setprecision(2) << 100 * e.top5_accuracy << " %";
  if (!e.calibration.bins.empty())
    out << ", calibration error " << std::setprecision(2) << 100 * e.calibration.error << " %";
  out << '\n';
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Evaluation& e) {
  std::ostringstream text;  // leaves the caller's stream settings alone
  text << "loss " << std::setprecision(4) << e.loss << " on " << e.rows << (e.rows == 1 ? " row" : " rows")
       << '\n';
  if (e.classification) {
    text << std::fixed << std::setprecision(2) << "accuracy " << 100 * e.accuracy << " % (95 % interval "
         << 100 * e.interval.low << " to " << 100 * e.interval.high << " %)\n";
    if (e.class_names.size() <= widest_confusion) print_confusion(text, e);
    if (!e.scores.empty() && e.class_names.size() <= widest_confusion) print_scores(text, e);
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
