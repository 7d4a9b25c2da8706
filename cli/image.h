// Image: grey pictures drawn with characters.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "plexus/cli/terminal.h"
#include "plexus/trainer/dataset.h"

namespace plexus::cli {

struct Image {
  int64_t height = 0, width = 0;
  std::vector<double> grey;  ///< row by row, 0 black to 1 white
};

/// True where the rows of the data are pictures [height, width].
bool has_images(const Dataset& data);
Image image(const Dataset& data, int64_t row);

/// Every `factor` x `factor` pixels averaged to one.
Image shrink(const Image& image, int64_t factor);

/// Lines of `image.width` columns, two pixels above each other in a character: half blocks in 256 or 2^24 colours where
/// the terminal has them and UTF-8, else a ramp of ASCII characters.
std::vector<std::string> draw(const Image& image, Colour colour);

}  // namespace plexus::cli
