// What reading takes: at most twice the file or twice what is returned, whichever is larger, and 64 MiB for
// bookkeeping, of which files of 4 MiB need a small part, and files that are all bookkeeping more. What zlib and libzip allocate
// is not seen here.
#include <algorithm>

#include <gtest/gtest.h>

#include "io/allocations.h"
#include "io/files.h"
#include "plexus/io/csv.h"
#include "plexus/io/idx.h"
#include "plexus/io/npy.h"
#include "plexus/io/npz.h"
#include "plexus/io/safetensors.h"

namespace plexus {
namespace {

constexpr size_t file_bytes = size_t(4) << 20;
constexpr size_t a_little = size_t(1) << 20, bookkeeping = size_t(64) << 20;

size_t bytes_of(const Tensor& tensor) { return tensor.byte_count(); }
size_t bytes_of(const std::vector<NamedTensor>& tensors) {
  size_t sum = 0;
  for (const NamedTensor& named : tensors) sum += named.tensor.byte_count();
  return sum;
}
size_t bytes_of(const Safetensors& content) { return bytes_of(content.tensors); }
size_t bytes_of(const Table& table) {
  size_t sum = table.lines.size() * sizeof(int64_t);
  for (const Column& column : table.columns)
    sum += std::visit([](const auto& values) { return values.size() * sizeof(values[0]); }, column.values);
  return sum;
}

class Memory : public testing::Test {
 protected:
  template <class Load>
  void expect_within(size_t slack, const std::string& bytes, const Load& load) {
    const std::string path = directory.write("file", bytes);
    test::reset_peak_memory();
    size_t result = 0;
    try {
      result = bytes_of(load(path));
    } catch (const FormatError&) {
    }
    const size_t peak = test::peak_memory();
    EXPECT_LE(peak, 2 * std::max(bytes.size(), result) + slack) << result;
    EXPECT_GE(peak, result);  // the measure sees the library's memory
  }
  test::Directory directory;
};

std::string large_npy(const std::string& type, size_t size, const std::string& order = "False") {
  std::string header = "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': (1024, " +
                       std::to_string(file_bytes / 1024 / size) + "), }\n";
  std::string file("\x93NUMPY\1\0", 8);
  file += char(header.size());
  file += '\0';
  file += header;
  return file.append(file_bytes, '\1');
}

std::string idx(char type, size_t size) {
  const size_t count = file_bytes / size;
  std::string file{0, 0, type, 1, char(count >> 24), char(count >> 16), char(count >> 8), char(count)};
  return file.append(file_bytes, '\1');
}

TEST_F(Memory, Npy) {
  for (const char* order : {"False", "True"})
    for (const auto& [type, size] : {std::pair("<f4", 4),
                                     {">f8", 8},
                                     {"|u1", 1},
                                     {"|b1", 1},
                                     {"|i1", 1},
                                     {"<u2", 2},
                                     {"<f2", 2},
                                     {"<u4", 4}}) {
      SCOPED_TRACE(std::string(type) + order);
      expect_within(a_little, large_npy(type, size_t(size), order), load_npy);
    }
}

TEST_F(Memory, Idx) {
  for (const auto& [type, size] :
       {std::pair('\x08', 1), {'\x09', 1}, {'\x0B', 2}, {'\x0C', 4}, {'\x0E', 8}}) {
    SCOPED_TRACE(int(type));
    expect_within(a_little, idx(type, size_t(size)), load_idx);
    expect_within(a_little, test::gzip(idx(type, size_t(size))), load_idx);
  }
}

TEST_F(Memory, Npz) {
  const std::string path = directory.path("written");
  for (const Compression compression : {Compression::none, Compression::deflate}) {
    save_npz(path,
             std::vector<NamedTensor>{{"a", Tensor(DType::f32, {file_bytes / 8})},
                                      {"b", Tensor(DType::u8, {file_bytes / 2})}},
             compression);
    expect_within(a_little, test::read_bytes(path), load_npz);
  }
  std::vector<NamedTensor> many(65535);
  for (size_t i = 0; i < many.size(); ++i) many[i] = {std::to_string(i), Tensor(DType::u8, {1})};
  save_npz(path, many);
  expect_within(bookkeeping, test::read_bytes(path), load_npz);
}

TEST_F(Memory, Safetensors) {
  const std::string path = directory.path("written");
  save_safetensors(path, {.tensors = {{"a", Tensor(DType::f32, {file_bytes / 8})},
                                      {"b", Tensor(DType::i8, {file_bytes / 2})}},
                          .metadata = {}});
  expect_within(a_little, test::read_bytes(path), load_safetensors);
  std::vector<NamedTensor> many(65536);
  for (size_t i = 0; i < many.size(); ++i) many[i] = {std::to_string(i), Tensor(DType::u8, {1})};
  save_safetensors(path, {.tensors = many, .metadata = {}});
  expect_within(bookkeeping, test::read_bytes(path), load_safetensors);
}

// A header that is one token, in order and not.
TEST_F(Memory, SafetensorsHeaders) {
  const auto file_of = [](const std::string& header) {
    std::string file;
    for (int i = 0; i < 8; ++i) file += char(header.size() >> 8 * i & 255);
    return file + header;
  };
  const std::string token((6 << 20) - 100, '1');
  for (const std::string& header :
       {"{\"__metadata__\":{\"a\":\"" + token + "\"}}", "{\"__metadata__\":{\"a\":\"" + token,
        "{\"" + token + "\":{}}", "{\"a\":" + token + "}", "{\"a\":{\"dtype\":\"" + token + "\"}}"})
    expect_within(bookkeeping, file_of(header), load_safetensors);
}

TEST_F(Memory, Csv) {
  std::string digits, measurements, texts, returns, wide = "1", lines = "1\n";
  while (digits.size() < file_bytes) digits += "1,2,3,4,5,6,7,8\n";
  while (measurements.size() < file_bytes) measurements += "0.123456,1.5,-7.25,1e-5,x\n";
  while (texts.size() < file_bytes / 4) texts += "a,b\n";
  while (returns.size() < file_bytes) returns += "1;2;3;4\r";
  for (int i = 1; i < 1 << 18; ++i) wide += ",1";
  lines.append(file_bytes, '\n') += "2\n";
  expect_within(a_little, digits, [](const std::string& path) { return load_csv(path); });
  expect_within(a_little, measurements, [](const std::string& path) { return load_csv(path); });
  expect_within(a_little, texts, [](const std::string& path) { return load_csv(path); });
  expect_within(a_little, returns, [](const std::string& path) { return load_csv(path); });
  expect_within(bookkeeping, wide + "\n" + wide, [](const std::string& path) { return load_csv(path); });
  expect_within(bookkeeping, wide + ",1", [](const std::string& path) { return load_csv(path); });
  expect_within(a_little, lines,
                [](const std::string& path) { return load_csv(path, {.missing = MissingFields::keep}); });
}

}  // namespace
}  // namespace plexus
