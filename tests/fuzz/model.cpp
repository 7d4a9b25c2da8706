#include "plexus/trainer/model_file.h"

#include <nlohmann/json.hpp>

#include "fuzz/input.h"

// The input is the text of the metadata, beside the tensors of a small model: the file around them is the matter of
// fuzz_safetensors.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plexus;
  nlohmann::json header = {{"__metadata__", {{"plexus", std::string(reinterpret_cast<const char*>(data), size)}}}};
  size_t end = 0;
  const auto add = [&](const char* name, const std::vector<size_t>& shape) {
    size_t bytes = 4;
    for (const size_t n : shape) bytes *= n;
    header[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {end, end + bytes}}};
    end += bytes;
  };
  add("0.bias", {1});
  add("0.weight", {1, 2});
  add("input.mean", {2});
  add("input.scale", {2});
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error&) {  // not UTF-8: no header would hold it
    return 0;
  }
  std::string bytes(8, '\0');
  for (size_t i = 0; i < 8; ++i) bytes[i] = char(text.size() >> 8 * i & 255);
  bytes += text + std::string(end, '\0');
  return fuzz::run([&] {
    const Sequential network = load_model(fuzz::file_of(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
    for (const auto& [name, entry] : network.store().entries()) fuzz::touch(entry.data);
  });
}
