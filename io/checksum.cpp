#include "plexus/io/checksum.h"

// Compiled in: nothing more to link for who links Plexus.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace plexus::io {

struct Checksum::State {
  XXH3_state_t xxh3;
};

uint64_t checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

Checksum::Checksum() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->xxh3); }
Checksum::~Checksum() = default;
void Checksum::add(const void* bytes, size_t count) { XXH3_64bits_update(&state_->xxh3, bytes, count); }
uint64_t Checksum::value() const { return XXH3_64bits_digest(&state_->xxh3); }

std::string hexadecimal(uint64_t checksum) {
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; checksum >>= 4) text[i] = "0123456789abcdef"[checksum & 15];
  return text;
}

}  // namespace plexus::io
