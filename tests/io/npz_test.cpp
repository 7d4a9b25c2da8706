#include "plexus/io/npz.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstdio>
#include <memory>

#include "io/allocations.h"
#include "io/files.h"

namespace plexus {
namespace {

using test::operator""_bytes;
using test::Directory;

std::string little(uint64_t value, int bytes) {
  std::string result;
  for (int i = 0; i < bytes; ++i) result += char(value >> 8 * i & 255);
  return result;
}

uint32_t crc(const std::string& bytes) {
  return uint32_t(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), uInt(bytes.size())));
}

// A member as the format describes it, to be damaged field by field.
struct Member {
  std::string name, data;
  uint16_t flags = 0, method = 0;
  uint32_t checksum = crc(data), compressed = uint32_t(data.size()), size = uint32_t(data.size());
  std::string local_name = name, local_extra = "", extra = "";
  uint32_t local_checksum = checksum, local_compressed = compressed, local_size = size;
};

struct Archive {
  std::vector<Member> members;
  std::string comment = "";
  int claimed = -1;  // members, where not their number
  uint16_t disk = 0;
  std::string before_end = "";  // between directory and end

  std::string bytes() const {
    std::string file, directory;
    for (const Member& m : members) {
      const auto at = file.size();
      file += "PK\3\4" + little(20, 2) + little(m.flags, 2) + little(m.method, 2) + little(0x210000, 4) +
              little(m.local_checksum, 4) + little(m.local_compressed, 4) + little(m.local_size, 4) +
              little(m.local_name.size(), 2) + little(m.local_extra.size(), 2) + m.local_name +
              m.local_extra + m.data;
      directory += "PK\1\2" + little(20, 2) + little(20, 2) + little(m.flags, 2) + little(m.method, 2) +
                   little(0x210000, 4) + little(m.checksum, 4) + little(m.compressed, 4) + little(m.size, 4) +
                   little(m.name.size(), 2) + little(m.extra.size(), 2) + little(0, 2) + little(0, 2) +
                   little(0, 2) + little(0, 4) + little(at, 4) + m.name + m.extra;
    }
    const size_t count = claimed < 0 ? members.size() : size_t(claimed);
    return file + directory + before_end + "PK\5\6" + little(disk, 2) + little(disk, 2) + little(count, 2) +
           little(count, 2) + little(directory.size(), 4) + little(file.size(), 4) +
           little(comment.size(), 2) + comment;
  }
};

// Three bytes as NumPy would write them.
std::string small_npy(const std::string& data = "abc", const std::string& shape = "(3,)") {
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + ", }";
  header.append(117 - header.size(), ' ') += '\n';
  std::string file = "\x93NUMPY\1\0\x76\0"_bytes;
  file += header;
  return file += data;
}

Member deflated(const std::string& name, const std::string& content) {
  return {.name = name,
          .data = test::deflate(content),
          .method = 8,
          .checksum = crc(content),
          .size = uint32_t(content.size())};
}

const Tensor abc = Tensor::from<uint8_t>({'a', 'b', 'c'}, {3});

class Npz : public testing::Test {
 protected:
  std::vector<NamedTensor> load(const std::string& bytes) {
    return load_npz(directory.write("a.npz", bytes));
  }
  std::string refusal(const std::string& bytes) {
    const std::string path = directory.write("a.npz", bytes);
    return test::error<FormatError>(path, [&] { load_npz(path); });
  }
  std::string refusal(const Archive& archive) { return refusal(archive.bytes()); }
  const std::string unfit =
      "the zip archive is cut off or damaged: its directory and its members do not fit together";
  Directory directory;
};

// tests/golden/make_npy.py says what NumPy wrote. NumPy's members have zip64 headers; streamed ones have
// their sizes behind.
TEST_F(Npz, ReadsWhatNumPyWrites) {
  const auto files = test::golden_files();
  for (const char* name : {"npz-stored", "npz-stored-streamed", "npz-deflated", "npz-deflated-streamed"}) {
    SCOPED_TRACE(name);
    const auto tensors = load(files.at(name));
    ASSERT_EQ(tensors.size(), 4u);
    EXPECT_EQ(tensors[0], (NamedTensor{"x", Tensor::from({0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f}, {2, 3})}));
    EXPECT_EQ(tensors[1], (NamedTensor{"a/b", Tensor::from<int32_t>({0, 1, 2, 3, 4, 5}, {2, 3})}));
    EXPECT_EQ(tensors[2], (NamedTensor{"scalar", Tensor::from<int64_t>({7}, {})}));
    EXPECT_EQ(tensors[3], (NamedTensor{"empty", Tensor(DType::f64, {3, 0})}));
  }
  EXPECT_TRUE(load(files.at("npz-empty")).empty());
}

TEST_F(Npz, ReadsWhatIsRareAndValid) {
  const std::vector<NamedTensor> expected{{"a", abc}};
  EXPECT_EQ(load(Archive{{{.name = "a.npy", .data = small_npy()}}}.bytes()), expected);
  EXPECT_EQ(load(Archive{{deflated("a.npy", small_npy())}}.bytes()), expected);
  EXPECT_EQ(load(Archive{{{.name = "a", .data = small_npy()}}, "a comment"}.bytes()), expected);
  // Names are text, whatever they look like.
  const auto tensors = load(Archive{{{.name = "../../etc/passwd", .data = small_npy()},
                                     {.name = "/a.npy", .data = small_npy()},
                                     {.name = ".npy", .data = small_npy()},
                                     {.name = "\xc3\xa9.npy", .data = small_npy(), .flags = 1 << 11}}}
                                .bytes());
  ASSERT_EQ(tensors.size(), 4u);
  EXPECT_EQ(tensors[0].name, "../../etc/passwd");
  EXPECT_EQ(tensors[1].name, "/a");
  EXPECT_EQ(tensors[2].name, "");
  EXPECT_EQ(tensors[3], (NamedTensor{"\xc3\xa9", abc}));
}

// Sizes and places of 64 bits, wherever the format has them.
TEST_F(Npz, ReadsZip64) {
  const uint32_t beyond = 0xffffffff;
  const std::string data = small_npy(), sizes = little(data.size(), 8) + little(data.size(), 8);
  Archive archive{{{.name = "a.npy",
                    .data = data,
                    .compressed = beyond,
                    .size = beyond,
                    .local_extra = little(1, 2) + little(16, 2) + sizes,
                    .extra = little(1, 2) + little(24, 2) + sizes + little(0, 8)}}};
  std::string file = archive.bytes();
  const size_t directory_at = file.find("PK\1\2"), end_at = file.find("PK\5\6");
  file.replace(directory_at + 42, 4, little(beyond, 4));
  const std::string end = "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
                          little(1, 8) + little(1, 8) + little(end_at - directory_at, 8) +
                          little(directory_at, 8);
  const std::string locator = "PK\6\7" + little(0, 4) + little(end_at, 8) + little(1, 4);
  const std::string old_end =
      "PK\5\6" + little(0, 4) + little(0xffff, 2) + little(0xffff, 2) + little(beyond, 4) + little(beyond, 4);
  file = file.substr(0, end_at) + end + locator + old_end + little(0, 2);
  EXPECT_EQ(load(file), (std::vector<NamedTensor>{{"a", abc}}));
  // What it claims is no more believed than what 32 bits can claim.
  for (const size_t at : {end_at + 24, end_at + 32}) {  // numbers of members
    std::string damaged = file;
    damaged.replace(at, 8, little(uint64_t(1) << 60, 8));
    test::reset_largest_allocation();
    EXPECT_THROW(load(damaged), FormatError) << at;
    EXPECT_LT(test::largest_allocation(), size_t(1) << 20);
  }
  for (const size_t at : {end_at + 40, end_at + 48, end_at + end.size() + 8, directory_at + 46 + 5 + 4}) {
    std::string damaged = file;
    damaged.replace(at, 8, little(uint64_t(1) << 62, 8));
    EXPECT_THROW(load(damaged), FormatError) << at;
  }
}

TEST_F(Npz, ReadsTheLongestComment) {
  Archive archive{{{.name = "a.npy", .data = small_npy()}}, std::string(65535, 'c')};
  EXPECT_EQ(load(archive.bytes()), (std::vector<NamedTensor>{{"a", abc}}));
  EXPECT_EQ(refusal(archive.bytes().substr(0, 65535)), unfit);
}

TEST_F(Npz, RefusesWhatIsNoArchive) {
  EXPECT_EQ(refusal(""), "byte 0: not a zip archive: it starts with nothing instead of 50 4b 03 04");
  EXPECT_EQ(refusal(small_npy()), "byte 0: not a zip archive: it starts with 93 4e 55 4d instead of 50 4b 03 04");
  const std::string good = Archive{{{.name = "a.npy", .data = small_npy()}}}.bytes();
  EXPECT_EQ(refusal("junk" + good),
            "byte 0: not a zip archive: it starts with 6a 75 6e 6b instead of 50 4b 03 04");
  EXPECT_EQ(refusal(good.substr(0, good.size() - 1)), unfit);
  EXPECT_EQ(refusal(good.substr(0, 100)), unfit);
  EXPECT_EQ(refusal(good + "junk"), unfit);
}

// The directory's place and size as the long form of the end has them: claims of 64 bits.
TEST_F(Npz, RefusesDamagedLongEnds) {
  const Archive good{{{.name = "a.npy", .data = small_npy()}}};
  const uint64_t end = good.bytes().size() - 22, start = good.bytes().find("PK\1\2");
  const auto with = [&](uint64_t members, uint64_t size, uint64_t offset, uint64_t end_offset) {
    Archive archive = good;
    archive.before_end = "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
                         little(members, 8) + little(members, 8) + little(size, 8) + little(offset, 8) +
                         "PK\6\7" + little(0, 4) + little(end_offset, 8) + little(1, 4);
    return archive.bytes();
  };
  EXPECT_EQ(load(with(1, end - start, start, end)), (std::vector<NamedTensor>{{"a", abc}}));
  const uint64_t most = ~uint64_t(0);
  for (const uint64_t claim : {most, most >> 1, most >> 2, most >> 5, most >> 10, uint64_t(2)}) {
    SCOPED_TRACE(claim);
    EXPECT_EQ(refusal(with(claim, end - start, start, end)), unfit);
    EXPECT_EQ(refusal(with(1, claim, start, end)), unfit);
    EXPECT_EQ(refusal(with(1, end - start, claim, end)), unfit);
    EXPECT_EQ(refusal(with(1, end - start, start, claim)), unfit);
  }
}

TEST_F(Npz, RefusesDamagedArchives) {
  const Member good{.name = "a.npy", .data = small_npy()};
  const auto with = [&](auto change) {
    Archive archive{{good}};
    change(archive);
    return refusal(archive);
  };
  const auto size = uint32_t(good.data.size());
  EXPECT_EQ(with([](Archive& a) { a.members[0].checksum = a.members[0].local_checksum ^= 1; }),
            "member 'a.npy': damaged zip archive: wrong checksum");
  EXPECT_EQ(with([](Archive& a) { a.members[0].data.back() = 'd'; }),
            "member 'a.npy': damaged zip archive: wrong checksum");
  EXPECT_EQ(with([](Archive& a) { a.members[0].local_checksum ^= 1; }), unfit);
  EXPECT_EQ(with([](Archive& a) { a.members[0].local_size += 1; }), unfit);
  EXPECT_EQ(with([](Archive& a) { a.members[0].local_name = "b.npy"; }), unfit);
  EXPECT_EQ(with([](Archive& a) {
              Member& member = a.members[0];
              member.flags = 1;
              member.data = "twelve bytes" + member.data;  // what encryption puts in front
              member.compressed = member.local_compressed = uint32_t(member.data.size());
            }),
            "member 'a.npy': encrypted");
  EXPECT_EQ(with([](Archive& a) { a.members[0].method = 12; }),
            "member 'a.npy': compressed with method 12; 0 (stored) and 8 (deflate) are read");
  EXPECT_EQ(with([](Archive& a) { a.members[0].method = 8; }),
            "member 'a.npy', byte 0: not a .npy file: it starts with 1b 65 25 60 24 a8 instead of 93 4e 55 "
            "4d 50 59");
  EXPECT_EQ(with([](Archive& a) {
              a.members[0] = deflated("a.npy", small_npy());
              a.members[0].data[0] = char(a.members[0].data[0] | 7);  // a kind of block that does not exist
            }),
            "member 'a.npy': damaged zip archive: the compressed data is not deflate");
  EXPECT_EQ(with([](Archive& a) { a.members.push_back(a.members[0]); }), "two members have the same name");
  EXPECT_EQ(with([](Archive& a) { a.members.push_back({.name = "a", .data = small_npy()}); }),
            "two members are named 'a'");
  EXPECT_EQ(with([](Archive& a) { a.claimed = 2; }), unfit);
  EXPECT_EQ(with([](Archive& a) { a.disk = 1; }), "part of a zip archive of several disks");
  EXPECT_EQ(with([&](Archive& a) { a.members[0].compressed = a.members[0].local_compressed = size + 1000; }),
            unfit);
  const std::string longer =
      with([&](Archive& a) { a.members[0].size = a.members[0].local_size = size + 1; });
  EXPECT_TRUE(longer == "member 'a.npy': claims to hold 132 bytes in 131" || longer == unfit)  // libzip 1.11
      << longer;
  EXPECT_EQ(with([](Archive& a) { a.members.push_back({.name = "readme.txt", .data = "hello"}); }),
            "member 'readme.txt', byte 0: not a .npy file: it starts with 68 65 6c 6c 6f instead of 93 4e 55 "
            "4d 50 59");
  EXPECT_EQ(with([](Archive& a) { a.members.push_back({.name = "folder/", .data = ""}); }),
            "member 'folder/', byte 0: not a .npy file: it starts with nothing instead of 93 4e 55 4d 50 59");
  EXPECT_EQ(with([](Archive& a) { a.members[0] = {.name = "a.npy", .data = small_npy("ab")}; }),
            "member 'a.npy', byte 128: expected 3 bytes of data for shape [3], found 2");
  EXPECT_EQ(with([](Archive& a) { a.members[0] = deflated("a.npy", small_npy("abcd")); }),
            "member 'a.npy', byte 128: expected 3 bytes of data for shape [3], found more");
  EXPECT_EQ(with([](Archive& a) { a.members[0] = deflated("a.npy", small_npy("abc", "(4,)")); }),
            "member 'a.npy', byte 128: expected 4 bytes of data for shape [4], found at most 3");
}

// The header's length, the dictionary, the sizes: what readers of .npz have overrun.
TEST_F(Npz, RefusesDamagedMembers) {
  const auto member = [&](const std::string& content) {
    return refusal(Archive{{{.name = "a.npy", .data = content}}});
  };
  EXPECT_EQ(member("\x93NUMPY\1\0\xff\xff"_bytes + std::string(300, ' ')),
            "member 'a.npy', byte 8: a header of 65535 bytes; at most 10000 are read");
  EXPECT_EQ(member("\x93NUMPY\1\0\x10\x27"_bytes + std::string(300, ' ')),
            "member 'a.npy', byte 10: expected 10000 bytes of header, found 300");
  EXPECT_EQ(member(small_npy("abc", "(9223372036854775807,)")),
            "member 'a.npy', byte 128: expected 9223372036854775807 bytes of data for shape "
            "[9223372036854775807], found 3");
  EXPECT_EQ(member("\x93NUMPY"), "member 'a.npy', byte 6: expected 2 bytes of version, found 0");
}

// Streamed members have no sizes before their data, and sizes behind it that nobody reads.
TEST_F(Npz, RefusesOtherLengthsThanTheDirectorySays) {
  const std::string file = test::golden_files().at("npz-deflated-streamed");
  for (size_t at = file.find("PK\1\2"); at != file.npos; at = file.find("PK\1\2", at + 1))
    for (const int change : {1, -128}) {
      std::string damaged = file;
      damaged[at + 24] = char(damaged[at + 24] + change);
      EXPECT_TRUE(
          refusal(damaged).ends_with(": holds another number of bytes than the archive's directory says"))
          << refusal(damaged);
    }
}

TEST_F(Npz, ZipBombsAreRefused) {
  test::reset_largest_allocation();
  // What is there inflates to what is claimed, but 1030 to 1 is the most that deflate can do.
  const std::string zeros = small_npy(std::string(1 << 20, '\0'), "(1048576,)");
  Archive archive{{deflated("a.npy", zeros)}};
  EXPECT_EQ(load(archive.bytes())[0].tensor, Tensor(DType::u8, {1 << 20}));
  Member& member = archive.members[0];
  member.size = member.local_size = 4000000000;
  EXPECT_EQ(refusal(archive),
            "member 'a.npy': claims to hold 4000000000 bytes in " + std::to_string(member.data.size()));
  // The header claims more than the directory does.
  archive = {{deflated("a.npy", small_npy(std::string(1 << 20, '\0'), "(1000000000000,)"))}};
  EXPECT_EQ(refusal(archive),
            "member 'a.npy', byte 128: expected 1000000000000 bytes of data for shape [1000000000000], found "
            "at most 1048576");
  // More comes than the directory says.
  archive = {{deflated("a.npy", small_npy(std::string(1 << 20, '\0'), "(3,)"))}};
  archive.members[0].size = archive.members[0].local_size = 131;
  EXPECT_EQ(refusal(archive),
            "member 'a.npy': holds another number of bytes than the archive's directory says");
  EXPECT_LE(test::largest_allocation(), size_t(1) << 21);
}

// A member whose data begin with another: each by itself is fine, and many would multiply the bytes.
TEST_F(Npz, MembersDoNotShareBytes) {
  const Member inner{.name = "b.npy", .data = small_npy(std::string(1000, 'x'), "(1000,)")};
  std::string file = Archive{{inner}}.bytes();
  file.resize(file.find("PK\1\2"));
  Archive archive{{{.name = "a.npy", .data = file}, inner}};
  std::string nested = archive.bytes();
  const size_t outer_header = 30 + 5, second = outer_header + file.size();
  nested.erase(second, file.size());
  // The second member's place in the directory, and the directory's in the end.
  const size_t entry = nested.rfind("PK\1\2"), end = nested.rfind("PK\5\6");
  nested.replace(entry + 42, 4, little(outer_header, 4));
  nested.replace(end + 16, 4, little(second, 4));
  EXPECT_EQ(refusal(nested), "member 'b.npy': the members claim more bytes than the " +
                                 std::to_string(nested.size()) + " of the file");
}

TEST_F(Npz, EveryPrefixIsRefused) {
  for (const char* name : {"npz-stored", "npz-deflated-streamed"})
    test::for_each_prefix(test::golden_files().at(name), [&](const std::string& bytes, size_t length) {
      EXPECT_THROW(load(bytes), FormatError) << length;
    });
}

// Checksums cover the data, and every header exists twice: what loads is what was written, under its name or,
// where that changed in the directory alone, not at all.
TEST_F(Npz, EveryFlippedBitIsRefusedOrHarmless) {
  for (const char* name : {"npz-stored", "npz-deflated", "npz-deflated-streamed"}) {
    const std::string file = test::golden_files().at(name);
    const auto original = load(file);
    int loaded = 0;
    test::reset_largest_allocation();
    test::for_each_flip(file, [&](const std::string& bytes, size_t bit) {
      try {
        EXPECT_EQ(load(bytes), original) << name << ", byte " << bit / 8 << ", bit " << bit % 8;
        ++loaded;
      } catch (const FormatError&) {
      }
    });
    EXPECT_LT(loaded, int(file.size()) * 8 / 3)
        << name;  // times, versions, attributes, sizes behind the data
    EXPECT_LT(test::largest_allocation(), size_t(1) << 21);
  }
}

std::vector<NamedTensor> sample() {
  return {{"x", Tensor::from({1.5f, -0.0f, HUGE_VALF, 3.0f}, {2, 2})},
          {"a/\xc3\xa9", Tensor::from<uint8_t>({1, 2, 3}, {3})},
          {"scalar", Tensor::from<int64_t>({int64_t(1) << 62}, {})},
          {"empty", Tensor(DType::f64, {4, 0})},
          {"large", Tensor(DType::i32, {100000})}};
}

TEST_F(Npz, SavedIsLoadedAgain) {
  const std::string path = directory.path("a.npz");
  size_t stored = 0;
  for (const Compression compression : {Compression::none, Compression::deflate}) {
    save_npz(path, sample(), compression);
    EXPECT_EQ(load_npz(path), sample());
    const std::string bytes = test::read_bytes(path);
    save_npz(path, sample(), compression);
    EXPECT_EQ(test::read_bytes(path), bytes);
    if (compression == Compression::none) stored = bytes.size();
    EXPECT_EQ(bytes.size() < stored / 10, compression == Compression::deflate);
  }
  save_npz(path, {});
  EXPECT_TRUE(load_npz(path).empty());
  EXPECT_EQ(directory.names(), std::vector<std::string>{"a.npz"});
}

TEST_F(Npz, RefusesToWriteWhatCouldNotBeRead) {
  const std::string path = directory.write("a.npz", "old");
  const auto refused = [&](const std::vector<NamedTensor>& tensors) {
    return test::error<ArgumentError>("save_npz", [&] { save_npz(path, tensors); });
  };
  EXPECT_EQ(refused({{"a", abc}, {"b", abc}, {"a", abc}}), "two tensors are named 'a'");
  EXPECT_EQ(refused({{"", abc}}), "'' cannot be a name");
  EXPECT_EQ(refused({{"a\0b"_bytes, abc}}), "'a\\x00b' cannot be a name");
  EXPECT_EQ(refused({{"\xff", abc}}), "'\xff' is not UTF-8");
  EXPECT_EQ(refused({{"a", Tensor(DType::bf16, {2})}}), ".npy has no type for bf16; convert it first");
  EXPECT_EQ(test::read_bytes(path), "old");
  EXPECT_EQ(test::error<IoError>(directory.path("missing/a"),
                                 [&] { save_npz(directory.path("missing/a"), sample()); }),
            "cannot write: No such file or directory");
}

}  // namespace
}  // namespace plexus
