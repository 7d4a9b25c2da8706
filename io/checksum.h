// Checksum: XXH3 of 64 bits (xxhash.com), for damage and for comparing; no protection against who wants to deceive. Private.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace plexus::io {

/// Of one string of bytes.
uint64_t checksum(std::string_view bytes);

/// Of bytes that come piece by piece: the same value as of all at once.
class Checksum {
 public:
  Checksum();
  ~Checksum();
  Checksum(const Checksum&) = delete;
  Checksum& operator=(const Checksum&) = delete;
  void add(const void* bytes, size_t count);
  uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// 16 digits, as xxhsum -H3 prints it.
std::string hexadecimal(uint64_t checksum);

}  // namespace plexus::io
