#include "plexus/io/elements.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <vector>

namespace plexus::io {
namespace {

// Fits the second-level cache with room for what it is converted to.
constexpr size_t chunk_bytes = size_t(64) << 10;
// What a reader may allocate before it has seen any data: less than a process needs to start.
constexpr uint64_t first_bytes = uint64_t(1) << 20;

// Types that files have and C++ has not.
struct Bool {
  uint8_t bits;
};
struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

uint8_t swapped(uint8_t bits) { return bits; }
uint16_t swapped(uint16_t bits) { return __builtin_bswap16(bits); }
uint32_t swapped(uint32_t bits) { return __builtin_bswap32(bits); }
uint64_t swapped(uint64_t bits) { return __builtin_bswap64(bits); }

template <size_t size>
using Bits = std::conditional_t<
    size == 1, uint8_t,
    std::conditional_t<size == 2, uint16_t, std::conditional_t<size == 4, uint32_t, uint64_t>>>;

float widened(Half half) {
  const uint32_t sign = uint32_t(half.bits & 0x8000) << 16;
  const uint32_t exponent = half.bits >> 10 & 31, fraction = half.bits & 1023;
  if (exponent == 0) {  // zero and denormals: fraction * 2^-24, exact in f32
    const float magnitude = float(fraction) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t rebiased = exponent == 31 ? 255 : exponent - 15 + 127;
  return std::bit_cast<float>(sign | rebiased << 23 | fraction << 13);
}

// The upper half of an f32.
float widened(BFloat value) { return std::bit_cast<float>(uint32_t(value.bits) << 16); }

// The number of elements converted: `count`, or the place of the first that does not fit.
template <class From, class To>
size_t convert(const std::byte* in, size_t count, bool swap, std::byte* out) {
  for (size_t i = 0; i < count; ++i) {
    Bits<sizeof(From)> bits;
    std::memcpy(&bits, in + i * sizeof(From), sizeof(From));
    const auto value = std::bit_cast<From>(swap ? swapped(bits) : bits);
    To result;
    if constexpr (std::is_same_v<From, Bool>) {
      result = value.bits != 0;
    } else if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat>) {
      result = widened(value);
    } else {
      if constexpr (std::is_same_v<From, uint64_t>)
        if (value > uint64_t(std::numeric_limits<int64_t>::max())) return i;
      result = To(value);
    }
    std::memcpy(out + i * sizeof(To), &result, sizeof(To));
  }
  return count;
}

struct Conversion {
  ElementKind kind;
  size_t size;
  DType dtype;
  bool same;  // the bytes are those of dtype, but for their order
  size_t (*run)(const std::byte* in, size_t count, bool swap, std::byte* out);
};

template <class From, class To = From>
constexpr Conversion conversion(ElementKind kind) {
  return {kind, sizeof(From), dtype_of<To>, std::is_same_v<From, To>, &convert<From, To>};
}

constexpr Conversion conversions[] = {conversion<Bool, uint8_t>(ElementKind::boolean),
                                      conversion<int8_t, int32_t>(ElementKind::signed_integer),
                                      conversion<int16_t, int32_t>(ElementKind::signed_integer),
                                      conversion<int32_t>(ElementKind::signed_integer),
                                      conversion<int64_t>(ElementKind::signed_integer),
                                      conversion<uint8_t>(ElementKind::unsigned_integer),
                                      conversion<uint16_t, int32_t>(ElementKind::unsigned_integer),
                                      conversion<uint32_t, int64_t>(ElementKind::unsigned_integer),
                                      conversion<uint64_t, int64_t>(ElementKind::unsigned_integer),
                                      conversion<Half, float>(ElementKind::floating),
                                      conversion<float>(ElementKind::floating),
                                      conversion<double>(ElementKind::floating),
                                      conversion<BFloat, float>(ElementKind::bfloat)};

const Conversion* find(const ElementType& type) {
  const auto* found = std::ranges::find_if(
      conversions, [&](const Conversion& c) { return c.kind == type.kind && c.size == type.size; });
  return found == std::end(conversions) ? nullptr : found;
}

}  // namespace

bool readable(const ElementType& type) { return find(type) != nullptr; }

Tensor read_elements(Source& source, const ElementType& type, const Shape& shape, uint64_t offset) {
  const Conversion& conversion = *find(type);
  const bool swap = type.size > 1 && type.big_endian != (std::endian::native == std::endian::big);
  const auto refuse = [&](uint64_t at, const std::string& found) {
    const __uint128_t expected = __uint128_t(shape.elements()) * type.size;
    const auto low = uint64_t(expected);  // above 2^64 no file can be anyway
    throw FormatError(source.path(), source.place(at),
                      "expected " + (expected == low ? std::to_string(low) : "more than 2^64") +
                          " bytes of data for shape " + to_string(shape) + ", found " + found);
  };

  const uint64_t certain = source.certain(), possible = source.possible();
  const auto count = uint64_t(shape.elements());
  if (count > possible / type.size) {
    refuse(offset, (certain == possible ? "" : "at most ") + std::to_string(possible));
  }
  if (count * type.size < certain && certain == possible) refuse(offset, std::to_string(certain));

  uint64_t capacity = std::min(count, std::max(certain, first_bytes) / type.size), filled = 0;
  Tensor data = Tensor::uninitialized(conversion.dtype, {int64_t(capacity)});
  const size_t width = size_of(conversion.dtype);
  const bool direct = conversion.same && !swap;
  std::vector<std::byte> chunk(direct ? 0 : std::min<uint64_t>(chunk_bytes, capacity * type.size));
  while (filled < count) {
    if (filled == capacity) {
      capacity = std::min(count, 2 * capacity);
      Tensor larger = Tensor::uninitialized(conversion.dtype, {int64_t(capacity)});
      std::memcpy(larger.bytes(), data.bytes(), filled * width);
      data = std::move(larger);
    }
    const size_t wanted =
        direct ? capacity - filled : std::min<size_t>(capacity - filled, chunk_bytes / type.size);
    std::byte* out = data.bytes() + filled * width;
    const size_t bytes = source.read(direct ? out : chunk.data(), wanted * type.size);
    if (bytes < wanted * type.size) refuse(offset, std::to_string(filled * type.size + bytes));
    const size_t converted = direct ? wanted : conversion.run(chunk.data(), wanted, swap, out);
    if (converted < wanted) {
      throw FormatError(source.path(), source.place(offset + (filled + converted) * type.size),
                        "an unsigned number above 2^63 - 1, which does not fit i64");
    }
    filled += wanted;
  }
  std::byte excess;
  if (source.read(&excess, 1) != 0) refuse(offset, "more");
  return std::move(data).reshaped(shape);
}

}  // namespace plexus::io
