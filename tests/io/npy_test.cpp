#include "plexus/io/npy.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>

#include "io/allocations.h"
#include "io/files.h"

namespace plexus {
namespace {

using test::Directory;
using namespace std::string_literals;

// A file of the given header text and data.
std::string npy(const std::string& header, const std::string& data, const std::string& version = "\1\0"s) {
  std::string length = {char(header.size() & 255), char(header.size() >> 8)};
  if (version[0] > 1) length += "\0\0"s;
  return "\x93NUMPY" + version + length + header + data;
}

// The usual header, with one part of it replaced.
std::string header(const std::string& descr = "'<f4'", const std::string& shape = "(2,)",
                   const std::string& order = "False") {
  return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

const std::string two_floats = "\0\0\x80\x3f\0\0\0\xc0"s;  // 1, -2

class Npy : public testing::Test {
 protected:
  Tensor load(const std::string& bytes) { return load_npy(directory.write("a.npy", bytes)); }
  std::string refusal(const std::string& bytes) {
    const std::string path = directory.write("a.npy", bytes);
    return test::error<FormatError>(path, [&] { load_npy(path); });
  }
  Directory directory;
};

template <class T>
void expect_values(const Tensor& tensor, const std::vector<double>& expected) {
  const auto values = tensor.values<T>();
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(expected[i])) {
      EXPECT_TRUE(std::isnan(double(values[i])));
    } else {
      EXPECT_EQ(double(values[i]), expected[i]) << i;
    }
  }
}

void expect_values(const Tensor& tensor, DType dtype, const Shape& shape,
                   const std::vector<double>& expected) {
  EXPECT_EQ(tensor.dtype(), dtype);
  EXPECT_EQ(tensor.shape(), shape);
  if (tensor.dtype() != dtype) return;
  switch (dtype) {
    case DType::f32:
      return expect_values<float>(tensor, expected);
    case DType::f64:
      return expect_values<double>(tensor, expected);
    case DType::i32:
      return expect_values<int32_t>(tensor, expected);
    case DType::i64:
      return expect_values<int64_t>(tensor, expected);
    default:
      return expect_values<uint8_t>(tensor, expected);
  }
}

// tests/golden/make_npy.py says what NumPy wrote.
TEST_F(Npy, ReadsEveryTypeAndOrderThatNumPyWrites) {
  const auto files = test::golden_files();
  const std::vector<double> unsigned_values{0, 1, 2, 3, 4, 5}, signed_values{-3, -2, -1, 0, 1, 2},
      halves{-1.5, -1, -0.5, 0, 0.5, 1}, bits{0, 1, 0, 1, 0, 1};
  const std::map<std::string, DType> types{{"f2", DType::f32}, {"f4", DType::f32}, {"f8", DType::f64},
                                           {"i1", DType::i32}, {"i2", DType::i32}, {"i4", DType::i32},
                                           {"i8", DType::i64}, {"u1", DType::u8},  {"u2", DType::i32},
                                           {"u4", DType::i64}, {"u8", DType::i64}, {"b1", DType::u8}};
  int loaded = 0;
  for (const auto& [code, dtype] : types) {
    for (const char* order : {"little", "big", "fortran"}) {
      const std::string name = code + "-" + order;
      if (!files.contains(name)) continue;  // one byte has no order
      SCOPED_TRACE(name);
      const auto& expected = code[0] == 'f'   ? halves
                             : code[0] == 'i' ? signed_values
                             : code[0] == 'u' ? unsigned_values
                                              : bits;
      expect_values(load(files.at(name)), dtype, {2, 3}, expected);
      ++loaded;
    }
  }
  EXPECT_EQ(loaded, 33);
}

TEST_F(Npy, ReadsExtremes) {
  const auto files = test::golden_files();
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  expect_values(load(files.at("f2-extremes")), DType::f32, {6}, {65504, 0x1p-14, -0x1p-16, inf, -inf, nan});
  expect_values(load(files.at("f4-extremes")), DType::f32, {6},
                {0x1.fffffep127, 0x1p-126, -0x1p-128, inf, -inf, nan});
  expect_values(load(files.at("f8-extremes")), DType::f64, {6},
                {0x1.fffffffffffffp1023, 0x1p-1022, -0x1p-1024, inf, -inf, nan});
  expect_values(load(files.at("i1-extremes")), DType::i32, {2}, {-128, 127});
  expect_values(load(files.at("i2-extremes")), DType::i32, {2}, {-32768, 32767});
  expect_values(load(files.at("i4-extremes")), DType::i32, {2}, {-2147483648.0, 2147483647});
  expect_values(load(files.at("u1-extremes")), DType::u8, {2}, {0, 255});
  expect_values(load(files.at("u2-extremes")), DType::i32, {2}, {0, 65535});
  expect_values(load(files.at("u4-extremes")), DType::i64, {2}, {0, 4294967295.0});
  constexpr int64_t lowest = std::numeric_limits<int64_t>::min(),
                    highest = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(load(files.at("i8-extremes")), Tensor::from({lowest, highest}, {2}));
  EXPECT_EQ(load(files.at("u8-extremes")), Tensor::from({int64_t(0), highest}, {2}));
}

TEST_F(Npy, ReadsEveryShapeAndVersionThatNumPyWrites) {
  const auto files = test::golden_files();
  const auto ascending = [](int count) {
    std::vector<double> values;
    for (int i = 0; i < count; ++i) values.push_back(i);
    return values;
  };
  expect_values(load(files.at("rank3-fortran")), DType::i32, {2, 3, 4}, ascending(24));
  expect_values(load(files.at("rank4-big-fortran")), DType::f64, {2, 3, 4, 5}, ascending(120));
  expect_values(load(files.at("version2")), DType::f32, {3}, ascending(3));
  expect_values(load(files.at("version3")), DType::f32, {3}, ascending(3));
  expect_values(load(files.at("scalar")), DType::i64, {}, {7});
  expect_values(load(files.at("scalar-fortran")), DType::i64, {}, {7});
  expect_values(load(files.at("empty")), DType::f32, {0}, {});
  expect_values(load(files.at("empty-rows")), DType::f32, {0, 3}, {});
  expect_values(load(files.at("empty-columns-fortran")), DType::f32, {3, 0}, {});
}

TEST_F(Npy, EveryHalfIsWidenedExactly) {
  std::string data;
  for (int bits = 0; bits < 65536; ++bits) data += {char(bits & 255), char(bits >> 8)};
  const Tensor tensor = load(npy(header("'<f2'", "(65536,)"), data));
  const auto values = tensor.values<float>();
  for (int bits = 0; bits < 65536; ++bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double expected = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31) expected = fraction == 0 ? HUGE_VAL : std::nan("");
    ASSERT_EQ(std::signbit(values[bits]), bits >> 15 != 0) << bits;
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(values[bits])) << bits;
    } else {
      ASSERT_EQ(std::fabs(values[bits]), expected) << bits;
    }
  }
}

TEST_F(Npy, ReadsAnyOrderAndSpacingOfTheHeader) {
  for (
      const char* text : {
          "{'shape': (2,), 'descr': '<f4', 'fortran_order': False}\n",
          "{\"fortran_order\":False,\"shape\":(2,),\"descr\":\"<f4\"}\n",
          "  {  'descr' :\t'<f4' , 'fortran_order' : False ,\n 'shape' : ( 2 , ) , }   \n",
          "{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }\n",  // Python 2
          "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }                             \n",  // growth
          "{'descr': '=f4', 'fortran_order': True, 'shape': (1, 2)}\n",
          "{'descr': 'f4', 'fortran_order': False, 'shape': (2, 1, 1, 1, 1, 1, 1, 1)}\n",
      }) {
    SCOPED_TRACE(text);
    const Tensor tensor = load(npy(text, two_floats));
    expect_values(tensor, DType::f32, tensor.shape(), {1, -2});
  }
  EXPECT_EQ(load(npy(header("'|b1'"), "\0\7"s)), Tensor::from<uint8_t>({0, 1}, {2}));
}

// What the header must not say. The dictionary starts at byte 10.
TEST_F(Npy, RefusesHeaders) {
  const struct {
    std::string header, message;
  } cases[] = {
      {header("'|O'"), "byte 20: type '|O' holds Python objects, which are never read; save numbers instead"},
      {header("'<U5'"),
       "byte 20: type '<U5' is not read; it must be one of f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8, b1"},
      {header("'<c8'"),
       "byte 20: type '<c8' is not read; it must be one of f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8, b1"},
      {header("'<f16'"),
       "byte 20: type '<f16' is not read; it must be one of f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8, b1"},
      {header("'<f4x'"),
       "byte 20: type '<f4x' is not read; it must be one of f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8, b1"},
      {header("'<f99999999999999999999'"),
       "byte 20: type '<f99999999999999999999' is not read; it must be one of f2 f4 f8, i1 i2 i4 i8, u1 u2 "
       "u4 u8, b1"},
      {header("''"),
       "byte 20: type '' is not read; it must be one of f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8, b1"},
      {header("'<'"),
       "byte 20: type '<' is not read; it must be one of f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8, b1"},
      {header("[('x', '<f4')]"), "byte 20: arrays of records are not read; save each field by itself"},
      {header("3"),
       "byte 20: expected a type such as '<f4', found '3, 'fortran_order': False, 'shape': (2,)...'"},
      {header("'<f4"),
       "byte 20: type '<f4, ' is not read; it must be one of f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8, b1"},
      {header("'<f4'", "(-2,)"), "byte 61: negative size -2"},
      {header("'<f4'", "(9223372036854775808,)"), "byte 61: a size above 2^63 - 1"},
      {header("'<f4'", "(9223372036854775807, 2)"),
       "byte 60: shape [9223372036854775807, 2]: more than 2^63 - 1 elements"},
      {header("'<f4'", "(0, 9223372036854775807, 2)"),
       "byte 60: shape [0, 9223372036854775807, 2]: more than 2^63 - 1 elements"},
      {header("'<f4'", "(1,1,1,1,1,1,1,1,2)"), "byte 60: a shape of more than 8 dimensions"},
      {header("'<f4'", "(2)"), "byte 62: expected ',' after the first size, found '), }\\x0a'"},
      {header("'<f4'", "2"), "byte 60: expected a shape in parentheses, found '2, }\\x0a'"},
      {header("'<f4'", "[2]"), "byte 60: expected a shape in parentheses, found '[2], }\\x0a'"},
      {header("'<f4'", "(2.0,)"), "byte 62: expected ',' after the first size, found '.0,), }\\x0a'"},
      {header("'<f4'", "(1, 2 3)"), "byte 66: expected ',' or ')' after a size, found '3), }\\x0a'"},
      {header("'<f4'", "(,)"), "byte 61: expected a size, found ',), }\\x0a'"},
      {header("'<f4'", "(0x2,)"), "byte 62: expected ',' after the first size, found 'x2,), }\\x0a'"},
      {header("'<f4'", "__import__('os')"),
       "byte 60: expected a shape in parentheses, found '__import__('os'), }\\x0a'"},
      {header("'<f4'", "(2,)", "0"), "byte 44: expected True or False, found '0, 'shape': (2,), }\\x0a'"},
      {"{'descr': '<f4', 'shape': (2,)}\n", "byte 10: the header has no key 'fortran_order'"},
      {"{'descr': '<f4', 'fortran_order': False}\n", "byte 10: the header has no key 'shape'"},
      {"{}\n", "byte 10: the header has no key 'descr'"},
      {"{'descr': '<f4', 'descr': '<f4'}\n", "byte 27: key 'descr' twice"},
      {"{'descr': '<f4', 'extra': 1}\n",
       "byte 27: unknown key 'extra'; expected 'descr', 'fortran_order', 'shape'"},
      {"('<f4', False, (2,))\n", "byte 10: expected a dictionary, found '('<f4', False, (2,))\\x0a'"},
      {"\n", "byte 11: expected a dictionary, found the end of the header"},
      {"{'descr': '<f4', \n", "byte 28: expected a key in quotes, found the end of the header"},
      {"{'descr\n", "byte 11: a string that does not end"},
      {header() + "{}\n", "byte 68: unexpected '{}\\x0a' after the dictionary"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
       "byte 67: the header does not end with a newline"},
      {"", "byte 10: the header does not end with a newline"},
      {std::string(9000, '('), "byte 9010: the header does not end with a newline"},
      {std::string(10001, ' '), "byte 8: a header of 10001 bytes; at most 10000 are read"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': " + std::string(9000, '(') + "}\n",
       "byte 61: expected a size, found '((((((((((((((((((((((((((((((((((((((((...'"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(refusal(npy(c.header, two_floats)), c.message) << c.header.substr(0, 100);
}

TEST_F(Npy, RefusesWhatIsNotNpy) {
  const std::string good = npy(header(), two_floats);
  EXPECT_EQ(refusal(""), "byte 0: not a .npy file: it starts with nothing instead of 93 4e 55 4d 50 59");
  EXPECT_EQ(refusal("1,2,3\n"),
            "byte 0: not a .npy file: it starts with 31 2c 32 2c 33 0a instead of 93 4e 55 4d 50 59");
  EXPECT_EQ(refusal("PK\3\4......"), "byte 0: a zip archive; read it as .npz");
  EXPECT_EQ(refusal(test::gzip(good)), "byte 0: compressed with gzip; decompress it first (gunzip)");
  EXPECT_EQ(refusal(npy(header(), two_floats, "\0\0"s)),
            "byte 6: format version 0.0; versions 1.0, 2.0 and 3.0 are read");
  EXPECT_EQ(refusal(npy(header(), two_floats, "\4\0"s)),
            "byte 6: format version 4.0; versions 1.0, 2.0 and 3.0 are read");
  EXPECT_EQ(refusal(npy(header(), two_floats, "\1\1"s)),
            "byte 6: format version 1.1; versions 1.0, 2.0 and 3.0 are read");
  EXPECT_EQ(refusal("\x93NUMPY\1"), "byte 6: expected 2 bytes of version, found 1");
  EXPECT_EQ(refusal("\x93NUMPY\1\0\5"s), "byte 8: expected 2 bytes of header length, found 1");
  EXPECT_EQ(refusal("\x93NUMPY\1\0\x10\x27{}\n"s), "byte 10: expected 10000 bytes of header, found 3");
  EXPECT_EQ(refusal("\x93NUMPY\2\0\xff\xff\xff\xff{}\n"s),
            "byte 8: a header of 4294967295 bytes; at most 10000 are read");
}

TEST_F(Npy, RefusesDataOfAnotherLength) {
  EXPECT_EQ(refusal(npy(header(), two_floats.substr(1))),
            "byte 68: expected 8 bytes of data for shape [2], found 7");
  EXPECT_EQ(refusal(npy(header(), "")), "byte 68: expected 8 bytes of data for shape [2], found 0");
  EXPECT_EQ(refusal(npy(header(), two_floats + "x")),
            "byte 68: expected 8 bytes of data for shape [2], found 9");
  EXPECT_EQ(refusal(npy(header("'<f4'", "(0,)"), "x")),
            "byte 68: expected 0 bytes of data for shape [0], found 1");
  EXPECT_EQ(refusal(npy(header("'<u8'", "(2,)"), "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80"s)),
            "byte 76: an unsigned number above 2^63 - 1, which does not fit i64");
}

TEST_F(Npy, AllocatesNothingForWhatAHeaderClaims) {
  test::reset_largest_allocation();
  EXPECT_EQ(refusal(npy(header("'<f4'", "(1000000, 1000000)"), two_floats)),
            "byte 82: expected 4000000000000 bytes of data for shape [1000000, 1000000], found 8");
  EXPECT_EQ(refusal(npy(header("'<f8'", "(9223372036854775807,)"), two_floats)),
            "byte 86: expected more than 2^64 bytes of data for shape [9223372036854775807], found 8");
  EXPECT_EQ(refusal(npy(header("'<f2'", "(3, 9223372036854775807, 0)"), two_floats)),
            "byte 60: shape [3, 9223372036854775807, 0]: more than 2^63 - 1 elements");
  EXPECT_LT(test::largest_allocation(), size_t(1) << 20);
}

TEST_F(Npy, EveryPrefixIsRefused) {
  test::for_each_prefix(
      npy(header("'<i2'", "(2, 2)", "True"), two_floats),
      [&](const std::string& bytes, size_t length) { EXPECT_THROW(load(bytes), FormatError) << length; });
}

// There is no checksum: a flipped bit in the data is another value of one element. In the header it is
// refused or changes nothing, but for the one that turns '<' into '>', another byte order.
TEST_F(Npy, EveryFlippedBitIsRefusedOrHarmlessOrOneElement) {
  for (const std::string type : {"<f4", "<i8", "|u1"}) {
    SCOPED_TRACE(type);
    const size_t elements = 16 / (type[2] - '0');
    const std::string data = "\1\2\3\4\5\6\7\x08\x11\x12\x13\x14\x15\x16\x17\x18";
    const std::string text = header("'" + type + "'", "(1, " + std::to_string(elements) + ")"),
                      file = npy(text, data);
    const Tensor original = load(file);
    const size_t order_at = 10 + text.find(type), data_at = 10 + text.size();
    int refused = 0;
    test::reset_largest_allocation();
    test::for_each_flip(file, [&](const std::string& bytes, size_t bit) {
      try {
        const int64_t changed = test::differences(load(bytes), original);
        if (bytes[order_at] == '>' && type[0] == '<') {
          EXPECT_EQ(changed, int64_t(elements));
        } else {
          EXPECT_EQ(changed, bit / 8 >= data_at ? 1 : 0) << bit;
        }
      } catch (const FormatError&) {
        ++refused;
        EXPECT_LT(bit / 8, data_at);
      }
    });
    EXPECT_GE(refused, int(8 * data_at - 20));
    EXPECT_LT(test::largest_allocation(), size_t(1) << 20);
  }
}

TEST_F(Npy, SavedIsLoadedAgain) {
  const float nan = std::bit_cast<float>(0x7fc12345u);
  const Tensor tensors[] = {
      Tensor::from({1.5f, -0.0f, nan, HUGE_VALF, 1e-45f, 3.0f}, {2, 3}),
      Tensor::from({0.1, -1e308, 5e-324}, {3}),
      Tensor::from<int32_t>({1, -2147483647 - 1}, {1, 2, 1}),
      Tensor::from({int64_t(1) << 62}, {}),
      Tensor::from<uint8_t>({0, 255, 7}, {3, 1, 1, 1, 1, 1, 1, 1}),
      Tensor(DType::f32, {0}),
      Tensor(DType::f64, {4, 0, 3}),
  };
  for (const Tensor& tensor : tensors) {
    const std::string path = directory.path("a.npy");
    save_npy(path, tensor);
    EXPECT_EQ(load_npy(path), tensor) << to_string(tensor.shape());
    EXPECT_EQ((test::read_bytes(path).size() - tensor.byte_count()) % 64,
              0u);  // data lies aligned in the file
  }
  EXPECT_EQ(directory.names(), std::vector<std::string>{"a.npy"});
}

TEST_F(Npy, WritesTheHeaderThatNumPyWrites) {
  const auto header_of = [&](const Tensor& tensor) {
    save_npy(directory.path("a.npy"), tensor);
    const std::string bytes = test::read_bytes(directory.path("a.npy"));
    return bytes.substr(0, bytes.find('}') + 1);
  };
  EXPECT_EQ(header_of(Tensor(DType::f32, {2, 3})),
            "\x93NUMPY\1\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"s);
  EXPECT_EQ(header_of(Tensor(DType::u8, {5})),
            "\x93NUMPY\1\0\x76\0{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }"s);
  EXPECT_EQ(header_of(Tensor(DType::i64, {})),
            "\x93NUMPY\1\0\x76\0{'descr': '<i8', 'fortran_order': False, 'shape': (), }"s);
}

TEST_F(Npy, TypesWithoutACounterpartAreNotSaved) {
  const std::string path = directory.path("a.npy");
  const std::string message =
      test::error<ArgumentError>("save_npy", [&] { save_npy(path, Tensor(DType::bf16, {2})); });
  EXPECT_EQ(message, ".npy has no type for bf16; convert it first");
  EXPECT_TRUE(directory.names().empty());
}

#ifdef PLEXUS_PYTHON
TEST_F(Npy, NumPyReadsWhatIsSaved) {
  const std::string path = directory.path("a.npy");
  save_npy(path, Tensor::from({0.5, -2.0, 3.0, 1e300, 5.0, 6.0}, {3, 2}));
  const std::string command = std::string(PLEXUS_PYTHON) +
                              " -c \"import numpy, sys; a = numpy.load(sys.argv[1], allow_pickle=False); "
                              "print(a.dtype.str, a.tolist())\" " +
                              path + " 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> output(popen(command.c_str(), "r"), pclose);
  std::string text(1000, '\0');
  text.resize(fread(text.data(), 1, text.size(), output.get()));
  if (text.find("No module named 'numpy'") != text.npos) GTEST_SKIP() << "NumPy is not installed";
  EXPECT_EQ(text, "<f8 [[0.5, -2.0], [3.0, 1e+300], [5.0, 6.0]]\n");
}
#endif

}  // namespace
}  // namespace plexus
