#include "plexus/core/shape.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "core/message.h"
#include "plexus/core/error.h"

namespace plexus {
namespace {

constexpr int64_t large = int64_t(1) << 40;

TEST(ShapeTest, ScalarHasOneElement) {
  const Shape scalar;
  EXPECT_EQ(scalar.rank(), 0u);
  EXPECT_EQ(scalar.elements(), 1);
  EXPECT_EQ(scalar.rows(), 1);
  EXPECT_EQ(scalar.columns(), 1);
  EXPECT_EQ(scalar.row(), scalar);
  EXPECT_EQ(scalar.batched(5), Shape({5}));
  EXPECT_EQ(to_string(scalar), "[]");
}

TEST(ShapeTest, CountsElementsRowsAndColumns) {
  const Shape shape{128, 28, 27};
  EXPECT_EQ(shape.rank(), 3u);
  EXPECT_EQ(shape[2], 27);
  EXPECT_EQ(shape.elements(), 128 * 28 * 27);
  EXPECT_EQ(shape.rows(), 128);
  EXPECT_EQ(shape.columns(), 28 * 27);
  EXPECT_EQ(std::vector<int64_t>(shape.begin(), shape.end()), (std::vector<int64_t>{128, 28, 27}));
  EXPECT_EQ(shape.sizes().size(), 3u);
  EXPECT_EQ(to_string(shape), "[128, 28, 27]");
}

TEST(ShapeTest, ChangesItsFirstDimension) {
  const Shape shape{128, 28, 27};
  EXPECT_EQ(shape.with_rows(5), Shape({5, 28, 27}));
  EXPECT_EQ(shape.batched(5), Shape({5, 128, 28, 27}));
  EXPECT_EQ(shape.row(), Shape({28, 27}));
  EXPECT_EQ(Shape({7}).row(), Shape());
}

TEST(ShapeTest, ZeroSizesCount) {
  EXPECT_EQ(Shape({0}).elements(), 0);
  EXPECT_EQ(Shape({3, 0, 2}).columns(), 0);
  const Shape no_rows{0, 4, 5};
  EXPECT_EQ(no_rows.elements(), 0);
  EXPECT_EQ(no_rows.rows(), 0);
  EXPECT_EQ(no_rows.columns(), 20);
  EXPECT_EQ(no_rows.with_rows(2).elements(), 40);
}

TEST(ShapeTest, ComparesRankAndSizes) {
  EXPECT_EQ(Shape({2, 3}), Shape({2, 3}));
  EXPECT_FALSE(Shape({2, 3}) == Shape({3, 2}));
  EXPECT_FALSE(Shape({2, 3}) == Shape({2, 3, 1}));
  EXPECT_FALSE(Shape() == Shape({1}));
}

TEST(ShapeTest, RefusesWhatIsNoShape) {
  EXPECT_EQ(message<ShapeError>([] { Shape{2, -1}; }), "shape [2, -1]: negative size");
  EXPECT_EQ(message<ShapeError>([] { Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}; }),
            "shape [1, 1, 1, 1, 1, 1, 1, 1, 1]: 9 dimensions, at most 8");
  EXPECT_EQ(message<ShapeError>([] {
              Shape{large, large};
            }),
            "shape [1099511627776, 1099511627776]: more than 2^63 - 1 elements");
  EXPECT_EQ(message<ShapeError>([] {
              Shape{large, 0, large};
            }),
            "shape [1099511627776, 0, 1099511627776]: more than 2^63 - 1 elements");
  EXPECT_EQ(message<ShapeError>([] { Shape{2}.with_rows(-3); }), "shape [-3]: negative size");
  EXPECT_EQ(message<ShapeError>([] { Shape{}.with_rows(3); }), "shape []: a scalar has no rows to replace");
  EXPECT_EQ(message<ShapeError>([] {
              Shape({1, 1, 1, 1, 1, 1, 1, 1}).batched(2);
            }),
            "shape [2, 1, 1, 1, 1, 1, 1, 1, 1]: 9 dimensions, at most 8");
}

TEST(ShapeTest, HoldsTheLargestProduct) {
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(Shape({most}).elements(), most);
  EXPECT_EQ(Shape({1, most / 7, 7}).elements(), most / 7 * 7);
  EXPECT_THROW((Shape{most / 7 + 1, 7}), ShapeError);
}

}  // namespace
}  // namespace plexus
