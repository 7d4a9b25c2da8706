#include "plexus/cli/predictions.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plexus/cli/image.h"

namespace plexus::cli {
namespace {

constexpr int64_t across = 5;           // images side by side
constexpr int64_t smallest_image = 14;  // columns; below that no T-shirt can be told from a coat
constexpr int64_t gap = 2;              // columns between images
constexpr int file_width = 150;         // where there is no terminal: five images of 28 columns
constexpr int64_t most_features = 6;    // of a table's row; more do not fit a line

struct Guess {
  std::string truth, predicted;
  double probability = 0;
  bool right() const { return truth == predicted; }
};

Guess guess(const Dataset& data, int64_t row, std::span<const float> logits) {
  // The first of equal ones, as everywhere in Plexus.
  const auto best = std::max_element(logits.begin(), logits.end());
  const auto predicted = size_t(best - logits.begin());
  return {data.class_names()[size_t(data.label(row))], data.class_names()[predicted],
          probabilities(logits)[predicted]};
}

std::string paint(const std::string& text, bool good, Colour colour) {
  if (colour == Colour::none) return text;
  return (good ? "\033[32m" : "\033[31m") + text + "\033[0m";
}

std::string padded(const std::string& text, int64_t width) {
  const std::string cut = text.substr(0, size_t(width));
  return cut + std::string(size_t(width) - cut.size(), ' ');
}

void show_images(std::FILE* out, const Dataset& data, const std::vector<Guess>& guesses, Colour colour) {
  const int64_t terminal = terminal_width(out) ? terminal_width(out) : file_width;
  const int64_t full = data.feature_shape()[1];
  int64_t factor = 1;
  const auto width_of = [&](int64_t f) { return (full + f - 1) / f; };
  while (across * (width_of(factor) + gap) - gap > terminal && width_of(factor + 1) >= smallest_image)
    ++factor;
  const int64_t cell = std::max(width_of(factor), smallest_image);
  const int64_t columns = std::clamp<int64_t>((terminal + gap) / (cell + gap), 1, across);

  std::fprintf(out, "\n%zu test images; below each what it is, and what the network takes it for\n",
               guesses.size());
  const std::string space(size_t(gap), ' ');
  for (int64_t first = 0; first < int64_t(guesses.size()); first += columns) {
    const int64_t last = std::min(first + columns, int64_t(guesses.size()));
    std::vector<std::string> lines;
    for (int64_t i = first; i < last; ++i) {
      const Image picture = shrink(image(data, i), factor);
      const Guess& g = guesses[size_t(i)];
      std::vector<std::string> block = draw(picture, colour);
      for (std::string& line : block) line += std::string(size_t(cell - picture.width), ' ');
      block.push_back(padded(g.truth, cell));
      block.push_back(paint(padded((g.right() ? "ok " : "no ") + g.predicted, cell), g.right(), colour));
      lines.resize(block.size());
      for (size_t l = 0; l < block.size(); ++l) lines[l] += (i == first ? "" : space) + block[l];
    }
    std::fputc('\n', out);
    for (const std::string& line : lines) std::fprintf(out, "%s\n", line.c_str());
  }
}

// The features of a row, shortened.
std::string features(const Dataset& data, int64_t row) {
  std::vector<double> values(size_t(data.feature_shape().elements()));
  data.read_features(row, values.data());
  std::string text;
  for (size_t i = 0; i < std::min(values.size(), size_t(most_features)); ++i) {
    char number[32];
    std::snprintf(number, sizeof number, "%9.4g", values[i]);
    text += number;
  }
  return text + (values.size() > size_t(most_features) ? " ..." : "");
}

void show_rows(std::FILE* out, const Dataset& data, const std::vector<Guess>& guesses, Colour colour) {
  size_t width = 4;
  for (const std::string& name : data.class_names()) width = std::max(width, name.size());
  std::fprintf(out, "\n%zu test rows: features, what it is, what the network takes it for\n", guesses.size());
  for (size_t i = 0; i < guesses.size(); ++i) {
    const Guess& g = guesses[i];
    const std::string verdict =
        paint((g.right() ? "ok " : "no ") + padded(g.predicted, int64_t(width)), g.right(), colour);
    std::fprintf(out, "%s   %s   %s %3.0f %%\n", features(data, int64_t(i)).c_str(),
                 padded(g.truth, int64_t(width)).c_str(), verdict.c_str(), 100 * g.probability);
  }
}

void show_values(std::FILE* out, const Dataset& data, const Tensor& predicted) {
  std::fprintf(out, "\n%lld test rows: features, target, prediction\n", (long long)data.size());
  std::vector<float> target(size_t(data.target_shape().elements()));
  const auto values = predicted.values<float>();
  for (int64_t row = 0; row < data.size(); ++row) {
    data.read_target(row, target.data());
    std::fprintf(out, "%s  ", features(data, row).c_str());
    for (size_t c = 0; c < target.size(); ++c)
      std::fprintf(out, " %9.4g   %9.4g%s", double(target[c]),
                   double(values[size_t(row) * target.size() + c]), c + 1 < target.size() ? "  " : "\n");
  }
}

}  // namespace

std::vector<double> probabilities(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> result;
  double sum = 0;
  for (const float logit : logits) sum += result.emplace_back(std::exp(double(logit) - largest));
  for (double& value : result) value /= sum;
  return result;
}

void show_predictions(std::FILE* out, Trainer& trainer, const Dataset& data, int64_t count, Colour colour) {
  std::vector<int64_t> rows(size_t(std::min(count, data.size())));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  const Dataset shown = data.subset(rows);
  const Tensor predicted = trainer.predict(shown);
  if (!shown.labels()) return show_values(out, shown, predicted);

  const auto columns = size_t(predicted.shape().columns());
  std::vector<Guess> guesses;
  for (size_t i = 0; i < rows.size(); ++i)
    guesses.push_back(guess(shown, int64_t(i), predicted.values<float>().subspan(i * columns, columns)));
  if (has_images(shown))
    show_images(out, shown, guesses, colour);
  else
    show_rows(out, shown, guesses, colour);
}

}  // namespace plexus::cli
