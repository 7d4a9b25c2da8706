#include "io/allocations.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> largest{0}, live{0}, peak{0}, base{0};

void raise(std::atomic<size_t>& highest, size_t value) {
  size_t before = highest;
  while (value > before && !highest.compare_exchange_weak(before, value)) {
  }
}

void* allocate(size_t bytes, size_t alignment) {
  raise(largest, bytes);
  if (bytes > size_t(1) << 40) throw std::bad_alloc();  // sanitizers would end the program instead
  void* p = std::aligned_alloc(
      alignment, (bytes + alignment - 1) / alignment * alignment + (bytes == 0 ? alignment : 0));
  if (p == nullptr) throw std::bad_alloc();
  const size_t taken = malloc_usable_size(p);
  raise(peak, live.fetch_add(taken) + taken);
  return p;
}

void release(void* p) {
  live -= malloc_usable_size(p);  // 0 for null
  std::free(p);
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
