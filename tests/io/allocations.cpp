#include "io/allocations.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> largest{0}, live{0}, peak{0}, base{0};

void raise(std::atomic<size_t>& highest, size_t value) {
  size_t before = highest;
  while (value > before && !highest.compare_exchange_weak(before, value)) {
  }
}

/// In front of every block. The system's own count of a block includes address space that alignment leaves over.
struct Header {
  void* begin;
  size_t bytes;
};

void* allocate(size_t bytes, size_t alignment) {
  raise(largest, bytes);
  if (bytes > size_t(1) << 40) throw std::bad_alloc();  // sanitizers would end the program instead
  alignment = std::max(alignment, sizeof(Header));
  void* const begin = std::aligned_alloc(alignment, alignment + (bytes + alignment - 1) / alignment * alignment);
  if (begin == nullptr) throw std::bad_alloc();
  void* const p = static_cast<char*>(begin) + alignment;
  static_cast<Header*>(p)[-1] = {begin, bytes};
  raise(peak, live.fetch_add(bytes) + bytes);
  return p;
}

void release(void* p) {
  if (p == nullptr) return;
  const Header header = static_cast<Header*>(p)[-1];
  live -= header.bytes;
  std::free(header.begin);
}

}  // namespace

namespace plexus::test {

void reset_largest_allocation() { largest = 0; }
size_t largest_allocation() { return largest; }
void reset_peak_memory() { base = peak = live.load(); }
size_t peak_memory() { return peak - base; }

}  // namespace plexus::test

void* operator new(size_t bytes) { return allocate(bytes, alignof(std::max_align_t)); }
void* operator new[](size_t bytes) { return allocate(bytes, alignof(std::max_align_t)); }
void* operator new(size_t bytes, std::align_val_t alignment) { return allocate(bytes, size_t(alignment)); }
void* operator new[](size_t bytes, std::align_val_t alignment) { return allocate(bytes, size_t(alignment)); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept try {
  return operator new(bytes);
} catch (const std::bad_alloc&) {
  return nullptr;
}
void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, size_t) noexcept { release(p); }
void operator delete[](void* p, size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { release(p); }
