#include "plexus/trainer/augmentation.h"

#include <algorithm>
#include <string>

#include "plexus/core/error.h"

namespace plexus {
namespace {

/// What is drawn for an image, in this order.
enum Choice : uint64_t { flipped, crop_down, crop_right, shift_down, shift_right, choices = 8 };

/// Beyond an edge the image goes on backwards, without its edge once more.
int64_t reflected(int64_t at, int64_t size) { return at < 0 ? -at : at >= size ? 2 * size - 2 - at : at; }

/// Where the pixels of one direction come from.
struct Moves {
  int64_t size, shift, crop;
  bool mirrored = false;

  /// The source of a pixel; -1: none, it is 0.
  int64_t source(int64_t at) const {
    if (at + shift < 0 || at + shift >= size) return -1;
    const int64_t from = reflected(at + shift + crop, size);
    return mirrored ? size - 1 - from : from;
  }
};

template <class T>
void augment_as(const Augmentation& augmentation, const Shape& image, const RandomStream& random, int64_t row,
                const T* in, T* out) {
  const int64_t height = image[image.rank() - 2], width = image[image.rank() - 1];
  const auto draw = [&](Choice choice, int64_t most) {
    const uint64_t position = static_cast<uint64_t>(row) * choices + choice;
    return most == 0
               ? 0
               : static_cast<int64_t>(random.below(static_cast<uint64_t>(2 * most + 1), position)) - most;
  };
  const Moves down{height, draw(shift_down, augmentation.shift), draw(crop_down, augmentation.crop)};
  const Moves right{
      width, draw(shift_right, augmentation.shift), draw(crop_right, augmentation.crop),
      augmentation.flip && random.below(2, static_cast<uint64_t>(row) * choices + flipped) == 1};
  // Pixels whose source lies within the image: one piece, forwards or backwards.
  const int64_t step = right.shift + right.crop;
  const int64_t first = std::clamp<int64_t>(std::max(-right.shift, -step), 0, width),
                last = std::clamp<int64_t>(std::min(width - right.shift, width - step), first, width);
  const int64_t lines = image.elements() / std::max<int64_t>(width, 1);
  for (int64_t line = 0; line < lines; ++line, out += width) {
    const int64_t y = line % height, from = down.source(y);
    if (from < 0) {
      std::fill_n(out, width, T(0));
      continue;
    }
    const T* const source = in + (line - y + from) * width;
    const auto outside = [&](int64_t x) { return right.source(x) < 0 ? T(0) : source[right.source(x)]; };
    for (int64_t x = 0; x < first; ++x) out[x] = outside(x);
    if (right.mirrored)
      for (int64_t x = first; x < last; ++x) out[x] = source[width - 1 - (x + step)];
    else
      std::copy(source + first + step, source + last + step, out + first);
    for (int64_t x = last; x < width; ++x) out[x] = outside(x);
  }
}

}  // namespace

void check_augmentation(const Augmentation& augmentation, const Shape& image) {
  if (!augmentation.any()) return;
  if (image.rank() != 2 && image.rank() != 3)
    throw ArgumentError("augmentation: rows of shape " + to_string(image) +
                        " are no images: reshape them to [height, width] or [channels, height, width]");
  const int64_t size = std::min(image[image.rank() - 2], image[image.rank() - 1]);
  for (const auto& [name, pixels] : {std::pair("crop", augmentation.crop), {"shift", augmentation.shift}})
    if (pixels < 0 || pixels >= std::max<int64_t>(size, 1))
      throw ArgumentError("augmentation: " + std::string(name) + " " + std::to_string(pixels) +
                          " for images of " + to_string(image) + ": choose 0 to " +
                          std::to_string(std::max<int64_t>(size, 1) - 1));
}

void augment(const Augmentation& augmentation, const Shape& image, const RandomStream& random, int64_t row,
             const float* in, float* out) {
  augment_as(augmentation, image, random, row, in, out);
}
void augment(const Augmentation& augmentation, const Shape& image, const RandomStream& random, int64_t row,
             const double* in, double* out) {
  augment_as(augmentation, image, random, row, in, out);
}

}  // namespace plexus
