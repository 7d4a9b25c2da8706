// Guarded buffers: memory for one operand in which every stray read or write shows.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "plexus/backends/conformance/cases.h"

namespace plexus::conformance {

/// The bytes of one operand between two pages that nobody may touch. Everything that holds no element (space before and
/// behind, the gap between rows, rows beyond the true count) and every element of an output that is not read holds
/// the byte 0xff: NaN as f32 and f64, -1 as an integer. Above 256 MB only elements are touched, and looked at.
class GuardedBuffer {
 public:
  /// `operand` at its maximum; of its rows, `rows` will be used. `offset` in elements (misaligned only).
  GuardedBuffer(const Operand& operand, int64_t rows, Placement placement, int64_t offset);
  ~GuardedBuffer();
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  void* address() const { return address_; }
  /// Puts the elements in, and remembers all bytes.
  void store(const Matrix& values);
  Matrix load() const;

  /// "" or what is wrong: bytes changed that hold no element of an output; elements of an output that were not written.
  std::string damage() const;

 private:
  std::byte* element(int64_t i, int64_t j) const;
  std::string damage_of_elements() const;

  Operand operand_;
  int64_t rows_;
  std::byte* mapping_ = nullptr;
  size_t mapped_ = 0;        ///< bytes, both guard pages included
  std::byte* address_ = nullptr;
  std::vector<std::byte> before_;  ///< the open pages as store() left them
  bool sparse_ = false;  ///< too large to be filled: its gaps are not looked at, and hold zeros
  Matrix stored_;        ///< instead of before_ where sparse
};

}  // namespace plexus::conformance
