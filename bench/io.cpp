// Readers beside the bare copy of as many bytes (or zlib's inflating of them): `ratio` is the speed of the
// reader through the speed of that, both measured in turn. The files lie in memory, where there is a
// /dev/shm.
#include <benchmark/benchmark.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>

#include "plexus/io/csv.h"
#include "plexus/io/idx.h"
#include "plexus/io/npy.h"
#include "plexus/io/npz.h"
#include "plexus/io/safetensors.h"

namespace plexus {
namespace {

constexpr int64_t file_bytes = int64_t(64) << 20;  // far more than any cache

std::string path(const std::string& name) {
  static const std::string folder = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
  return folder + "/plexus-bench-" + std::to_string(getpid()) + "-" + name;
}

// Of this thread, which does all the work: neighbours on a shared machine do not count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

double seconds(const std::function<void()>& call) {
  const double start = cpu_seconds();
  call();
  return cpu_seconds() - start;
}

// Runs `load` on a file of these bytes, in turn with `yardstick`, which does the unavoidable part.
void compare(benchmark::State& state, const std::string& bytes,
             const std::function<void(const std::string&)>& load, const std::function<void()>& yardstick) {
  const std::string file = path("file");
  std::ofstream(file, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
  double loading = 0, copying = 0;
  for (auto _ : state) {
    copying += seconds(yardstick);
    const double time = seconds([&] { load(file); });
    loading += time;
    state.SetIterationTime(time);
  }
  std::remove(file.c_str());
  state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(bytes.size()));
  state.counters["ratio"] = copying / loading;
}

// Copies as many bytes to memory that is as new to the process as a reader's result.
void compare_to_copy(benchmark::State& state, const std::string& bytes,
                     const std::function<Tensor(const std::string&)>& load) {
  compare(
      state, bytes, [&](const std::string& file) { benchmark::DoNotOptimize(load(file)); },
      [&] {
        Tensor copy = Tensor::uninitialized(DType::u8, {int64_t(bytes.size())});
        std::memcpy(copy.bytes(), bytes.data(), bytes.size());
        benchmark::DoNotOptimize(copy.bytes());
      });
}

std::string noise(size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 1;
  for (char& c : bytes) c = char((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

void npy(benchmark::State& state, const std::string& type, int64_t size, const std::string& order = "False") {
  const int64_t count = file_bytes / size;
  std::string header = "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': (1024, " +
                       std::to_string(count / 1024) + "), }";
  header.append(117 - header.size(), ' ') += '\n';
  compare_to_copy(state, std::string("\x93NUMPY\1\0\x76\0", 10) + header + noise(size_t(file_bytes)),
                  load_npy);
}
BENCHMARK_CAPTURE(npy, f4, "<f4", 4)->UseManualTime();
BENCHMARK_CAPTURE(npy, f8, "<f8", 8)->UseManualTime();
BENCHMARK_CAPTURE(npy, u1, "|u1", 1)->UseManualTime();
BENCHMARK_CAPTURE(npy, f4_big_endian, ">f4", 4)->UseManualTime();
BENCHMARK_CAPTURE(npy, f2, "<f2", 2)->UseManualTime();
BENCHMARK_CAPTURE(npy, f4_fortran, "<f4", 4, "True")->UseManualTime();

void idx(benchmark::State& state, char type, int64_t size) {
  const auto count = uint32_t(file_bytes / size);
  std::string header = {0, 0, type, 1, char(count >> 24), char(count >> 16), char(count >> 8), char(count)};
  compare_to_copy(state, header + noise(size_t(file_bytes)), load_idx);
}
BENCHMARK_CAPTURE(idx, u8, 0x08, 1)->UseManualTime();
BENCHMARK_CAPTURE(idx, i32, 0x0C, 4)->UseManualTime();
BENCHMARK_CAPTURE(idx, f32, 0x0D, 4)->UseManualTime();
BENCHMARK_CAPTURE(idx, f64, 0x0E, 8)->UseManualTime();

void safetensors(benchmark::State& state) {
  Safetensors content;
  for (int i = 0; i < 16; ++i)
    content.tensors.push_back({std::to_string(i), Tensor(DType::f32, {file_bytes / 64})});
  save_safetensors(path("source"), content);
  std::ifstream in(path("source"), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::remove(path("source").c_str());
  compare_to_copy(state, bytes, [](const std::string& file) {
    return std::move(load_safetensors(file).tensors[0].tensor);
  });
}
BENCHMARK(safetensors)->UseManualTime();

std::string saved(const std::vector<NamedTensor>& tensors, Compression compression) {
  save_npz(path("source"), tensors, compression);
  std::ifstream in(path("source"), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::remove(path("source").c_str());
  return bytes;
}

// One tensor of small whole numbers, which deflate makes several times smaller.
const std::vector<NamedTensor>& counts() {
  static const std::vector<NamedTensor> tensors = [] {
    Tensor tensor(DType::f32, {file_bytes / 4});
    const std::string random = noise(size_t(file_bytes / 4));
    const auto values = tensor.values<float>();
    for (size_t i = 0; i < values.size(); ++i) values[i] = float(random[i]);
    return std::vector<NamedTensor>{{"counts", std::move(tensor)}};
  }();
  return tensors;
}

Tensor first_of(const std::string& file) { return std::move(load_npz(file)[0].tensor); }

// What the copy does not have is the checksum.
void npz_stored(benchmark::State& state) {
  static const std::string bytes = saved(counts(), Compression::none);
  compare_to_copy(state, bytes, first_of);
}
BENCHMARK(npz_stored)->UseManualTime();

// Beside zlib's inflating of the same data.
void npz_deflated(benchmark::State& state) {
  static const std::string bytes = saved(counts(), Compression::deflate);
  static const std::vector<Bytef> packed = [] {
    const Tensor& tensor = counts()[0].tensor;
    std::vector<Bytef> result(compressBound(tensor.byte_count()));
    uLongf size = result.size();
    compress(result.data(), &size, reinterpret_cast<const Bytef*>(tensor.bytes()), tensor.byte_count());
    result.resize(size);
    return result;
  }();
  compare(
      state, bytes, [](const std::string& file) { benchmark::DoNotOptimize(first_of(file)); },
      [&] {
        Tensor inflated = Tensor::uninitialized(DType::u8, {file_bytes});
        uLongf length = uLongf(file_bytes);
        uncompress(reinterpret_cast<Bytef*>(inflated.bytes()), &length, packed.data(), packed.size());
        benchmark::DoNotOptimize(inflated.bytes());
      });
}
BENCHMARK(npz_deflated)->UseManualTime();

// The bytes per second are what counts here: the copy is only for scale.
void csv(benchmark::State& state, const char* format, double scale) {
  std::string text;
  uint32_t random = 1;
  while (text.size() < size_t(file_bytes)) {
    for (int column = 0; column < 20; ++column) {
      char field[40];
      random = random * 1664525 + 1013904223;
      text.append(field, size_t(std::snprintf(field, sizeof field, format, (random >> 8) * scale)));
      text += column < 19 ? ',' : '\n';
    }
  }
  compare(
      state, text, [](const std::string& file) { benchmark::DoNotOptimize(load_csv(file)); },
      [&] { benchmark::DoNotOptimize(std::string(text)); });
}
BENCHMARK_CAPTURE(csv, pixels, "%.0f", 256.0 / (1 << 24))->UseManualTime();
BENCHMARK_CAPTURE(csv, measurements, "%.2f", 100.0 / (1 << 24))->UseManualTime();
BENCHMARK_CAPTURE(csv, full_precision, "%.17g", 1.0 / (1 << 24) / 3)->UseManualTime();

}  // namespace
}  // namespace plexus
