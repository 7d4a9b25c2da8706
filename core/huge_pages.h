// Memory in huge pages. Private.
#pragma once
#include <cstddef>
#include <cstdint>

namespace plexus {

/// Of x86, and the usual one of ARM. Every step over the edge of a 4 KB page costs a look into the page table, and where such pages lie
/// is chance: the second-level cache, which is filled by address, then holds less than its size. Steps of one row took up to a quarter
/// longer.
inline constexpr size_t huge_page = size_t(2) << 20;

/// Asks for huge pages where whole ones fit. A wish: small pages will do.
void wish_huge_pages(std::byte* memory, size_t bytes);

}  // namespace plexus
