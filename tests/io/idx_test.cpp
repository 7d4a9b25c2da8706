#include "plexus/io/idx.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "io/allocations.h"
#include "io/files.h"

namespace plexus {
namespace {

using test::operator""_bytes;
using test::Directory;
using test::gzip;

class Idx : public testing::Test {
 protected:
  Tensor load(const std::string& bytes) { return load_idx(directory.write("a.idx", bytes)); }
  std::string refusal(const std::string& bytes) {
    const std::string path = directory.write("a.idx", bytes);
    return test::error<FormatError>(path, [&] { load_idx(path); });
  }
  Directory directory;
};

const std::string pixels = "\0\0\x08\x02\0\0\0\2\0\0\0\3\0\1\2\xfd\xfe\xff"_bytes;  // 2 x 3

TEST_F(Idx, ReadsEveryType) {
  EXPECT_EQ(load(pixels), Tensor::from<uint8_t>({0, 1, 2, 253, 254, 255}, {2, 3}));
  EXPECT_EQ(load("\0\0\x09\1\0\0\0\3\x80\xff\x7f"_bytes), Tensor::from<int32_t>({-128, -1, 127}, {3}));
  EXPECT_EQ(load("\0\0\x0b\1\0\0\0\2\x80\0\1\2"_bytes), Tensor::from<int32_t>({-32768, 258}, {2}));
  EXPECT_EQ(load("\0\0\x0c\1\0\0\0\2\x80\0\0\0\1\2\3\4"_bytes),
            Tensor::from<int32_t>({-2147483647 - 1, 0x01020304}, {2}));
  EXPECT_EQ(load("\0\0\x0d\1\0\0\0\2\x3f\x80\0\0\xff\x80\0\0"_bytes), Tensor::from({1.0f, -HUGE_VALF}, {2}));
  EXPECT_EQ(load("\0\0\x0e\1\0\0\0\1\xc0\x08\0\0\0\0\0\0"_bytes), Tensor::from({-3.0}, {1}));
}

TEST_F(Idx, ReadsEmptyAndEightDimensions) {
  EXPECT_EQ(load("\0\0\x08\1\0\0\0\0"_bytes), Tensor(DType::u8, {0}));
  std::string deep = "\0\0\x08\x08"_bytes;
  for (int i = 0; i < 8; ++i) deep += "\0\0\0\1"_bytes;
  EXPECT_EQ(load(deep + "x"), Tensor::from<uint8_t>({'x'}, {1, 1, 1, 1, 1, 1, 1, 1}));
}

TEST_F(Idx, RefusesHeaders) {
  EXPECT_EQ(refusal(""), "byte 0: not an IDX file: it starts with nothing instead of 00 00");
  EXPECT_EQ(refusal("\x89PNG"), "byte 0: not an IDX file: it starts with 89 50 4e 47 instead of 00 00");
  EXPECT_EQ(refusal("\0\1\x08\1\0\0\0\0"_bytes),
            "byte 0: not an IDX file: it starts with 00 01 08 01 instead of 00 00");
  EXPECT_EQ(refusal("\0\0"_bytes), "byte 2: the file ends within its header");
  EXPECT_EQ(refusal("\0\0\x0a\1\0\0\0\0"_bytes),
            "byte 2: unknown type 0a; expected 08, 09, 0b, 0c, 0d or 0e");
  EXPECT_EQ(refusal("\0\0\x0f\1\0\0\0\0"_bytes),
            "byte 2: unknown type 0f; expected 08, 09, 0b, 0c, 0d or 0e");
  EXPECT_EQ(refusal("\0\0\x08\0"_bytes), "byte 3: 0 dimensions; expected 1 to 8");
  EXPECT_EQ(refusal("\0\0\x08\x09"_bytes + std::string(40, '\1')), "byte 3: 9 dimensions; expected 1 to 8");
  EXPECT_EQ(refusal("\0\0\x08\2\0\0\0\1\0\0"_bytes), "byte 10: the file ends within its header");
  EXPECT_EQ(refusal("\0\0\x08\3"_bytes + std::string(12, '\xff')),
            "byte 4: shape [4294967295, 4294967295, 4294967295]: more than 2^63 - 1 elements");
}

TEST_F(Idx, RefusesDataOfAnotherLength) {
  EXPECT_EQ(refusal(pixels.substr(0, pixels.size() - 1)),
            "byte 12: expected 6 bytes of data for shape [2, 3], found 5");
  EXPECT_EQ(refusal(pixels + "x"), "byte 12: expected 6 bytes of data for shape [2, 3], found 7");
  EXPECT_EQ(refusal("\2\0\0\0\0\0\3\x08"_bytes),
            "byte 0: not an IDX file: it starts with 02 00 00 00 instead of 00 00");  // little-endian
  EXPECT_EQ(refusal("\0\0\x0e\1\0\0\0\2"_bytes + std::string(8, 'x')),
            "byte 8: expected 16 bytes of data for shape [2], found 8");
}

TEST_F(Idx, ReadsGzip) {
  EXPECT_EQ(load(gzip(pixels)), load(pixels));
  EXPECT_EQ(load(gzip(pixels.substr(0, 7)) + gzip("") + gzip(pixels.substr(7))), load(pixels));  // members
}

// More than fits any buffer, in every type of growth: numbers converted and not.
TEST_F(Idx, ReadsLargeGzip) {
  constexpr size_t count = 3 << 20;
  std::string bytes = "\0\0\x08\1\0\x30\0\0"_bytes;
  for (size_t i = 0; i < count; ++i) bytes += char(i * i >> 7);
  const Tensor large = load(gzip(bytes));
  EXPECT_EQ(large.shape(), Shape{count});
  EXPECT_TRUE(
      std::equal(large.bytes(), large.bytes() + count, reinterpret_cast<const std::byte*>(bytes.data() + 8)));
  bytes.replace(0, 8, "\0\0\x0d\1\0\x0c\0\0"_bytes);
  EXPECT_EQ(load(gzip(bytes)), load(bytes));
}

TEST_F(Idx, RefusesDamagedGzip) {
  const std::string good = gzip(pixels);
  const auto size = std::to_string(good.size());
  std::string crc = good, length = good;
  crc[good.size() - 8] ^= 1;
  length[good.size() - 4] ^= 1;
  EXPECT_TRUE(refusal(crc).ends_with(": damaged gzip data: incorrect data check")) << refusal(crc);
  EXPECT_TRUE(refusal(length).ends_with(": damaged gzip data: incorrect length check")) << refusal(length);
  EXPECT_EQ(refusal(good + "x"), "byte " + size + ": something that is not gzip follows the compressed data");
  EXPECT_EQ(refusal(good + "\0"_bytes),
            "byte " + size + ": something that is not gzip follows the compressed data");
  EXPECT_TRUE(refusal(good + "\x1fx").ends_with(": damaged gzip data: incorrect header check"));
  EXPECT_EQ(refusal(good.substr(0, good.size() - 1)),
            "byte " + std::to_string(good.size() - 1) + ": the compressed data ends early");
  EXPECT_EQ(refusal(gzip("hello")),
            "decompressed byte 0: not an IDX file: it starts with 68 65 6c 6c instead of 00 00");
  EXPECT_EQ(refusal(gzip(pixels + "x")),
            "decompressed byte 12: expected 6 bytes of data for shape [2, 3], found more");
  EXPECT_EQ(refusal(gzip(pixels.substr(0, 15))),
            "decompressed byte 12: expected 6 bytes of data for shape [2, 3], found 3");
}

TEST_F(Idx, AllocatesNothingForWhatAHeaderClaims) {
  test::reset_largest_allocation();
  const std::string terabytes = "\0\0\x0e\3\0\1\0\0\0\1\0\0\0\0\1\0"_bytes;
  EXPECT_EQ(refusal(terabytes),
            "byte 16: expected 8796093022208 bytes of data for shape [65536, 65536, 256], found 0");
  const std::string compressed = gzip(terabytes);
  EXPECT_EQ(refusal(compressed),
            "decompressed byte 16: expected 8796093022208 bytes of data for shape [65536, 65536, 256], found "
            "at most " +
                std::to_string(1100 * compressed.size()));
  // A claim that the compressed size allows, of data that is not there.
  std::string noise;
  for (uint32_t i = 0, state = 1; i < 300000; ++i)
    noise += char((state = state * 1664525 + 1013904223) >> 24);
  const std::string member = gzip("\0\0\x08\1\x0f\xff\xff\xff"_bytes + noise);
  EXPECT_EQ(refusal(member),
            "decompressed byte 8: expected 268435455 bytes of data for shape [268435455], found 300000");
  EXPECT_LE(test::largest_allocation(), size_t(1) << 20);
}

// 8 MiB of zeros from 8 KiB: the memory is for the zeros, which are there.
TEST_F(Idx, LoadsWhatCompressesWell) {
  const std::string zeros = "\0\0\x08\1\0\x80\0\0"_bytes + std::string(8 << 20, '\0');
  EXPECT_EQ(load(gzip(zeros)), Tensor(DType::u8, {8 << 20}));
}

TEST_F(Idx, EveryPrefixIsRefused) {
  for (const std::string& file : {pixels, gzip(pixels)}) {
    test::for_each_prefix(file, [&](const std::string& bytes, size_t length) {
      EXPECT_THROW(load(bytes), FormatError) << length;
    });
  }
}

// There is no checksum: a flipped bit in the data is another value of one element. In the header it is
// refused, but for those that turn one type into another of its size, 08 (unsigned) and 09 (signed), 0c
// (integer) and 0d (floating).
TEST_F(Idx, EveryFlippedBitIsRefusedOrOneElement) {
  const std::string integers = "\0\0\x0c\1\0\0\0\2\0\0\0\1\x80\0\0\7"_bytes;
  for (const std::string& file : {pixels, integers}) {
    const Tensor original = load(file);
    const size_t data_at = file == pixels ? 12 : 8;
    test::for_each_flip(file, [&](const std::string& bytes, size_t bit) {
      if (bit / 8 >= data_at) {
        EXPECT_EQ(test::differences(load(bytes), original), 1) << bit;
      } else if (bit != 16) {
        EXPECT_THROW(load(bytes), FormatError) << bit;
      } else if (file == pixels) {
        EXPECT_EQ(load(bytes), Tensor::from<int32_t>({0, 1, 2, -3, -2, -1}, {2, 3}));
      } else {
        EXPECT_EQ(load(bytes), Tensor::from({0x1p-149f, -7 * 0x1p-149f}, {2}));
      }
    });
  }
}

// Gzip has a checksum: what loads is what was written.
TEST_F(Idx, EveryFlippedBitOfGzipIsRefusedOrHarmless) {
  const Tensor original = load(pixels);
  int loaded = 0;
  test::for_each_flip(gzip(pixels), [&](const std::string& bytes, size_t bit) {
    try {
      const Tensor tensor = load(bytes);
      EXPECT_EQ(tensor, original) << bit;
      ++loaded;
    } catch (const FormatError&) {
    }
  });
  EXPECT_LE(loaded, 8 * 7);  // time, system and flags of the gzip header
}

}  // namespace
}  // namespace plexus
