#include "plexus/io/safetensors.h"

#include "fuzz/input.h"

// The input, and the input with the length that its header really has, which a mutation seldom hits.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plexus;
  const auto load = [](const std::string& bytes) {
    fuzz::run([&] {
      const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data());
      for (const NamedTensor& named : load_safetensors(fuzz::file_of(begin, bytes.size())).tensors)
        fuzz::touch(named.tensor);
    });
  };
  std::string bytes(reinterpret_cast<const char*>(data), size);
  load(bytes);
  const size_t end = bytes.rfind('}');
  if (end == bytes.npos || end < 8) return 0;
  for (size_t i = 0; i < 8; ++i) bytes[i] = char((end - 7) >> 8 * i & 255);
  load(bytes);
  return 0;
}
