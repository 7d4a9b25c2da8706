#include "plexus/cli/image.h"

#include <algorithm>
#include <cmath>

namespace plexus::cli {
namespace {

// The colour's parameters for "select graphic rendition": 38 in front for the foreground, 48 for the
// background.
std::string grey_code(double grey, Colour colour) {
  if (colour == Colour::full) {
    const std::string level = std::to_string(std::lround(255 * grey));
    return "2;" + level + ";" + level + ";" + level;
  }
  // The palette's grey ramp: 24 steps from 232, between black (16) and white (231).
  const long step = std::lround(25 * grey);
  return "5;" + std::to_string(step == 0 ? 16 : step == 25 ? 231 : 231 + step);
}

// Dark to light, by how much of the cell is inked.
constexpr std::string_view ramp = " .:-=+*#%@";

}  // namespace

bool has_images(const Dataset& data) {
  const Shape shape = data.feature_shape();
  return shape.rank() == 2 && shape.elements() > 0;
}

Image image(const Dataset& data, int64_t row) {
  const Shape shape = data.feature_shape();
  Image result{shape[0], shape[1], std::vector<double>(size_t(shape.elements()))};
  data.read_features(row, result.grey.data());
  // Bytes, or already between 0 and 1.
  const double white = *std::max_element(result.grey.begin(), result.grey.end()) > 1 ? 255 : 1;
  for (double& grey : result.grey) grey = std::clamp(grey / white, 0.0, 1.0);
  return result;
}

Image shrink(const Image& image, int64_t factor) {
  Image small{(image.height + factor - 1) / factor, (image.width + factor - 1) / factor, {}};
  for (int64_t y = 0; y < small.height; ++y)
    for (int64_t x = 0; x < small.width; ++x) {
      double sum = 0;
      int64_t count = 0;
      for (int64_t i = y * factor; i < std::min((y + 1) * factor, image.height); ++i)
        for (int64_t j = x * factor; j < std::min((x + 1) * factor, image.width); ++j, ++count)
          sum += image.grey[size_t(i * image.width + j)];
      small.grey.push_back(sum / double(count));
    }
  return small;
}

std::vector<std::string> draw(const Image& image, Colour colour) {
  std::vector<std::string> lines;
  const auto pixel = [&](int64_t y, int64_t x) {
    return y < image.height ? image.grey[size_t(y * image.width + x)] : 0.0;
  };
  const bool blocks = colour != Colour::none && utf8();
  for (int64_t y = 0; y < image.height; y += 2) {
    std::string line;
    for (int64_t x = 0; x < image.width; ++x) {
      const double upper = pixel(y, x), lower = pixel(y + 1, x);
      if (blocks) {
        line += "\033[38;" + grey_code(upper, colour) + ";48;" + grey_code(lower, colour) + "m\u2580";
      } else {
        line += ramp[size_t(std::lround((upper + lower) / 2 * double(ramp.size() - 1)))];
      }
    }
    lines.push_back(blocks ? line + "\033[0m" : line);
  }
  return lines;
}

}  // namespace plexus::cli
