// How specs write their line, and how they refuse: shared by the families, not public.
#pragma once
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "plexus/core/error.h"
#include "plexus/core/spec/operand.h"

namespace plexus::spec {

/// The shortest digits that read back as the same number, whatever the locale.
template <class T>
std::string number(T value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value + T(0)).ptr;  // + 0: -0 equals 0
  return {digits, end};
}

/// A spec's line, piece by piece.
class Line {
 public:
  explicit Line(std::string_view family) : line_(family) {}

  /// "/relu"
  Line& word(std::string_view word) {
    (line_ += '/') += word;
    return *this;
  }
  Line& flag(std::string_view name, bool set) { return set ? word(name) : *this; }
  /// "/n512", "/m128~"
  Line& dimension(std::string_view name, int64_t size, bool varies = false) {
    (word(name).line_ += std::to_string(size)) += varies ? "~" : "";
    return *this;
  }
  /// "/alpha0.01"; a name that ends in a digit is kept apart: "/beta1_0.9".
  template <class T>
  Line& value(std::string_view name, T value) {
    const bool digit = name.back() >= '0' && name.back() <= '9';
    (word(name).line_ += digit ? "_" : "") += number(value);
    return *this;
  }
  /// Its name; nothing where plain.
  Line& layout(const Layout* layout);

  std::string string() { return std::move(line_); }

 private:
  std::string line_;
};

constexpr bool floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::bf16;
}

/// Throws ShapeError, "<line>: <problem>", unless `holds`.
template <class S>
void require(const S& spec, bool holds, std::string_view problem) {
  if (!holds) throw ShapeError(spec.to_string() + ": " + std::string(problem));
}

template <class S>
void require_size(const S& spec, const char* name, int64_t size) {
  if (size < 0) require(spec, false, std::string("size ") + name + " is negative");
}

template <class S>
void require_floating(const S& spec, DType dtype) {
  if (!floating(dtype))
    require(spec, false, "element type " + std::string(to_string(dtype)) + ", needs f32, f64 or bf16");
}

/// For families whose rows are the batch, or that have none.
template <class S>
void require_row_batch(const S& spec) {
  require(spec, spec.batch == Batch::m || spec.batch == Batch::none, "the batch must be m or none");
}

/// Every slot's bytes can be counted in 63 bits.
template <class S>
void require_countable(const S& spec) {
  for (size_t slot = 0; slot < std::size(S::slots); slot++) {
    const Operand o = spec.operand(slot);
    int64_t bytes = 0;
    if (o.used && (__builtin_mul_overflow(o.rows, o.stride, &bytes) ||
                   __builtin_mul_overflow(bytes, int64_t(size_of(o.dtype)), &bytes)))
      require(spec, false, std::string(S::slots[slot].name) + " has more than 2^63 - 1 bytes");
  }
}

}  // namespace plexus::spec
