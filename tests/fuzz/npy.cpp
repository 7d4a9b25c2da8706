#include "plexus/io/npy.h"

#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plexus;
  return fuzz::run([&] { fuzz::touch(load_npy(fuzz::file_of(data, size))); });
}
