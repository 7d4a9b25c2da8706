#include "plexus/core/huge_pages.h"

#include <sys/mman.h>

namespace plexus {

void wish_huge_pages(std::byte* memory, size_t bytes) {
  const auto address = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t first = (address + huge_page - 1) / huge_page * huge_page, last = (address + bytes) / huge_page * huge_page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

}  // namespace plexus
