// Readers beside the bare copy of as many bytes (or zlib's inflating of them): `peak` is the time of that through the time of the
// reader, both measured in turn. The files lie in memory, where there is a /dev/shm.
#include <unistd.h>
#include <zlib.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>

#include "plexus/bench/suite.h"
#include "plexus/core/error.h"
#include "plexus/io/csv.h"
#include "plexus/io/idx.h"
#include "plexus/io/npy.h"
#include "plexus/io/npz.h"
#include "plexus/io/safetensors.h"

namespace plexus::bench {
namespace {

/// A file that goes with the object.
class File {
 public:
  File(const std::string& name, const std::string& bytes)
      : path_((std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp") + ("/plexus-bench-" + std::to_string(getpid())) +
              "-" + name) {
    std::ofstream out(path_, std::ios::binary);
    if (!out.write(bytes.data(), std::streamsize(bytes.size())).flush())
      throw IoError(path_ + ": cannot be written");
  }
  ~File() { std::remove(path_.c_str()); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::string& path() const { return path_; }
  std::string content() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string path_;
};

/// One reader at work.
struct Reading {
  std::string bytes;                               ///< of the file
  std::function<void(const std::string&)> load;    ///< and the result forgotten
  std::function<void()> yardstick;                 ///< the unavoidable part
  std::function<void(const std::string&)> verify;  ///< throws Error where the result is wrong
};

double seconds(const std::function<void()>& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void add_reading(Suite& suite, const std::string& name, const std::function<Reading()>& make) {
  suite.add(name, [make]() -> Suite::Measurement {
    const auto reading = std::make_shared<Reading>(make());
    const auto file = std::make_shared<File>("file", reading->bytes);
    reading->verify(file->path());
    return [reading, file](benchmark::State& state) {
      double loading = 0, unavoidable = 0;
      for (auto _ : state) {
        state.PauseTiming();
        unavoidable += seconds(reading->yardstick);
        state.ResumeTiming();
        loading += seconds([&] { reading->load(file->path()); });
      }
      state.counters["GB/s"] = benchmark::Counter(1e-9 * double(reading->bytes.size()),
                                                  benchmark::Counter::kIsIterationInvariantRate);
      state.counters["peak"] = unavoidable / loading;
    };
  });
}

/// Copies as many bytes to memory that is as new to the process as a reader's result.
std::function<void()> copy_of(const std::string& bytes) {
  return [bytes] {
    Tensor copy = Tensor::uninitialized(DType::u8, {int64_t(bytes.size())});
    std::memcpy(copy.bytes(), bytes.data(), bytes.size());
    benchmark::DoNotOptimize(copy.bytes());
  };
}

std::string noise(int64_t size) {
  std::string bytes(size_t(size), '\0');
  uint32_t state = 1;
  for (char& c : bytes) c = char((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

/// A number as it lies in the file, decoded byte by byte.
double decoded(const std::string& bytes, size_t at, char kind, size_t size, bool big_endian) {
  uint64_t bits = 0;
  for (size_t b = 0; b < size; b++)
    bits |= uint64_t(uint8_t(bytes[at + (big_endian ? size - 1 - b : b)])) << (8 * b);
  if (kind == 'u') return double(bits);
  if (kind == 'i') return double(int32_t(uint32_t(bits)));
  // Sign, exponent and fraction of IEEE 754, whatever the width.
  const int width = size == 2 ? 10 : size == 4 ? 23 : 52, bias = size == 2 ? 15 : size == 4 ? 127 : 1023;
  const double sign = bits >> (8 * size - 1) ? -1 : 1;
  const auto exponent = int(bits >> width) & (2 * bias + 1);
  const double fraction = std::ldexp(double(bits & ((uint64_t(1) << width) - 1)), -width);
  if (exponent == 2 * bias + 1) return fraction > 0 ? NAN : sign * INFINITY;
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
}

double element(const Tensor& tensor, int64_t i) {
  switch (tensor.dtype()) {
    case DType::f32:
      return tensor.values<float>()[size_t(i)];
    case DType::f64:
      return tensor.values<double>()[size_t(i)];
    case DType::i32:
      return tensor.values<int32_t>()[size_t(i)];
    default:
      return tensor.values<uint8_t>()[size_t(i)];
  }
}

/// Throws where one of about a thousand elements, the first and the last among them, is not `expected(i)`.
void verify_elements(int64_t count, int64_t elements, const std::function<double(int64_t)>& actual,
                     const std::function<double(int64_t)>& expected) {
  if (count != elements)
    throw Error("wrong: " + std::to_string(elements) + " elements instead of " + std::to_string(count));
  const int64_t step = std::max<int64_t>(1, count / 1000);
  for (int64_t i = 0; i < count; i = i < count - 1 && i + step >= count ? count - 1 : i + step) {
    const double got = actual(i), wanted = expected(i);
    if (got != wanted && !(std::isnan(got) && std::isnan(wanted)))
      throw Error("wrong: element " + std::to_string(i) + " is " + std::to_string(got) + ", expected " +
                  std::to_string(wanted));
  }
}

using Loader = std::function<Tensor(const std::string&)>;

/// A reader of tensors, beside the copy.
Reading tensor_reading(std::string bytes, const Loader& load, int64_t count,
                       const std::function<double(int64_t)>& expected) {
  auto yardstick = copy_of(bytes);
  return {std::move(bytes), [load](const std::string& file) { benchmark::DoNotOptimize(load(file)); },
          std::move(yardstick), [=](const std::string& file) {
            const Tensor tensor = load(file);
            verify_elements(count, tensor.elements(), [&](int64_t i) { return element(tensor, i); }, expected);
          }};
}

struct Element {
  std::string type;  ///< as NumPy says it: "<f4"
  char kind = 'f';
  int64_t size = 4;
  bool big_endian = false, fortran = false;
};

Reading npy(int64_t file_bytes, const Element& e) {
  constexpr int64_t rows = 1024;
  const int64_t count = file_bytes / e.size, columns = count / rows;
  std::string header = "{'descr': '" + e.type + "', 'fortran_order': " + (e.fortran ? "True" : "False") +
                       ", 'shape': (1024, " + std::to_string(columns) + "), }";
  header.append(117 - header.size(), ' ') += '\n';
  const std::string payload = noise(file_bytes);
  return tensor_reading(std::string("\x93NUMPY\1\0\x76\0", 10) + header + payload, load_npy, count,
                        [payload, e, columns](int64_t i) {
                          const int64_t at = e.fortran ? i % columns * rows + i / columns : i;
                          return decoded(payload, size_t(at * e.size), e.kind, size_t(e.size), e.big_endian);
                        });
}

Reading idx(int64_t file_bytes, char code, const Element& e) {
  const auto count = uint32_t(file_bytes / e.size);
  const std::string header = {0, 0, code, 1, char(count >> 24), char(count >> 16), char(count >> 8), char(count)};
  const std::string payload = noise(file_bytes);
  return tensor_reading(header + payload, load_idx, count, [payload, e](int64_t i) {
    return decoded(payload, size_t(i * e.size), e.kind, size_t(e.size), true);
  });
}

/// Small whole numbers, which deflate makes several times smaller.
Tensor counts(int64_t elements) {
  Tensor tensor(DType::f32, {elements});
  const std::string random = noise(elements);
  for (size_t i = 0; i < random.size(); ++i) tensor.values<float>()[i] = float(random[i]);
  return tensor;
}

Reading npz(int64_t file_bytes, Compression compression) {
  const int64_t count = file_bytes / 4;
  const Tensor source = counts(count);
  const File file("source", "");
  const std::vector<NamedTensor> tensors = {{"counts", source}};
  save_npz(file.path(), tensors, compression);
  Reading reading = tensor_reading(
      file.content(), [](const std::string& path) { return std::move(load_npz(path)[0].tensor); }, count,
      [source](int64_t i) { return element(source, i); });
  if (compression == Compression::none) return reading;  // what the copy does not have is the checksum
  std::vector<Bytef> packed(compressBound(source.byte_count()));
  uLongf size = packed.size();
  compress(packed.data(), &size, reinterpret_cast<const Bytef*>(source.bytes()), source.byte_count());
  packed.resize(size);
  reading.yardstick = [packed, file_bytes] {
    Tensor inflated = Tensor::uninitialized(DType::u8, {file_bytes});
    auto length = uLongf(file_bytes);
    uncompress(reinterpret_cast<Bytef*>(inflated.bytes()), &length, packed.data(), packed.size());
    benchmark::DoNotOptimize(inflated.bytes());
  };
  return reading;
}

Reading safetensors(int64_t file_bytes) {
  Safetensors content;
  const Tensor tensor = counts(file_bytes / 64);
  for (int i = 0; i < 16; ++i) content.tensors.push_back({std::to_string(i), tensor});
  const File file("source", "");
  save_safetensors(file.path(), content);
  return tensor_reading(
      file.content(),
      [](const std::string& path) { return std::move(load_safetensors(path).tensors[15].tensor); },
      tensor.elements(), [tensor](int64_t i) { return element(tensor, i); });
}

/// The bytes per second are what counts here: the copy is only for scale.
Reading csv(int64_t file_bytes, const char* format, double scale) {
  constexpr int columns = 20;
  std::string text;
  std::vector<double> values;
  uint32_t random = 1;
  while (text.size() < size_t(file_bytes)) {
    for (int column = 0; column < columns; ++column) {
      char field[40];
      random = random * 1664525 + 1013904223;
      text.append(field, size_t(std::snprintf(field, sizeof field, format, (random >> 8) * scale)));
      values.push_back(std::strtod(field, nullptr));
      text += column < columns - 1 ? ',' : '\n';
    }
  }
  return {text, [](const std::string& file) { benchmark::DoNotOptimize(load_csv(file)); },
          [text] { benchmark::DoNotOptimize(std::string(text)); }, [values](const std::string& file) {
            const Table table = load_csv(file);
            verify_elements(
                int64_t(values.size()), table.rows() * int64_t(table.columns.size()),
                [&](int64_t i) {
                  return std::get<0>(table.columns[size_t(i % columns)].values)[size_t(i / columns)];
                },
                [&](int64_t i) { return values[size_t(i)]; });
          }};
}

}  // namespace

void add_io(Suite& suite) {
  // Far more than any cache; quickly, only more than the first two.
  const int64_t bytes = int64_t(suite.quick() ? 4 : 64) << 20;
  const auto add = [&](const std::string& name, const std::function<Reading()>& make) {
    add_reading(suite, "io/" + name + (suite.quick() ? "/4MB" : "/64MB"), make);
  };
  add("npy/f4", [=] { return npy(bytes, {"<f4", 'f', 4}); });
  add("idx/u8", [=] { return idx(bytes, 0x08, {"", 'u', 1}); });
  add("npz/deflated", [=] { return npz(bytes, Compression::deflate); });
  add("csv/measurements", [=] { return csv(bytes, "%.2f", 100.0 / (1 << 24)); });
  if (suite.quick()) return;
  add("npy/f8", [=] { return npy(bytes, {"<f8", 'f', 8}); });
  add("npy/u1", [=] { return npy(bytes, {"|u1", 'u', 1}); });
  add("npy/f4_big_endian", [=] { return npy(bytes, {">f4", 'f', 4, true}); });
  add("npy/f2", [=] { return npy(bytes, {"<f2", 'f', 2}); });
  add("npy/f4_fortran", [=] { return npy(bytes, {"<f4", 'f', 4, false, true}); });
  add("idx/i32", [=] { return idx(bytes, 0x0C, {"", 'i', 4}); });
  add("idx/f32", [=] { return idx(bytes, 0x0D, {"", 'f', 4}); });
  add("idx/f64", [=] { return idx(bytes, 0x0E, {"", 'f', 8}); });
  add("npz/stored", [=] { return npz(bytes, Compression::none); });
  add("safetensors/f32", [=] { return safetensors(bytes); });
  add("csv/pixels", [=] { return csv(bytes, "%.0f", 256.0 / (1 << 24)); });
  add("csv/full_precision", [=] { return csv(bytes, "%.17g", 1.0 / (1 << 24) / 3); });
}

}  // namespace plexus::bench
