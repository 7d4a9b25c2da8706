// Augmentation against plain loops that know the formulas alone; and what may change it: seed, epoch and row,
// nothing else.
#include "plexus/trainer/augmentation.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/trainer.h"
#include "core/message.h"

namespace plexus {
namespace {

using Image = std::vector<float>;

RandomStream epoch(uint32_t number, uint64_t seed = 3) { return {seed, Purpose::augment, 0, number}; }

/// Pixels 1, 2, 3, ...: each names its place.
Image numbered(const Shape& shape) {
  Image image(static_cast<size_t>(shape.elements()));
  std::iota(image.begin(), image.end(), 1.0f);
  return image;
}

Image augmented(const Augmentation& augmentation, const Shape& shape, const RandomStream& random,
                int64_t row) {
  const Image in = numbered(shape);
  Image out(in.size(), -1);
  augment(augmentation, shape, random, row, in.data(), out.data());
  return out;
}

/// The image as a function of every pixel's place.
template <class Source>
Image made(const Shape& shape, const Source& source) {
  const int64_t height = shape[shape.rank() - 2], width = shape[shape.rank() - 1];
  const Image in = numbered(shape);
  Image out;
  for (int64_t i = 0; i < shape.elements(); ++i) {
    const int64_t plane = i / (height * width), y = i / width % height, x = i % width;
    const auto [from_y, from_x] = source(y, x);
    const bool inside = from_y >= 0 && from_y < height && from_x >= 0 && from_x < width;
    out.push_back(inside ? in[static_cast<size_t>((plane * height + from_y) * width + from_x)] : 0);
  }
  return out;
}

const Shape shapes[] = {{5, 7}, {3, 6, 4}, {4, 4}, {1, 3, 9}};

TEST(Augmentation, FlipMirrorsAboutHalfOfTheImages) {
  for (const Shape& shape : shapes) {
    const int64_t width = shape[shape.rank() - 1];
    const Image mirrored = made(shape, [&](int64_t y, int64_t x) { return std::pair(y, width - 1 - x); });
    int count = 0;
    for (int64_t row = 0; row < 1000; ++row) {
      const Image image = augmented({.flip = true}, shape, epoch(1), row);
      if (image == mirrored)
        ++count;
      else
        ASSERT_EQ(image, numbered(shape)) << row;
    }
    EXPECT_GT(count, 430);  // 4.4 standard deviations
    EXPECT_LT(count, 570);
  }
}

TEST(Augmentation, ShiftMovesAndFillsWithZeros) {
  for (const Shape& shape : shapes) {
    std::set<Image> possible, seen;
    for (int64_t down = -2; down <= 2; ++down)
      for (int64_t right = -2; right <= 2; ++right)
        possible.insert(made(shape, [&](int64_t y, int64_t x) { return std::pair(y + down, x + right); }));
    for (int64_t row = 0; row < 1000; ++row) {
      const Image image = augmented({.shift = 2}, shape, epoch(1), row);
      ASSERT_TRUE(possible.contains(image)) << row;
      seen.insert(image);
    }
    EXPECT_EQ(seen, possible);
  }
}

TEST(Augmentation, CropShowsTheReflection) {
  const auto reflected = [](int64_t at, int64_t size) {
    while (at < 0 || at >= size) at = at < 0 ? -at : 2 * (size - 1) - at;
    return at;
  };
  for (const Shape& shape : shapes) {
    const int64_t height = shape[shape.rank() - 2], width = shape[shape.rank() - 1];
    std::set<Image> possible, seen;
    for (int64_t down = -2; down <= 2; ++down)
      for (int64_t right = -2; right <= 2; ++right)
        possible.insert(made(shape, [&](int64_t y, int64_t x) {
          return std::pair(reflected(y + down, height), reflected(x + right, width));
        }));
    for (int64_t row = 0; row < 1000; ++row) {
      const Image image = augmented({.crop = 2}, shape, epoch(1), row);
      ASSERT_TRUE(possible.contains(image)) << row;
      seen.insert(image);
    }
    EXPECT_EQ(seen, possible);
  }
}

TEST(Augmentation, AllTogetherInTheirOrder) {
  const auto reflected = [](int64_t at, int64_t size) {
    return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
  };
  for (const Shape& shape : shapes) {
    const int64_t height = shape[shape.rank() - 2], width = shape[shape.rank() - 1];
    std::set<Image> possible;
    for (const bool mirrored : {false, true})
      for (int i = 0; i < 81; ++i) {
        const int64_t crop_down = i % 3 - 1, crop_right = i / 3 % 3 - 1, down = i / 9 % 3 - 1,
                      right = i / 27 - 1;
        possible.insert(made(shape, [&](int64_t y, int64_t x) {
          if (y + down < 0 || y + down >= height || x + right < 0 || x + right >= width)
            return std::pair<int64_t, int64_t>(-1, -1);
          const int64_t from_x = reflected(x + right + crop_right, width);
          return std::pair(reflected(y + down + crop_down, height), mirrored ? width - 1 - from_x : from_x);
        }));
      }
    for (int64_t row = 0; row < 2000; ++row)
      ASSERT_TRUE(possible.contains(augmented({.flip = true, .crop = 1, .shift = 1}, shape, epoch(2), row)))
          << row;
  }
}

TEST(Augmentation, IsAFunctionOfSeedEpochAndRow) {
  const Augmentation all{.flip = true, .crop = 2, .shift = 2};
  int same_row = 0, same_epoch = 0, same_seed = 0;
  for (int64_t row = 0; row < 200; ++row) {
    const Image image = augmented(all, {5, 7}, epoch(1), row);
    EXPECT_EQ(augmented(all, {5, 7}, epoch(1), row), image);
    same_row += augmented(all, {5, 7}, epoch(1), row + 1) == image;
    same_epoch += augmented(all, {5, 7}, epoch(2), row) == image;
    same_seed += augmented(all, {5, 7}, epoch(1, 4), row) == image;
  }
  // One in 2 * 25 * 25 by chance.
  EXPECT_LT(same_row, 5);
  EXPECT_LT(same_epoch, 5);
  EXPECT_LT(same_seed, 5);
}

TEST(Augmentation, RefusesWhatIsNoImage) {
  const auto refused = [](const Augmentation& augmentation, const Shape& shape) {
    return message<ArgumentError>([&] { check_augmentation(augmentation, shape); });
  };
  EXPECT_EQ(refused({.flip = true}, {784}),
            "augmentation: rows of shape [784] are no images: reshape them to [height, width] or [channels, "
            "height, width]");
  EXPECT_EQ(refused({.shift = 5}, {5, 7}), "augmentation: shift 5 for images of [5, 7]: choose 0 to 4");
  EXPECT_EQ(refused({.crop = -1}, {3, 9, 7}), "augmentation: crop -1 for images of [3, 9, 7]: choose 0 to 6");
  EXPECT_NO_THROW(check_augmentation({}, {784}));
}

Dataset images(int64_t rows) {
  Tensor pixels(DType::u8, {rows, 6, 6}), labels(DType::i32, {rows});
  const RandomStream random(5, Purpose::user);
  for (size_t i = 0; i < pixels.values<uint8_t>().size(); ++i)
    pixels.values<uint8_t>()[i] = uint8_t(random.bits(i));
  for (int64_t row = 0; row < rows; ++row) labels.values<int32_t>()[size_t(row)] = int32_t(row % 3);
  return Dataset::classification(std::move(pixels), std::move(labels), {"a", "b", "c"});
}

/// Weights after six epochs.
Tensor trained(int threads, int64_t batch, int64_t accumulate, int first_call,
               const Augmentation& augmentation) {
  Sequential network(Standardize(), Flatten(), Dense(20), Dense(3));
  Trainer trainer(network, {.threads = threads, .accumulate = accumulate});
  FitOptions options{.epochs = first_call, .batch_size = batch, .seed = 9};
  options.augmentation = augmentation;
  trainer.fit(images(100), options);
  options.epochs = 6 - first_call;
  if (options.epochs > 0) trainer.fit(images(100), options);
  return network.store().get("1.weight");
}

// Epochs count on in a second call, and with them what happens to the images.
TEST(Augmentation, ThreadsAndInterruptionsChangeNothing) {
  const Augmentation all{.flip = true, .crop = 2, .shift = 1};
  const Tensor expected = trained(1, 16, 1, 6, all);
  EXPECT_EQ(trained(2, 16, 1, 6, all), expected);
  EXPECT_EQ(trained(3, 16, 1, 2, all), expected);
  EXPECT_FALSE(trained(1, 16, 1, 6, {}) == expected);
  EXPECT_EQ(trained(2, 8, 2, 4, all), trained(1, 8, 2, 6, all));
}

TEST(Augmentation, FitRefusesRowsThatAreNoImages) {
  Sequential network(Dense(2));
  Trainer trainer(network);
  FitOptions options;
  options.augmentation.flip = true;
  const Dataset rows = Dataset::classification(Tensor(DType::f32, {4, 3}),
                                               Tensor::from<int32_t>({0, 1, 0, 1}, {4}), {"a", "b"});
  EXPECT_THROW(trainer.fit(rows, options), ArgumentError);
  EXPECT_FALSE(network.built());
}

}  // namespace
}  // namespace plexus
