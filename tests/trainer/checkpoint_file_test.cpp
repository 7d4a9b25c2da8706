// A checkpoint that is damaged is never taken for whole.
#include "plexus/trainer/checkpoint.h"

#include <gtest/gtest.h>

#include "core/message.h"
#include "trainer/resumed_run.h"

namespace plexus {
namespace {

using namespace test;

std::string small_checkpoint(const Directory& directory) {
  Sequential network{Dense(1)};
  Trainer trainer(network, {.loss = Mse{}, .backend = "reference"});
  trainer.fit(line(4), {.epochs = 1, .checkpoints = {.directory = directory.path("run")}});
  return test::read_bytes(directory.path("run/step-000000000001.checkpoint"));
}

TEST(Checkpoint, EveryPrefixAndEveryFlippedBitIsRefused) {
  const Directory directory;
  const std::string bytes = small_checkpoint(directory);
  ASSERT_GT(bytes.size(), 500u);
  int64_t loaded = 0, refused = 0;
  const auto load = [&](const std::string& damaged, size_t) {
    try {
      load_checkpoint(directory.write("damaged", damaged));
      ++loaded;
    } catch (const FormatError&) {
      ++refused;
    }
  };
  load(bytes, 0);
  EXPECT_EQ(loaded, 1);
  test::for_each_prefix(bytes, load);
  test::for_each_flip(bytes, load);
  load(bytes + '\0', 0);
  EXPECT_EQ(loaded, 1);
  EXPECT_EQ(refused, int64_t(9 * bytes.size() + 1));
}

TEST(Checkpoint, SaysWhatIsDamaged) {
  const Directory directory;
  const std::string bytes = small_checkpoint(directory);
  const auto problem = [&](std::string damaged) {
    const std::string path = directory.write("a", damaged);
    return test::error<FormatError>(path, [&] { load_checkpoint(path); });
  };
  const auto with = [&](size_t at, char c) {
    std::string damaged = bytes;
    damaged[at] = c;
    return damaged;
  };
  EXPECT_EQ(problem(""), "ends within its first 40 bytes");
  EXPECT_EQ(problem(with(1, 'x')), "is not a file of this kind");
  EXPECT_EQ(problem(with(8, 9)), "damaged in its first 40 bytes: the checksum differs");
  EXPECT_EQ(problem(with(41, 'x')), "table: the checksum differs");
  EXPECT_EQ(problem(with(bytes.size() - 1, 'x')).substr(0, 8), "section ");
  EXPECT_EQ(problem(bytes.substr(0, bytes.size() - 3)),
            "expected " + std::to_string(bytes.size()) + " bytes, found " + std::to_string(bytes.size() - 3));
  EXPECT_EQ(message<IoError>([&] { load_checkpoint(directory.path("no")); }),
            directory.path("no") + ": cannot open: No such file or directory");
}

std::string flipped(const std::string& path) {
  std::string bytes = test::read_bytes(path);
  bytes[bytes.size() / 2] = char(bytes[bytes.size() / 2] ^ 1);
  return bytes;
}

TEST(Checkpoint, ADamagedOneIsPassedOverWithAWarning) {
  const Directory directory;
  FitOptions fit;
  const Result whole = ten_steps(directory, fit);
  const std::string newest = directory.path("step-000000000010.checkpoint");
  directory.write("step-000000000010.checkpoint", flipped(newest));
  Log log;
  EXPECT_TRUE(train_with(log, fit) == whole);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.lines[0].starts_with(newest + ": section ")) << log.lines[0];
  EXPECT_TRUE(log.lines[0].ends_with(": the checksum differs: going on from the checkpoint before it"))
      << log.lines[0];
  load_checkpoint(newest);  // written again, whole

  for (const char* name : {"08", "09", "10"})
    directory.write("step-0000000000" + std::string(name) + ".checkpoint", "torn");
  EXPECT_EQ(message<FormatError>([&] { train_with(log, fit); }),
            directory.path() + ": none of its 3 checkpoints can be read: " + newest +
                ": ends within its first 40 bytes");
}

TEST(Checkpoint, ANewerFormatIsRefusedAndNotPassedOver) {
  const Directory directory;
  FitOptions fit;
  ten_steps(directory, fit);
  // Version 2; the checksum of these 32 bytes is that of `xxhsum -H3`.
  std::string bytes("\x89PLXC\r\n\x1a\2", 9);
  bytes.resize(32);
  for (const int byte : {0x71, 0x81, 0x11, 0xc1, 0x56, 0x05, 0x7e, 0x1a}) bytes += char(byte);
  const std::string path = directory.write("step-000000000011.checkpoint", bytes);
  EXPECT_EQ(message<FormatError>([&] { train({}, fit); }),
            path + ": format version 2, this Plexus reads up to version 1: update Plexus");
}

}  // namespace
}  // namespace plexus
