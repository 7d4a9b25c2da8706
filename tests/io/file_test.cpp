// What files do to every reader and writer, seen through load_npy and save_npy.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "io/allocations.h"
#include "io/files.h"
#include "plexus/io/csv.h"
#include "plexus/io/idx.h"
#include "plexus/io/npy.h"
#include "plexus/io/npz.h"
#include "plexus/io/safetensors.h"

namespace plexus {
namespace {

using test::Directory;

std::string read_error(const std::string& path) {
  const std::string message = test::error<IoError>(path, [&] { load_npy(path); });
  EXPECT_EQ(test::error<IoError>(path, [&] { load_csv(path); }), message);
  EXPECT_EQ(test::error<IoError>(path, [&] { load_idx(path); }), message);
  EXPECT_EQ(test::error<IoError>(path, [&] { load_npz(path); }), message);
  EXPECT_EQ(test::error<IoError>(path, [&] { load_safetensors(path); }), message);
  return message;
}

std::string write_error(const std::string& path) {
  return test::error<IoError>(path, [&] { save_npy(path, Tensor(DType::f32, {1000})); });
}

TEST(File, WhatCannotBeReadSaysWhy) {
  const Directory directory;
  EXPECT_EQ(read_error(directory.path("missing")), "cannot open: No such file or directory");
  EXPECT_EQ(read_error(directory.path()), "cannot read: Is a directory");
  EXPECT_EQ(read_error("/dev/zero"), "cannot read: it is a device, not a file");
  directory.write("file", "x");
  EXPECT_EQ(read_error(directory.path("file/below")), "cannot open: Not a directory");
  EXPECT_EQ(read_error(directory.path(std::string(300, 'x'))), "cannot open: File name too long");
  std::filesystem::create_symlink("loop", directory.path("loop"));
  EXPECT_EQ(read_error(directory.path("loop")), "cannot open: Too many levels of symbolic links");
}

TEST(File, APipeIsRefusedWithoutWaitingForAWriter) {
  const Directory directory;
  ASSERT_EQ(mkfifo(directory.path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_error(directory.path("pipe")), "cannot read: it is a pipe, not a file");
}

TEST(File, AForbiddenFileSaysSo) {
  if (geteuid() == 0) GTEST_SKIP() << "nothing is forbidden to root";
  const Directory directory;
  chmod(directory.write("secret", "x").c_str(), 0);
  EXPECT_EQ(read_error(directory.path("secret")), "cannot open: Permission denied");
}

// A terabyte long, with one block on disk.
TEST(File, AHoleIsNotRead) {
  const Directory directory;
  const std::string path = directory.write("sparse", std::string("\0\0\x08\3\0\1\0\0\0\1\0\0\0\0\1\0", 16));
  if (truncate(path.c_str(), 16 + (off_t(1) << 40)) != 0) GTEST_SKIP() << "no files of this size here";
  test::reset_largest_allocation();
  const std::string problem = test::error<FormatError>(path, [&] { load_idx(path); });
  EXPECT_TRUE(problem.starts_with("of its 1099511627792 bytes only ")) << problem;
  EXPECT_TRUE(problem.ends_with(" are there, the rest is a hole")) << problem;
  EXPECT_EQ(test::error<FormatError>(path, [&] { load_csv(path); }), problem);
  EXPECT_EQ(test::error<FormatError>(path, [&] { load_safetensors(path); }), problem);
  EXPECT_LT(test::largest_allocation(), size_t(1) << 20);
}

TEST(File, SmallHolesAreZeros) {
  const Directory directory;
  const std::string path = directory.write("sparse", std::string("\0\0\x08\1\0\x10\0\0", 8));
  ASSERT_EQ(truncate(path.c_str(), 8 + (1 << 20)), 0);
  EXPECT_EQ(load_idx(path), Tensor(DType::u8, {1 << 20}));
}

// The kernel's own files say that their size is 0.
TEST(File, IsReadToItsTrueEnd) {
  if (!std::filesystem::exists("/proc/self/status")) GTEST_SKIP() << "no /proc here";
  const Table table = load_csv("/proc/self/status", {.delimiter = ';'});
  EXPECT_TRUE(std::get<1>(table.columns[0].values)[0].starts_with("Name:"));
  EXPECT_GT(table.rows(), 10);
}

TEST(File, WhatCannotBeWrittenSaysWhy) {
  const Directory directory;
  EXPECT_EQ(write_error(directory.path("missing/a.npy")), "cannot write: No such file or directory");
  EXPECT_EQ(write_error(directory.path()), "cannot write: Is a directory");
  EXPECT_EQ(write_error("/dev/null"), "cannot write: it is a device, not a file");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_EQ(write_error(directory.path(std::string(300, 'x'))), "cannot write: File name too long");
  EXPECT_TRUE(directory.names().empty());
}

TEST(File, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const Directory directory;
  const std::string path = directory.write("a.npy", "old");
  // A limit on the size of files stands for a full disk.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 2000;
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = write_error(path);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, "cannot write: File too large");
  EXPECT_EQ(test::read_bytes(path), "old");
  EXPECT_EQ(directory.names(), std::vector<std::string>{"a.npy"});
}

TEST(File, WritingKeepsPermissionsAndFollowsLinks) {
  const Directory directory;
  const std::string path = directory.write("a.npy", "old");
  chmod(path.c_str(), 0640);
  std::filesystem::create_symlink("a.npy", directory.path("link.npy"));
  save_npy(directory.path("link.npy"), Tensor(DType::f32, {3}));
  EXPECT_TRUE(std::filesystem::is_symlink(directory.path("link.npy")));
  EXPECT_EQ(load_npy(path), Tensor(DType::f32, {3}));
  struct stat status {};
  stat(path.c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
}

TEST(File, ANewFileHasTheUsualPermissions) {
  const Directory directory;
  const mode_t mask = umask(027);
  save_npy(directory.path("a.npy"), Tensor(DType::f32, {3}));
  umask(mask);
  struct stat status {};
  stat(directory.path("a.npy").c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
}

TEST(File, ANameAsLongAsNamesCanBeIsWritten) {
  const Directory directory;
  const std::string path = directory.path(std::string(255, 'x'));
  save_npy(path, Tensor(DType::f32, {3}));
  EXPECT_EQ(load_npy(path), Tensor(DType::f32, {3}));
}

TEST(File, ARelativePathIsWrittenWhereItSays) {
  const Directory directory;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  save_npy("a.npy", Tensor(DType::f32, {3}));
  std::filesystem::current_path(before);
  EXPECT_EQ(directory.names(), std::vector<std::string>{"a.npy"});
}

}  // namespace
}  // namespace plexus
