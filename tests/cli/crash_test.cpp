// Runs that are killed, and disks that fail: what goes on from a checkpoint ends as if nothing had happened.
#include <gtest/gtest.h>
#include <signal.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "cli/command.h"
#include "cli/files.h"
#include "plexus/core/error.h"
#include "plexus/trainer/checkpoint.h"
#include "plexus/trainer/fingerprint.h"

namespace plexus::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> checkpoints(const std::string& directory) {
  std::vector<std::string> names;
  if (fs::exists(directory))
    for (const auto& entry : fs::directory_iterator(directory))
      if (entry.path().extension() == ".checkpoint") names.push_back(entry.path());
  std::sort(names.begin(), names.end());
  return names;
}

/// Weights, optimizer state, counters and history of the newest, as text.
std::string outcome(const std::string& directory) {
  if (checkpoints(directory).empty()) return "no checkpoint";
  const Checkpoint c = load_checkpoint(checkpoints(directory).back());
  std::ostringstream text;
  text << "epoch " << c.epoch << ", step " << c.step << (c.whole ? ", whole\n" : "\n");
  for (const auto& [name, role, tensor] : c.entries) text << name << ' ' << fingerprint(tensor) << '\n';
  for (const Epoch& e : c.history.epochs)
    for (const double value : {double(e.epoch), e.train_loss, e.validation_loss, e.validation_accuracy})
      text << std::bit_cast<uint64_t>(value) << '\n';
  return text.str();
}

int64_t temporaries(const std::string& directory) {
  int64_t count = 0;
  if (fs::exists(directory))
    for (const auto& entry : fs::directory_iterator(directory))
      count += entry.path().extension() == ".tmp" ? 1 : 0;
  return count;
}

/// A training of 24 steps with nine checkpoints, dropout and validation.
struct Crash : testing::Test {
  Directory directory;
  std::string table = directory.write_classes("a.csv", 60);
  int epochs = 4;
  std::string every = "3";

  std::string place(const std::string& name) const { return directory.path(name) + "/checkpoints"; }
  Arguments arguments(const std::string& name, int threads = 1) const {
    return {"train",
            table,
            "--layers",
            "6,relu,dropout:0.2",
            "--epochs",
            std::to_string(epochs),
            "--batch",
            "8",
            "--lr",
            "0.01",
            "--checkpoint",
            place(name),
            "--every",
            every,
            "--resume",
            "--threads",
            std::to_string(threads)};
  }
  std::string uninterrupted() {
    const Result result = run(arguments("whole"));
    EXPECT_EQ(result.code, 0) << result.err;
    return outcome(place("whole"));
  }
  /// The run ends as it should, from whatever is in its place.
  void expect_resumed(const std::string& name, const std::string& expected, const std::string& what) {
    const Result result = run(arguments(name, 2));
    EXPECT_EQ(result.code, 0) << what << ": " << result.err;
    EXPECT_EQ(outcome(place(name)), expected) << what;
    EXPECT_EQ(temporaries(place(name)), 0) << what;
  }

  void kill_at_random(int kills) {
    epochs = 250;
    every = "25";
    const auto begin = std::chrono::steady_clock::now();
    const std::string expected = uninterrupted();
    const auto length = std::chrono::steady_clock::now() - begin;
    std::mt19937 random(5);
    int killed = 0, runs = 1;
    for (; killed < kills;) {
      const std::string name = "run" + std::to_string(runs);
      Process process(arguments(name, 1 + killed % 3));
      std::this_thread::sleep_for(length * std::uniform_real_distribution<double>(0, 1)(random));
      process.signal(SIGKILL);
      const Result result = process.wait();
      EXPECT_LE(temporaries(place(name)), 1);
      if (result.code == -SIGKILL) {
        ++killed;
        continue;
      }
      ASSERT_EQ(result.code, 0) << result.err;
      ASSERT_EQ(outcome(place(name)), expected) << "run " << runs << ", after " << killed << " kills";
      ++runs;
    }
    expect_resumed("run" + std::to_string(runs), expected, "at the end");
  }
};

TEST_F(Crash, KilledTwentyTimesAtRandom) { kill_at_random(20); }
TEST_F(Crash, KilledTwoHundredTimesAtRandomLong) { kill_at_random(200); }

TEST_F(Crash, ASignalFinishesTheStepAndSaves) {
  epochs = 20000;
  every = "1h";
  const std::string expected = uninterrupted();
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, {SIGTERM, 143}}) {
    const std::string name = "signal" + std::to_string(signal);
    Process process(arguments(name));
    process.wait_for("epoch ");
    process.signal(signal);
    const Result result = process.wait();
    ASSERT_EQ(result.code, code) << result.err;
    EXPECT_PRED_FORMAT2(testing::IsSubstring, "; --resume goes on from here\n", result.err);
    ASSERT_EQ(checkpoints(place(name)).size(), 1u);
    EXPECT_LT(load_checkpoint(checkpoints(place(name))[0]).epoch, epochs);
    expect_resumed(name, expected, name);
  }
}

// A file that outgrows a limit would be a signal that ends the process.
TEST_F(Crash, ALimitOnTheSizeOfFilesIsAWarning) {
  const std::string expected = uninterrupted();
  ASSERT_GT(fs::file_size(checkpoints(place("whole"))[0]), 7u * 512);
  Arguments limited = {"-c", "ulimit -f 7; exec \"$0\" \"$@\"", PLEXUS_COMMAND};  // blocks of 512 bytes
  const Arguments command = arguments("limited");
  limited.insert(limited.end(), command.begin(), command.end());
  const Result result = Process(limited, {}, false, "/bin/sh").wait();
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_PRED_FORMAT2(
      testing::IsSubstring,
      "cannot write: File too large: training goes on, and tries again at the next checkpoint\n", result.err);
  EXPECT_TRUE(checkpoints(place("limited")).empty());
  expect_resumed("limited", expected, "without the limit");
}

// --- With something between the command and the disk

#ifdef PLEXUS_FILE_SHIM

struct Operation {
  char name;
  std::string path, more;
};

std::vector<Operation> load_log(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<Operation> operations;
  for (Operation o; file.get(o.name) && file.get();) {
    size_t size = 0;
    std::getline(file, o.path);
    file >> size;
    file.get();
    o.more.resize(size);
    file.read(o.more.data(), std::streamsize(size));
    operations.push_back(o);
  }
  return operations;
}

struct Shim : Crash {
  Variables shim(const std::string& name, Variables more) const {
    more["LD_PRELOAD"] = PLEXUS_FILE_SHIM;
    more["SHIM_DIR"] = directory.path(name);
    return more;
  }
  /// Everything that a whole run does to the disk.
  std::vector<Operation> operations() const {
    const std::string file = directory.path("log");
    const Result result = run(arguments("logged"), shim("logged", {{"SHIM_LOG", file}}));
    EXPECT_EQ(result.code, 0) << result.err;
    return load_log(file);
  }

  void kill_at_operations(long stride) {
    const std::string expected = uninterrupted();
    const auto points = long(2 * operations().size());
    ASSERT_GT(points, 300);
    for (long point = 0; point < points; point += stride) {
      const std::string name = "kill" + std::to_string(point);
      const Result result = run(arguments(name), shim(name, {{"SHIM_KILL", std::to_string(point)}}));
      ASSERT_EQ(result.code, -SIGKILL) << name;
      EXPECT_LE(temporaries(place(name)), 1) << name;
      expect_resumed(name, expected, name);
    }
  }

  void fail_at_operations(long stride) {
    const std::string expected = uninterrupted();
    const auto count = long(operations().size());
    const int errors[] = {ENOSPC, EIO, EDQUOT, EROFS};
    for (long i = 0, operation = 0; operation < count; operation += stride, ++i)
      for (const char* always : {"0", "1"}) {
        const int error = errors[i % 4];
        const std::string name = "fail" + std::to_string(operation) + "." + always;
        const Result result = run(arguments(name), shim(name, {{"SHIM_FAIL", std::to_string(operation)},
                                                               {"SHIM_ERRNO", std::to_string(error)},
                                                               {"SHIM_ALWAYS", always}}));
        // It goes on; but where not even the directory can be made, nothing begins.
        EXPECT_TRUE(result.code == 0 || (result.code == 5 && operation < 2)) << name << ": " << result.err;
        for (const std::string& file : checkpoints(place(name))) load_checkpoint(file);  // throws
        expect_resumed(name, expected, name);
      }
  }
};

TEST_F(Shim, KilledBeforeAndAfterOperations) { kill_at_operations(29); }
TEST_F(Shim, KilledBeforeAndAfterEveryOperationLong) { kill_at_operations(1); }
TEST_F(Shim, OperationsThatFail) { fail_at_operations(41); }
TEST_F(Shim, EveryOperationThatFailsLong) { fail_at_operations(1); }

/// A disk that keeps for certain what was synchronised, and of the rest what it likes.
class Disk {
 public:
  using Image = std::map<std::string, std::string>;  // contents by path

  void apply(const Operation& o) {
    const std::string parent = fs::path(o.path).parent_path();
    if (o.name == 'w') files_[size_t(names_.at(o.path))].written += o.more;
    if (o.name == 's') synchronise(o.path);
    if (o.name == 'c') {
      files_.emplace_back();
      change({parent, [path = o.path, file = int(files_.size() - 1)](Names& names) { names[path] = file; }});
    }
    if (o.name == 'r')
      change({parent, [from = o.path, to = o.more](Names& names) {
                const auto found = names.find(from);
                if (found == names.end()) return;  // its own making was lost
                names[to] = found->second;
                names.erase(from);
              }});
    if (o.name == 'u') change({parent, [path = o.path](Names& names) { names.erase(path); }});
  }

  /// What may be left after a power cut: nothing that was not synchronised; names but not contents; names and
  /// half of the contents; of the changes of names only the last.
  std::vector<Image> images() const {
    Names last = safe_names_;
    if (!pending_.empty()) pending_.back().apply(last);
    return {image(safe_names_, 0), image(names_, 0), image(names_, 0.5), image(last, 0), image(last, 1)};
  }

 private:
  using Names = std::map<std::string, int>;
  struct File {
    std::string written;
    size_t safe = 0;
  };
  struct Change {
    std::string directory;
    std::function<void(Names&)> apply;
  };

  void change(const Change& change) {
    change.apply(names_);
    pending_.push_back(change);
  }

  void synchronise(const std::string& path) {
    if (const auto found = names_.find(path); found != names_.end()) {
      File& file = files_[size_t(found->second)];
      file.safe = file.written.size();
      return;
    }
    std::erase_if(pending_, [&](const Change& change) {
      if (change.directory == path) change.apply(safe_names_);
      return change.directory == path;
    });
  }

  Image image(const Names& names, double share) const {
    Image result;
    for (const auto& [path, number] : names) {
      const File& file = files_[size_t(number)];
      const auto unsafe = double(file.written.size() - file.safe);
      result[path] = file.written.substr(0, file.safe + size_t(share * unsafe));
    }
    return result;
  }

  std::vector<File> files_;
  Names names_, safe_names_;
  std::vector<Change> pending_;
};

struct PowerCut : Shim {
  void resume_from_images(size_t stride) {
    const std::string expected = uninterrupted();
    const std::vector<Operation> all = operations();
    Disk disk;
    std::set<Disk::Image> images = {{}};
    for (const Operation& operation : all) {
      disk.apply(operation);
      for (const Disk::Image& image : disk.images()) images.insert(image);
    }
    ASSERT_GT(images.size(), 40u);
    size_t number = 0, torn = 0;
    for (const Disk::Image& image : images) {
      bool loads = false, any = false;
      for (const auto& [path, bytes] : image) {
        if (fs::path(path).extension() != ".checkpoint") continue;
        any = true;
        try {
          load_checkpoint(directory.write("one.checkpoint", bytes));
          loads = true;
        } catch (const FormatError&) {
          ++torn;
        }
      }
      EXPECT_EQ(any, loads) << "image " << number;
      if (number++ % stride != 0) continue;
      const std::string name = "image" + std::to_string(number);
      fs::create_directories(place(name));
      for (const auto& [path, bytes] : image)
        std::ofstream(place(name) + "/" + fs::path(path).filename().string(), std::ios::binary) << bytes;
      expect_resumed(name, expected, name);
    }
    EXPECT_EQ(torn, 0u);  // a name is given after its contents are safe
  }
};

TEST_F(PowerCut, SomeOfWhatMayBeLeftGoesOn) { resume_from_images(13); }
TEST_F(PowerCut, AllOfWhatMayBeLeftGoesOnLong) { resume_from_images(1); }

#endif

}  // namespace
}  // namespace plexus::test
