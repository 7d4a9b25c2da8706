#include "plexus/io/safetensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "io/allocations.h"
#include "io/files.h"

namespace plexus {
namespace {

using test::operator""_bytes;
using test::Directory;

std::string length_of(uint64_t header) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += char(header >> 8 * i & 255);
  return bytes;
}

std::string file_of(const std::string& header, const std::string& data = "") {
  return length_of(header.size()) + header + data;
}

// A tensor's line in the header.
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets +
         "}";
}

const std::string four(4, 'x'), eight(8, 'x');

class SafetensorsFile : public testing::Test {
 protected:
  Safetensors load(const std::string& bytes) { return load_safetensors(directory.write("a", bytes)); }
  // The only tensor of a file.
  Tensor load_one(const std::string& dtype, const std::string& shape, const std::string& data) {
    const std::string offsets = "[0," + std::to_string(data.size()) + "]";
    const Safetensors content =
        load(file_of("{" + entry("t", "\"" + dtype + "\"", shape, offsets) + "}", data));
    EXPECT_EQ(content.tensors.size(), 1u);
    return content.tensors.at(0).tensor;
  }
  std::string refusal(const std::string& bytes) {
    const std::string path = directory.write("a", bytes);
    return test::error<FormatError>(path, [&] { load_safetensors(path); });
  }
  std::string header_refusal(const std::string& header, const std::string& data = "") {
    return refusal(file_of(header, data));
  }
  Directory directory;
};

TEST_F(SafetensorsFile, ReadsEveryType) {
  EXPECT_EQ(load_one("BOOL", "[3]", "\0\1\7"_bytes), Tensor::from<uint8_t>({0, 1, 1}, {3}));
  EXPECT_EQ(load_one("U8", "[2]", "\0\xff"_bytes), Tensor::from<uint8_t>({0, 255}, {2}));
  EXPECT_EQ(load_one("I8", "[2]", "\x80\x7f"_bytes), Tensor::from<int32_t>({-128, 127}, {2}));
  EXPECT_EQ(load_one("U16", "[2]", "\0\x80\xff\xff"_bytes), Tensor::from<int32_t>({32768, 65535}, {2}));
  EXPECT_EQ(load_one("I16", "[2]", "\0\x80\1\0"_bytes), Tensor::from<int32_t>({-32768, 1}, {2}));
  EXPECT_EQ(load_one("F16", "[2]", "\0\x3c\0\xfc"_bytes), Tensor::from({1.0f, -HUGE_VALF}, {2}));
  EXPECT_EQ(load_one("BF16", "[3]", "\x80\x3f\x80\xff\1\0"_bytes),
            Tensor::from({1.0f, -HUGE_VALF, 0x1p-133f}, {3}));
  EXPECT_EQ(load_one("U32", "[1]", "\xff\xff\xff\xff"), Tensor::from<int64_t>({4294967295}, {1}));
  EXPECT_EQ(load_one("I32", "[1]", "\0\0\0\x80"_bytes), Tensor::from<int32_t>({-2147483647 - 1}, {1}));
  EXPECT_EQ(load_one("F32", "[1,1]", "\0\0\x80\x3f"_bytes), Tensor::from({1.0f}, {1, 1}));
  EXPECT_EQ(load_one("U64", "[]", "\1\0\0\0\0\0\0\x40"_bytes),
            Tensor::from<int64_t>({(int64_t(1) << 62) + 1}, {}));
  EXPECT_EQ(load_one("I64", "[1]", std::string(8, '\xff')), Tensor::from<int64_t>({-1}, {1}));
  EXPECT_EQ(load_one("F64", "[1]", "\0\0\0\0\0\0\x08\xc0"_bytes), Tensor::from({-3.0}, {1}));
}

TEST_F(SafetensorsFile, ReadsWhatIsRareAndValid) {
  EXPECT_TRUE(load(file_of("{}")).tensors.empty());
  EXPECT_TRUE(load(file_of(" \t\r\n{} \t\r\n ")).tensors.empty());
  EXPECT_TRUE(load(file_of("{\"__metadata__\":{}}")).metadata.empty());
  EXPECT_EQ(load_one("F32", "[]", four).shape(), Shape{});
  EXPECT_EQ(load_one("F32", "[0,3]", "").shape(), (Shape{0, 3}));
  EXPECT_EQ(load_one("U8", "[1,1,1,1,1,1,1,1]", "x").shape().rank(), 8u);
  const float nan = std::bit_cast<float>(0xffa12345u);
  EXPECT_EQ(load_one("F32", "[1]", "\x45\x23\xa1\xff"),
            Tensor::from({nan}, {1}));  // a signalling one, bit for bit

  // Keys in any order, tensors in another order than their data, empty ones anywhere, names that are no
  // file's.
  const Safetensors content = load(file_of(
      "{ \"../b\" : {\"data_offsets\":[3,4], \"shape\":[1],\"dtype\":\"U8\"},\n" +
          entry("", "\"U8\"", "[0]", "[3,3]") + "," + entry("a\\u0000\\u00e9", "\"U8\"", "[3]", "[0,3]") +
          "," + entry("end", "\"F64\"", "[0]", "[4,4]") + ",\"__metadata__\":{\"k\":\"v\\\"\",\"\":\"\"}}",
      "1234"));
  ASSERT_EQ(content.tensors.size(), 4u);
  EXPECT_EQ(content.tensors[0], (NamedTensor{"../b", Tensor::from<uint8_t>({'4'}, {1})}));
  EXPECT_EQ(content.tensors[1], (NamedTensor{"", Tensor(DType::u8, {0})}));
  EXPECT_EQ(content.tensors[2],
            (NamedTensor{"a\0\xc3\xa9"_bytes, Tensor::from<uint8_t>({'1', '2', '3'}, {3})}));
  EXPECT_EQ(content.tensors[3], (NamedTensor{"end", Tensor(DType::f64, {0})}));
  EXPECT_EQ(content.metadata, (std::map<std::string, std::string>{{"k", "v\""}, {"", ""}}));
  EXPECT_EQ(find(content.tensors, "end"), &content.tensors[3].tensor);
  EXPECT_EQ(find(content.tensors, "else"), nullptr);
}

TEST_F(SafetensorsFile, ReadsNamesOfAMegabyteAndAllTensorsThatAreAllowed) {
  const std::string name(1 << 20, 'n');
  EXPECT_EQ(load(file_of("{" + entry(name, "\"U8\"", "[1]", "[0,1]") + "}", "x")).tensors[0].name, name);
  std::string header = "{", data(1 << 16, 'x');
  for (int i = 0; i < 1 << 16; ++i)
    header += (i > 0 ? "," : "") + entry(std::to_string(i), "\"U8\"", "[]",
                                         "[" + std::to_string(i) + "," + std::to_string(i + 1) + "]");
  EXPECT_EQ(load(file_of(header + "}", data)).tensors.size(), size_t(1) << 16);
  EXPECT_EQ(header_refusal(header + "," + entry("one more", "\"U8\"", "[0]", "[0,0]") + "}", data),
            "header: more than 65536 tensors");
}

TEST_F(SafetensorsFile, RefusesLengths) {
  EXPECT_EQ(refusal(""), "byte 0: expected 8 bytes of header length, found 0");
  EXPECT_EQ(refusal("1234567"), "byte 0: expected 8 bytes of header length, found 7");
  EXPECT_EQ(refusal(length_of(0)), "byte 8: the header is empty");
  EXPECT_EQ(refusal(length_of(3) + "{}"), "byte 0: a header of 3 bytes; 2 are left in the file");
  EXPECT_EQ(refusal(length_of(100000001) + "{}"),
            "byte 0: a header of 100000001 bytes; at most 6291456 are read");
  EXPECT_EQ(refusal(length_of(6291457) + "{}"),
            "byte 0: a header of 6291457 bytes; at most 6291456 are read");
  EXPECT_EQ(refusal(length_of(~uint64_t(0)) + "{}"),
            "byte 0: a header of 18446744073709551615 bytes; at most 6291456 are read");
  EXPECT_EQ(refusal("\x93NUMPY\1\0"_bytes),
            "byte 0: a header of 379676406402707 bytes; at most 6291456 are read");
}

TEST_F(SafetensorsFile, RefusesHeadersThatAreNotJson) {
  const struct {
    std::string header, message;
  } cases[] = {
      {"    ", "byte 8: the header is empty"},
      {"x", "byte 8: the header is not a JSON object: it starts with 'x'"},
      {"[]", "byte 8: the header is not a JSON object: it starts with '[]'"},
      {"\"a\"", "byte 8: the header is not a JSON object: it starts with '\"a\"'"},
      {" null", "byte 9: the header is not a JSON object: it starts with 'null'"},
      {"\xEF\xBB\xBF{}", "byte 8: the header is not a JSON object: it starts with '\xEF\xBB\xBF{}'"},
      {"\v{}", "byte 8: the header is not a JSON object: it starts with '\\x0b{}'"},
      {"{", "byte 9: the header is not valid JSON: unexpected end"},
      {"{\"a", "byte 11: the header is not valid JSON: unexpected end"},
      {"{\"a\":{\"dtype\":\"F32\"", "byte 27: the header is not valid JSON: unexpected end"},
      {"{}{}", "byte 10: the header is not valid JSON: unexpected '{}'"},
      {"{} x", "byte 11: the header is not valid JSON: unexpected 'x'"},
      {"{}\0"_bytes, "byte 10: a NUL byte in the header"},
      {"{}\0garbage"_bytes, "byte 10: a NUL byte in the header"},
      {"{\"a\0\":1}"_bytes, "byte 11: a NUL byte in the header"},
      {"{'a':1}", "byte 9: the header is not valid JSON: unexpected ''a':1}'"},
      {"{\"\xff\":1}", "byte 10: the header is not valid JSON: unexpected '\xff\":1}'"},
      {"{\"\xc0\xaf\":1}", "byte 10: the header is not valid JSON: unexpected '\xc0\xaf\":1}'"},
      {"{\"\\ud800\":1}", "byte 16: the header is not valid JSON: unexpected '\":1}'"},
      {"{\"\n\":1}", "byte 10: the header is not valid JSON: unexpected '\\x0a\":1}'"},
      {"{,}", "byte 9: the header is not valid JSON: unexpected ',}'"},
      {"{/**/}", "byte 9: the header is not valid JSON: unexpected '/**/}'"},
      {"{\"a\":NaN}", "byte 13: the header is not valid JSON: unexpected 'NaN}'"},
      {"{" + entry("t", "\"F32\"", "[01]", "[0,4]") + "}",
       "byte 38: the header is not valid JSON: unexpected '1],\"data_offsets\":[0,4]}}'"},
  };
  for (const auto& c : cases) EXPECT_EQ(header_refusal(c.header), c.message) << c.header;
}

TEST_F(SafetensorsFile, RefusesWhatTheHeaderMustNotHold) {
  const std::string good = entry("t", "\"F32\"", "[2]", "[0,8]");
  const std::string types =
      " is not read; it must be one of F16 BF16 F32 F64, I8 I16 I32 I64, U8 U16 U32 U64, BOOL";
  const struct {
    std::string header, message;
  } cases[] = {
      {"{" + good + "," + good + "}", "header: tensor 't' twice"},
      {"{\"t\":1}", "tensor 't': expected an object, found a number"},
      {"{\"t\":[]}", "tensor 't': expected an object, found an array"},
      {"{\"t\":null}", "tensor 't': expected an object, found null"},
      {"{\"t\":{}}", "tensor 't': no key 'dtype'"},
      {"{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "tensor 't': no key 'shape'"},
      {"{\"t\":{\"dtype\":\"F32\",\"shape\":[2]}}", "tensor 't': no key 'data_offsets'"},
      {"{\"t\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", "tensor 't': key 'dtype' twice"},
      {"{\"t\":{\"shape\":[],\"shape\":[]}}", "tensor 't': key 'shape' twice"},
      {"{\"t\":{\"data_offsets\":[0,0],\"data_offsets\":[0,8]}}", "tensor 't': key 'data_offsets' twice"},
      {"{\"t\":{\"extra\":1}}", "tensor 't': unknown key 'extra'; expected 'dtype', 'shape', 'data_offsets'"},
      {"{" + entry("t", "\"f32\"", "[2]", "[0,8]") + "}", "tensor 't': dtype 'f32'" + types},
      {"{" + entry("t", "\"F8_E4M3\"", "[2]", "[0,8]") + "}", "tensor 't': dtype 'F8_E4M3'" + types},
      {"{" + entry("t", "\"F4\"", "[3]", "[0,2]") + "}", "tensor 't': dtype 'F4'" + types},
      {"{" + entry("t", "\"\"", "[2]", "[0,8]") + "}", "tensor 't': dtype ''" + types},
      {"{" + entry("t", "32", "[2]", "[0,8]") + "}",
       "tensor 't': 'dtype': expected a string, found a number"},
      {"{" + entry("t", "\"F32\"", "2", "[0,8]") + "}",
       "tensor 't': 'shape': expected an array, found a number"},
      {"{" + entry("t", "\"F32\"", "{\"0\":2}", "[0,8]") + "}",
       "tensor 't': 'shape': expected an array, found an object"},
      {"{" + entry("t", "\"F32\"", "[-2]", "[0,8]") + "}",
       "tensor 't': 'shape': expected a size, found the number -2"},
      {"{" + entry("t", "\"F32\"", "[-0]", "[0,8]") + "}",
       "tensor 't': 'shape': expected a size, found the number -0"},
      {"{" + entry("t", "\"F32\"", "[2.0]", "[0,8]") + "}",
       "tensor 't': 'shape': expected a size, found the number '2.0'"},
      {"{" + entry("t", "\"F32\"", "[1e3]", "[0,8]") + "}",
       "tensor 't': 'shape': expected a size, found the number '1e3'"},
      {"{" + entry("t", "\"F32\"", "[\"2\"]", "[0,8]") + "}",
       "tensor 't': 'shape': expected a size, found a string"},
      {"{" + entry("t", "\"F32\"", "[true]", "[0,8]") + "}",
       "tensor 't': 'shape': expected a size, found true"},
      {"{" + entry("t", "\"F32\"", "[[2]]", "[0,8]") + "}",
       "tensor 't': 'shape': expected a size, found an array"},
      {"{" + entry("t", "\"F32\"", "[9223372036854775808]", "[0,8]") + "}",
       "tensor 't': size 9223372036854775808 is above 2^63 - 1"},
      {"{" + entry("t", "\"F32\"", "[18446744073709551616]", "[0,8]") + "}",
       "tensor 't': 'shape': expected a size, found the number '18446744073709551616'"},
      {"{" + entry("t", "\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0,8]") + "}",
       "tensor 't': a shape of more than 8 dimensions"},
      {"{" + entry("t", "\"F32\"", "[2,18446744073709551614]", "[0,8]") + "}",
       "tensor 't': size 18446744073709551614 is above 2^63 - 1"},
      {"{" + entry("t", "\"F32\"", "[4294967296,4294967296]", "[0,8]") + "}",
       "tensor 't': shape [4294967296, 4294967296]: more than 2^63 - 1 elements"},
      {"{" + entry("t", "\"I32\"", "[2,4611686018427387903]", "[0,8]") + "}",
       "tensor 't': data_offsets [0, 8] hold 8 bytes, but shape [2, 4611686018427387903] needs more than "
       "2^64"},
      {"{" + entry("t", "\"F32\"", "[9223372036854775807,4,0]", "[0,0]") + "}",
       "tensor 't': shape [9223372036854775807, 4, 0]: more than 2^63 - 1 elements"},
      {"{" + entry("t", "\"F32\"", "[0,9223372036854775807,4]", "[0,0]") + "}",
       "tensor 't': shape [0, 9223372036854775807, 4]: more than 2^63 - 1 elements"},
      {"{" + entry("t", "\"F32\"", "[2]", "8") + "}",
       "tensor 't': 'data_offsets': expected an array, found a number"},
      {"{" + entry("t", "\"F32\"", "[2]", "[]") + "}",
       "tensor 't': 'data_offsets' has 0 numbers instead of 2"},
      {"{" + entry("t", "\"F32\"", "[2]", "[8]") + "}",
       "tensor 't': 'data_offsets' has 1 numbers instead of 2"},
      {"{" + entry("t", "\"F32\"", "[2]", "[0,8,8]") + "}",
       "tensor 't': 'data_offsets' has more than 2 numbers"},
      {"{" + entry("t", "\"F32\"", "[2]", "[-8,0]") + "}",
       "tensor 't': 'data_offsets': expected an offset, found the number -8"},
      {"{" + entry("t", "\"F32\"", "[2]", "[0,8.0]") + "}",
       "tensor 't': 'data_offsets': expected an offset, found the number '8.0'"},
      {"{" + entry("t", "\"F32\"", "[2]", "[8,0]") + "}",
       "tensor 't': data_offsets [8, 0] end before they begin"},
      {"{" + entry("t", "\"F32\"", "[2]", "[0,7]") + "}",
       "tensor 't': data_offsets [0, 7] hold 7 bytes, but shape [2] needs 8"},
      {"{" + entry("t", "\"F32\"", "[1]", "[0,8]") + "}",
       "tensor 't': data_offsets [0, 8] hold 8 bytes, but shape [1] needs 4"},
      {"{" + entry("t", "\"F32\"", "[]", "[0,8]") + "}",
       "tensor 't': data_offsets [0, 8] hold 8 bytes, but shape [] needs 4"},
      {"{\"__metadata__\":1}", "__metadata__: expected an object, found a number"},
      {"{\"__metadata__\":{\"a\":1}}", "__metadata__: key 'a': expected a string, found a number"},
      {"{\"__metadata__\":{\"a\":{}}}", "__metadata__: key 'a': expected a string, found an object"},
      {"{\"__metadata__\":{\"a\":[]}}", "__metadata__: key 'a': expected a string, found an array"},
      {"{\"__metadata__\":{\"a\":null}}", "__metadata__: key 'a': expected a string, found null"},
      {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", "__metadata__: key 'a' twice"},
      {"{\"__metadata__\":{},\"__metadata__\":{}}", "header: '__metadata__' twice"},
  };
  for (const auto& c : cases) EXPECT_EQ(header_refusal(c.header, eight), c.message) << c.header;
}

TEST_F(SafetensorsFile, RefusesOverlapsHolesAndWhatIsLeft) {
  const auto two = [&](const std::string& first, const std::string& second, const std::string& data) {
    return header_refusal(
        "{" + entry("a", "\"F32\"", "[1]", first) + "," + entry("b", "\"F32\"", "[1]", second) + "}", data);
  };
  EXPECT_EQ(two("[0,4]", "[0,4]", eight),
            "tensor 'b': data_offsets [0, 4] overlap the tensor before, which ends at 4");
  EXPECT_EQ(two("[0,4]", "[2,6]", eight),
            "tensor 'b': data_offsets [2, 6] overlap the tensor before, which ends at 4");
  EXPECT_EQ(two("[4,8]", "[2,6]", eight),
            "tensor 'b': data_offsets [2, 6] leave a hole after the tensor before, which ends at 0");
  EXPECT_EQ(two("[0,4]", "[5,9]", eight + "x"),
            "tensor 'b': data_offsets [5, 9] leave a hole after the tensor before, which ends at 4");
  EXPECT_EQ(two("[0,4]", "[4,8]", eight + "PK"), "2 bytes of data belong to no tensor");
  EXPECT_EQ(two("[0,4]", "[4,8]", eight.substr(1)),
            "tensor 'b': data_offsets [4, 8] end beyond the data, 7 bytes");
  EXPECT_EQ(two("[18446744073709551612,18446744073709551616]", "[4,8]", eight),
            "tensor 'a': 'data_offsets': expected an offset, found the number '18446744073709551616'");
  EXPECT_EQ(
      two("[18446744073709551611,18446744073709551615]", "[0,4]", eight),
      "tensor 'a': data_offsets [18446744073709551611, 18446744073709551615] end beyond the data, 8 bytes");
  EXPECT_EQ(header_refusal("{" + entry("t", "\"F32\"", "[0]", "[4,4]") + "}", four),
            "tensor 't': data_offsets [4, 4] leave a hole after the tensor before, which ends at 0");
  EXPECT_EQ(header_refusal("{}", "x"), "1 bytes of data belong to no tensor");
  EXPECT_EQ(header_refusal("{" + entry("t", "\"U64\"", "[1]", "[0,8]") + "}", std::string(8, '\xff')),
            "byte 62: an unsigned number above 2^63 - 1, which does not fit i64");
}

TEST_F(SafetensorsFile, DepthAndClaimsCostNothing) {
  test::reset_largest_allocation();
  const std::string deep(1000000, '[');
  EXPECT_EQ(header_refusal("{\"t\":" + deep), "tensor 't': expected an object, found an array");
  EXPECT_EQ(header_refusal("{\"t\":{\"shape\":" + deep),
            "tensor 't': 'shape': expected a size, found an array");
  std::string objects = "{";
  for (int i = 0; i < 100000; ++i) objects += "\"t\":{";
  EXPECT_EQ(header_refusal(objects),
            "tensor 't': unknown key 't'; expected 'dtype', 'shape', 'data_offsets'");
  EXPECT_LE(test::largest_allocation(), size_t(1) << 21);
  test::reset_largest_allocation();
  EXPECT_EQ(header_refusal("{" + entry("t", "\"U8\"", "[1000000000000]", "[0,1000000000000]") + "}", eight),
            "tensor 't': data_offsets [0, 1000000000000] end beyond the data, 8 bytes");
  EXPECT_LT(test::largest_allocation(), size_t(1) << 20);
}

// Metadata, types of several widths, an empty tensor, a scalar.
Safetensors sample() {
  return {.tensors = {{"bytes", Tensor::from<uint8_t>({1, 2, 3}, {3})},
                      {"0.weight",
                       Tensor::from({1.5f, -0.0f, std::bit_cast<float>(0x7fc12345u), HUGE_VALF}, {2, 2})},
                      {"empty", Tensor(DType::f64, {4, 0})},
                      {"n", Tensor::from<int64_t>({int64_t(1) << 62}, {})},
                      {"\xc3\xa9 \"\\\n", Tensor::from<int32_t>({-7}, {1})},
                      {"d", Tensor::from({0.1, 5e-324}, {1, 2})}},
          .metadata = {{"version", "1"}, {"a \"b\"", "line\nline"}}};
}

TEST_F(SafetensorsFile, SavedIsLoadedAgain) {
  const std::string path = directory.path("a.safetensors");
  for (const Safetensors& content : {sample(), Safetensors{}}) {
    save_safetensors(path, content);
    const Safetensors loaded = load_safetensors(path);
    EXPECT_EQ(loaded.tensors, content.tensors);
    EXPECT_EQ(loaded.metadata, content.metadata);
    const std::string bytes = test::read_bytes(path);
    save_safetensors(path, loaded);
    EXPECT_EQ(test::read_bytes(path), bytes);
  }
  EXPECT_EQ(directory.names(), std::vector<std::string>{"a.safetensors"});
}

TEST_F(SafetensorsFile, WritesAlignedDataWithTheWidestFirst) {
  const std::string path = directory.path("a.safetensors");
  save_safetensors(
      path, {.tensors = {{"a", Tensor::from<uint8_t>({'u'}, {1})}, {"b", Tensor::from({1.0f}, {1, 1})}},
             .metadata = {{"k", "v"}}});
  const std::string header =
      "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[4,5]},"
      "\"b\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}}";
  EXPECT_EQ(test::read_bytes(path),
            length_of(184) + header + std::string(184 - header.size(), ' ') + "\0\0\x80\x3fu"_bytes);
  save_safetensors(path, {});
  EXPECT_EQ(test::read_bytes(path), length_of(56) + "{}" + std::string(54, ' '));
}

TEST_F(SafetensorsFile, WritesTypesThatOthersHave) {
  const std::string path = directory.path("a.safetensors");
  Tensor bf16 = Tensor::from({1.0f, -2.0f}, {2}).converted(DType::bf16);
  Tensor i8(DType::i8, {1});
  std::memset(i8.bytes(), 0x80, 1);
  save_safetensors(path, {.tensors = {{"b", std::move(bf16)}, {"i", std::move(i8)}}, .metadata = {}});
  const Safetensors loaded = load_safetensors(path);
  EXPECT_EQ(loaded.tensors[0].tensor, Tensor::from({1.0f, -2.0f}, {2}));
  EXPECT_EQ(loaded.tensors[1].tensor, Tensor::from<int32_t>({-128}, {1}));
}

TEST_F(SafetensorsFile, RefusesToWriteWhatCouldNotBeRead) {
  const std::string path = directory.write("a", "old");
  const auto refused = [&](const Safetensors& content) {
    return test::error<ArgumentError>("save_safetensors", [&] { save_safetensors(path, content); });
  };
  const Tensor t(DType::u8, {1});
  EXPECT_EQ(refused({.tensors = {{"a", t}, {"b", t}, {"a", t}}, .metadata = {}}),
            "two tensors are named 'a'");
  EXPECT_EQ(refused({.tensors = {{"__metadata__", t}}, .metadata = {}}),
            "no tensor can be named '__metadata__'");
  EXPECT_EQ(refused({.tensors = {{"\xff", t}}, .metadata = {}}), "'\xff' is not UTF-8");
  EXPECT_EQ(refused({.tensors = {}, .metadata = {{"k", "\xff"}}}), "'\xff' is not UTF-8");
  EXPECT_EQ(refused({.tensors = {}, .metadata = {{"k", std::string(6 << 20, 'x')}}}),
            "names and metadata make a header of 6291512 bytes; at most 6291456");
  std::vector<NamedTensor> many(65537);
  for (size_t i = 0; i < many.size(); ++i) many[i].name = std::to_string(i);
  EXPECT_EQ(refused({.tensors = many, .metadata = {}}), "65537 tensors; at most 65536");
  EXPECT_EQ(test::read_bytes(path), "old");
}

TEST_F(SafetensorsFile, EveryPrefixIsRefused) {
  const std::string path = directory.path("a.safetensors");
  save_safetensors(path, sample());
  test::for_each_prefix(test::read_bytes(path), [&](const std::string& bytes, size_t length) {
    EXPECT_THROW(load(bytes), FormatError) << length;
  });
}

// There is no checksum: a flipped bit in the data is another value of one element. In the header it is refused,
// or it changes one name, one text or one size of a tensor that stays empty, and nothing else.
TEST_F(SafetensorsFile, EveryFlippedBitIsRefusedOrOneNameOrOneElement) {
  const std::string path = directory.path("a.safetensors");
  save_safetensors(path, sample());
  const std::string file = test::read_bytes(path);
  const Safetensors original = load(file);
  const size_t data_at = file.find('}', file.rfind('"')) / 64 * 64 + 64;
  int loaded = 0;
  test::reset_largest_allocation();
  test::for_each_flip(file, [&](const std::string& bytes, size_t bit) {
    try {
      const Safetensors content = load(bytes);
      ASSERT_EQ(content.tensors.size(), original.tensors.size()) << bit;
      int64_t names = 0, elements = 0;
      for (size_t i = 0; i < content.tensors.size(); ++i) {
        names += content.tensors[i].name != original.tensors[i].name;
        const Tensor &now = content.tensors[i].tensor, &before = original.tensors[i].tensor;
        const bool resized = now.elements() == 0 && before.elements() == 0 && now.shape() != before.shape();
        const int64_t changed = resized ? 0 : test::differences(now, before);
        ASSERT_GE(changed, 0) << bit;
        names += resized;
        elements += changed;
      }
      for (const auto& [key, text] : original.metadata)
        names += !content.metadata.contains(key) || content.metadata.at(key) != text;
      EXPECT_EQ(content.metadata.size(), original.metadata.size()) << bit;
      EXPECT_EQ(names, bit / 8 < data_at ? 1 : 0) << bit;
      EXPECT_EQ(elements, bit / 8 < data_at ? 0 : 1) << bit;
      ++loaded;
    } catch (const FormatError&) {
      EXPECT_LT(bit / 8, data_at) << bit;
    }
  });
  EXPECT_GT(loaded, int(8 * (file.size() - data_at)));
  EXPECT_LT(loaded, int(8 * (file.size() - data_at)) + 8 * 80);  // names and texts have some 60 characters
  EXPECT_LT(test::largest_allocation(), size_t(1) << 20);
}

}  // namespace
}  // namespace plexus
