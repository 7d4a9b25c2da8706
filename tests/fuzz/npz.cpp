#include "plexus/io/npz.h"

#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plexus;
  return fuzz::run([&] {
    for (const NamedTensor& named : load_npz(fuzz::file_of(data, size))) fuzz::touch(named.tensor);
  });
}
