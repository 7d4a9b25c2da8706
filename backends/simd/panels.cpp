#include "plexus/backends/simd/panels.h"

#include <algorithm>
#include <cstring>

namespace plexus::simd {
namespace {

class Panels final : public Layout {
 public:
  std::string name() const override { return "panels32"; }
  int64_t elements(const Shape& shape) const override { return panel_count(shape.columns()) * shape.rows() * panel; }

  void pack(const void* plain, void* packed, const Shape& shape, DType dtype) const override {
    std::memset(packed, 0, size_t(elements(shape)) * size_of(dtype));
    auto* const to = static_cast<std::byte*>(packed);
    const auto* const from = static_cast<const std::byte*>(plain);
    for_pieces(shape, size_of(dtype), [&](size_t in_plain, size_t in_packed, size_t bytes) {
      std::memcpy(to + in_packed, from + in_plain, bytes);
    });
  }

  void unpack(const void* packed, void* plain, const Shape& shape, DType dtype) const override {
    auto* const to = static_cast<std::byte*>(plain);
    const auto* const from = static_cast<const std::byte*>(packed);
    for_pieces(shape, size_of(dtype), [&](size_t in_plain, size_t in_packed, size_t bytes) {
      std::memcpy(to + in_plain, from + in_packed, bytes);
    });
  }

 private:
  /// Calls piece(offset in plain, offset in packed, bytes) for the part of every row in every panel.
  template <class Piece>
  static void for_pieces(const Shape& shape, size_t element, const Piece& piece) {
    const int64_t rows = shape.rows(), columns = shape.columns();
    for (int64_t first = 0; first < columns; first += panel)
      for (int64_t row = 0; row < rows; row++)
        piece(size_t(row * columns + first) * element, size_t(first * rows + row * panel) * element,
              size_t(std::min(panel, columns - first)) * element);
  }
};

}  // namespace

const Layout& panels() {
  static const Panels layout;
  return layout;
}

}  // namespace plexus::simd
