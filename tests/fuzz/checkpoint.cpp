#include "plexus/trainer/checkpoint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

#include "fuzz/input.h"

namespace {

uint64_t number(const std::string& bytes, size_t at, size_t size) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, size);
  return value;
}

void put(std::string& bytes, size_t at, uint64_t value) { std::memcpy(bytes.data() + at, &value, sizeof value); }

/// Checksums that fit, and the length: without them nothing behind would be reached.
void repair(std::string& file) {
  if (file.size() < 48) return;
  put(file, 24, file.size());
  const uint64_t table = number(file, 16, 8);
  if (table <= file.size() - 48) {
    size_t at = 40, content = 48 + table;
    for (uint64_t left = number(file, 12, 4); left > 0 && at + 20 <= 40 + table; --left) {
      const uint64_t name = number(file, at, 4);
      if (name > 40 + table - at - 20) break;
      at += 4 + name;
      const uint64_t size = number(file, at, 8);
      if (size > file.size() - content) break;
      put(file, at + 8, XXH3_64bits(file.data() + content, size));
      at += 16, content += size;
    }
    put(file, 40 + table, XXH3_64bits(file.data() + 40, table));
  }
  put(file, 32, XXH3_64bits(file.data(), 32));
}

}  // namespace

// The input is a file as it stands, and the same with the checksums that it should have.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plexus;
  const auto load = [](const std::string& bytes) {
    fuzz::run([&] {
      const Checkpoint c = load_checkpoint(fuzz::file_of(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
      for (const auto& [name, role, tensor] : c.entries) fuzz::touch(tensor);
    });
  };
  std::string bytes(reinterpret_cast<const char*>(data), size);
  load(bytes);
  repair(bytes);
  load(bytes);
  return 0;
}
