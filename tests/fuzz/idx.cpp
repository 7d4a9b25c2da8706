#include "plexus/io/idx.h"

#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plexus;
  return fuzz::run([&] { fuzz::touch(load_idx(fuzz::file_of(data, size))); });
}
