#include "plexus/core/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "core/message.h"
#include "plexus/core/huge_pages.h"

namespace plexus {
namespace {

constexpr DType dtypes[] = {DType::f32, DType::f64,  DType::i32, DType::i64,
                            DType::u8,  DType::bf16, DType::i8};

template <class T>
std::vector<T> list(const Tensor& tensor) {
  const auto values = tensor.values<T>();
  return {values.begin(), values.end()};
}

std::vector<uint16_t> bf16_bits(const Tensor& tensor) {
  EXPECT_EQ(tensor.dtype(), DType::bf16);
  std::vector<uint16_t> bits(size_t(tensor.elements()));
  std::memcpy(bits.data(), tensor.bytes(), tensor.byte_count());
  return bits;
}

TEST(DTypeTest, NamesAndSizes) {
  const std::vector<std::pair<std::string_view, size_t>> expected = {
      {"f32", 4}, {"f64", 8}, {"i32", 4}, {"i64", 8}, {"u8", 1}, {"bf16", 2}, {"i8", 1}};
  for (size_t i = 0; i < std::size(dtypes); i++) {
    EXPECT_EQ(to_string(dtypes[i]), expected[i].first);
    EXPECT_EQ(size_of(dtypes[i]), expected[i].second);
  }
  EXPECT_EQ(to_string(DType(200)), "unknown");
  static_assert(dtype_of<float> == DType::f32 && dtype_of<double> == DType::f64 &&
                dtype_of<int32_t> == DType::i32 && dtype_of<int64_t> == DType::i64 &&
                dtype_of<uint8_t> == DType::u8);
}

TEST(TensorTest, DefaultIsEmpty) {
  const Tensor tensor;
  EXPECT_EQ(tensor.dtype(), DType::f32);
  EXPECT_EQ(tensor.shape(), Shape({0}));
  EXPECT_EQ(tensor.byte_count(), 0u);
  EXPECT_TRUE(tensor.values<float>().empty());
}

TEST(TensorTest, StartsAsZerosAligned) {
  for (const DType dtype : dtypes) {
    for (const int64_t columns : {1, 3, 17, 1000}) {
      const Tensor tensor(dtype, {3, columns});
      ASSERT_EQ(tensor.byte_count(), size_t(3 * columns) * size_of(dtype));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.bytes()) % alignment, 0u);
      for (size_t i = 0; i < tensor.byte_count(); i++) ASSERT_EQ(tensor.bytes()[i], std::byte(0));
      const Tensor raw = Tensor::uninitialized(dtype, {3, columns});
      EXPECT_EQ(reinterpret_cast<uintptr_t>(raw.bytes()) % alignment, 0u);
      EXPECT_EQ(raw.byte_count(), tensor.byte_count());
    }
  }
}

TEST(TensorTest, ZeroSizesAndScalars) {
  const Tensor empty(DType::f64, {0, 5});
  EXPECT_EQ(empty.byte_count(), 0u);
  EXPECT_EQ(Tensor(empty), empty);
  EXPECT_EQ(empty.converted(DType::i32).shape(), Shape({0, 5}));
  const Tensor scalar(DType::f64, {});
  EXPECT_EQ(list<double>(scalar), std::vector<double>{0});
}

TEST(TensorTest, FromCopies) {
  std::vector<int32_t> values = {1, 2, 3, 4, 5, 6};
  const Tensor tensor = Tensor::from(std::span<const int32_t>(values), {2, 3});
  values[0] = 7;
  EXPECT_EQ(tensor.dtype(), DType::i32);
  EXPECT_EQ(tensor.shape(), Shape({2, 3}));
  EXPECT_EQ(list<int32_t>(tensor), (std::vector<int32_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(message<ShapeError>([] { Tensor::from({1.0f, 2.0f}, {3}); }), "tensor [3]: 3 elements, given 2");
}

TEST(TensorTest, RefusesMoreBytesThanCanBeCounted) {
  constexpr int64_t elements = int64_t(1) << 60;
  EXPECT_EQ(message<ShapeError>([] { Tensor(DType::f64, {elements}); }),
            "tensor f64 [1152921504606846976]: more than 2^63 - 1 bytes");
  EXPECT_EQ(message<ShapeError>([] { Tensor::from({1.0}, {elements}); }),
            "tensor f64 [1152921504606846976]: more than 2^63 - 1 bytes");
}

TEST(TensorTest, CopiesAreDeep) {
  Tensor original = Tensor::from({1.0f, 2.0f}, {2});
  Tensor copy = original;
  Tensor assigned;
  assigned = original;
  original.values<float>()[0] = 9;
  EXPECT_EQ(list<float>(copy), (std::vector<float>{1, 2}));
  EXPECT_EQ(list<float>(assigned), (std::vector<float>{1, 2}));
  copy = *&copy;
  EXPECT_EQ(list<float>(copy), (std::vector<float>{1, 2}));
}

TEST(TensorTest, MovedFromIsEmpty) {
  Tensor original = Tensor::from({1.0, 2.0}, {2});
  const std::byte* address = original.bytes();
  Tensor moved = std::move(original);
  EXPECT_EQ(moved.bytes(), address);
  EXPECT_EQ(original, Tensor());  // NOLINT: that is the promise
  original = std::move(moved);
  EXPECT_EQ(original.bytes(), address);
  EXPECT_EQ(moved, Tensor());  // NOLINT
}

TEST(TensorTest, ValuesAskForTheRightType) {
  Tensor tensor(DType::i64, {2, 2});
  EXPECT_EQ(message<ShapeError>([&] { tensor.values<float>(); }),
            "tensor [2, 2]: elements are i64, asked for as f32; see converted()");
  const Tensor& constant = tensor;
  EXPECT_THROW(constant.values<int32_t>(), ShapeError);
}

TEST(TensorTest, Reshapes) {
  Tensor tensor = Tensor::from({1.0f, 2.0f, 3.0f, 4.0f}, {4});
  const std::byte* address = tensor.bytes();
  const Tensor matrix = std::move(tensor).reshaped({2, 2});
  EXPECT_EQ(matrix.shape(), Shape({2, 2}));
  EXPECT_EQ(matrix.bytes(), address);
  Tensor other(DType::u8, {3});
  EXPECT_EQ(message<ShapeError>([&] {
              std::move(other).reshaped({2, 2});
            }),
            "reshape [3] to [2, 2]: 3 elements are not 4");
  EXPECT_EQ(other.shape(), Shape({3}));  // a failed call changes nothing
}

TEST(TensorTest, ComparesTypeShapeAndBytes) {
  const Tensor a = Tensor::from({0.0f, 1.0f}, {2});
  EXPECT_EQ(a, Tensor::from({0.0f, 1.0f}, {2}));
  EXPECT_FALSE(a == Tensor::from({-0.0f, 1.0f}, {2}));
  EXPECT_FALSE(a == Tensor::from({0.0f, 1.0f}, {1, 2}));
  EXPECT_FALSE(Tensor(DType::f32, {2}) == Tensor(DType::i32, {2}));
  const float nan = std::bit_cast<float>(0x7fc00001u), other_nan = std::bit_cast<float>(0x7fc00002u);
  EXPECT_EQ(Tensor::from({nan}, {1}), Tensor::from({nan}, {1}));
  EXPECT_FALSE(Tensor::from({nan}, {1}) == Tensor::from({other_nan}, {1}));
}

TEST(TensorConvertTest, EveryPairOfTypesKeepsSmallNumbers) {
  const Tensor small = Tensor::from({0.0, 1.0, 2.0, 100.0, 127.0}, {5});
  for (const DType from : dtypes)
    for (const DType to : dtypes)
      EXPECT_EQ(small.converted(from).converted(to).converted(DType::f64), small)
          << to_string(from) << " to " << to_string(to);
}

TEST(TensorConvertTest, SameTypeKeepsTheBits) {
  const Tensor nan = Tensor::from({std::bit_cast<double>(0x7ff4000000000123u)}, {1});
  EXPECT_EQ(nan.converted(DType::f64), nan);
}

TEST(TensorConvertTest, RoundsOnceToNearestEven) {
  EXPECT_EQ(list<int32_t>(Tensor::from({0.5, 1.5, 2.5, -0.5, -2.5, 2.4, 2.6}, {7}).converted(DType::i32)),
            (std::vector<int32_t>{0, 2, 2, 0, -2, 2, 3}));
  EXPECT_EQ(
      list<float>(Tensor::from({1 + 0x1p-24, 1 + 0x3p-24, 1e300, -double(INFINITY)}, {4}).converted(DType::f32)),
      (std::vector<float>{1, 1 + 0x2p-23f, float(INFINITY), float(-INFINITY)}));
  // By way of double this integer would first lose its last bit, then tie downwards.
  EXPECT_EQ(
      list<float>(Tensor::from({(int64_t(1) << 60) + (int64_t(1) << 36) + 1}, {1}).converted(DType::f32)),
      (std::vector<float>{0x1p60f + 0x1p37f}));
}

TEST(TensorConvertTest, RoundsToBf16) {
  const double values[] = {1,    1 + 0x1p-8, 1 + 0x3p-8, 1 + 0x1p-8 + 0x1p-40,
                           -3.5, 0x1p-133,   0x1p-134,   0x3p-134,
                           -0.0, INFINITY,   3.4e38,     1e300};
  EXPECT_EQ(bf16_bits(Tensor::from(std::span<const double>(values), {12}).converted(DType::bf16)),
            (std::vector<uint16_t>{0x3f80, 0x3f80, 0x3f82, 0x3f81, 0xc060, 0x0001, 0x0000, 0x0002, 0x8000,
                                   0x7f80, 0x7f80, 0x7f80}));
  const auto nan = bf16_bits(Tensor::from({std::nan("")}, {1}).converted(DType::bf16));
  EXPECT_EQ(nan[0] & 0x7fff, 0x7fc0);
  // One above a tie, in a bit that a double of this size does not have: up, not to even.
  const int64_t tie = (int64_t(1) << 62) + (int64_t(1) << 54);
  EXPECT_EQ(bf16_bits(Tensor::from({tie, tie + 1, -tie - 1}, {3}).converted(DType::bf16)),
            (std::vector<uint16_t>{0x5e80, 0x5e81, 0xde81}));
}

/// Every bf16 is the upper half of a float, and comes back as it went.
TEST(TensorConvertTest, Bf16RoundTrip) {
  std::vector<float> all;
  for (uint32_t bits = 0; bits < 0x10000; bits++)
    if (const float value = std::bit_cast<float>(bits << 16); !std::isnan(value)) all.push_back(value);
  const Tensor floats = Tensor::from(std::span<const float>(all), {int64_t(all.size())});
  EXPECT_EQ(floats.converted(DType::bf16).converted(DType::f32), floats);
}

TEST(TensorConvertTest, RefusesWhatDoesNotFit) {
  const auto problem = [](const Tensor& tensor, DType dtype) {
    return message<ShapeError>([&] { tensor.converted(dtype); });
  };
  EXPECT_EQ(problem(Tensor::from({0.0, 2147483648.0}, {2}), DType::i32),
            "convert [2] to i32: element 1 is 2147483648");
  EXPECT_EQ(problem(Tensor::from({std::nan("")}, {1}), DType::i64), "convert [1] to i64: element 0 is nan");
  EXPECT_EQ(problem(Tensor::from({float(INFINITY)}, {1}), DType::u8), "convert [1] to u8: element 0 is inf");
  EXPECT_EQ(problem(Tensor::from({-0.75}, {1}), DType::u8), "convert [1] to u8: element 0 is -0.75");
  EXPECT_EQ(problem(Tensor::from({0x1p63}, {1}), DType::i64),
            "convert [1] to i64: element 0 is 9223372036854775808");
  EXPECT_EQ(problem(Tensor::from({int64_t(-1)}, {1, 1}), DType::u8), "convert [1, 1] to u8: element 0 is -1");
  EXPECT_EQ(problem(Tensor::from({int32_t(128)}, {1}), DType::i8), "convert [1] to i8: element 0 is 128");
  // The last that fit.
  EXPECT_EQ(list<int32_t>(Tensor::from({2147483647.25, -2147483648.5}, {2}).converted(DType::i32)),
            (std::vector<int32_t>{std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min()}));
  EXPECT_EQ(list<uint8_t>(Tensor::from({-0.5, 255.25}, {2}).converted(DType::u8)),
            (std::vector<uint8_t>{0, 255}));
  EXPECT_EQ(list<int64_t>(Tensor::from({-0x1p63}, {1}).converted(DType::i64)),
            (std::vector<int64_t>{std::numeric_limits<int64_t>::min()}));
}

TEST(TensorTest, AdoptsWithoutACopyAndGivesBackOnce) {
  std::vector<float> elements{1, 2, 3, 4};
  auto* bytes = reinterpret_cast<std::byte*>(elements.data());
  int released = 0;
  {
    Tensor tensor = Tensor::adopt(bytes, DType::f32, {2, 2}, [&] { ++released; });
    EXPECT_EQ(tensor.bytes(), bytes);
    Tensor moved = std::move(tensor);
    const Tensor copy = moved;  // deep: in memory of its own
    EXPECT_NE(copy.bytes(), bytes);
    EXPECT_EQ(copy, moved);
    Tensor reshaped = std::move(moved).reshaped({4});
    EXPECT_EQ(reshaped.bytes(), bytes);
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
  Tensor::adopt(nullptr, DType::f32, {0}, [&] { ++released; });
  EXPECT_EQ(released, 2);
  const int64_t huge = int64_t(1) << 61;
  EXPECT_THROW(Tensor::adopt(bytes, DType::f64, {huge}, [&] { ++released; }), ShapeError);
  EXPECT_EQ(released, 2);
}

TEST(TensorViewTest, DescribesATensor) {
  Tensor tensor = Tensor::from({1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}, {3, 2});
  const MutableTensorView writable = tensor.view();
  const TensorView view = writable;
  EXPECT_EQ(view.bytes(), tensor.bytes());
  EXPECT_EQ(view.dtype(), DType::f32);
  EXPECT_EQ(view.shape(), tensor.shape());
  EXPECT_EQ(view.row_stride(), 2);
  EXPECT_TRUE(view.dense());
}

TEST(TensorViewTest, RowsOfAStridedView) {
  Tensor tensor(DType::f64, {4, 6});
  const TensorView columns(tensor.bytes(), DType::f64, {4, 2, 2}, 6);
  EXPECT_FALSE(columns.dense());
  const TensorView rows = columns.rows(1, 2);
  EXPECT_EQ(rows.bytes(), tensor.bytes() + 6 * 8);
  EXPECT_EQ(rows.shape(), Shape({2, 2, 2}));
  EXPECT_EQ(rows.row_stride(), 6);
  EXPECT_EQ(columns.rows(4, 0).shape(), Shape({0, 2, 2}));
  EXPECT_EQ(message<ShapeError>([&] { columns.rows(2, 3); }), "rows: [2, +3) of [4, 2, 2]");
  EXPECT_THROW(columns.rows(-1, 1), ShapeError);
  EXPECT_THROW(columns.rows(1, -1), ShapeError);
  EXPECT_THROW(columns.rows(std::numeric_limits<int64_t>::max(), 1), ShapeError);
}

TEST(TensorTest, LargeOnesBeginAtAHugePage) {
  constexpr int64_t page = huge_page;
  for (const auto& [bytes, begin] : {std::pair{page - 1, alignment}, {page, huge_page}, {page + 1, huge_page}}) {
    Tensor tensor(DType::u8, {bytes});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.bytes()) % begin, 0u) << bytes;
    Tensor moved = std::move(tensor);
    moved.values<uint8_t>()[size_t(bytes) - 1] = 7;
    EXPECT_EQ(Tensor(moved).values<uint8_t>()[size_t(bytes) - 1], 7);
  }
}

}  // namespace
}  // namespace plexus
