// The profile: whole JSON whatever happens, spans within spans, and what keeps it small.
#include "plexus/core/profile.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <latch>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/message.h"
#include "core/test_backends.h"
#include "plexus/core/error.h"
#include "plexus/core/plan.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/sequential.h"

namespace plexus {
namespace {

using namespace plexus::testing;
using Json = nlohmann::json;
using Kind = ProfileSpan::Kind;

/// A file name that nobody has, for as long as this lives.
class TemporaryFile {
 public:
  TemporaryFile() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("plexus-profile-" + std::to_string(getpid()) + "-" + std::to_string(count++) + ".json");
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  operator std::string() const { return path_; }
  Json json() const { return Json::parse(std::ifstream(path_)); }

 private:
  std::string path_;
};

std::vector<Json> events(const Json& file, const std::string& name = "") {
  std::vector<Json> list;
  for (const Json& event : file)
    if (event["ph"] == "X" && (name.empty() || event["name"] == name)) list.push_back(event);
  return list;
}

int64_t begin(const Json& event) { return std::llround(1000 * double(event["ts"])); }
int64_t end(const Json& event) { return begin(event) + std::llround(1000 * double(event["dur"])); }

/// Spans of a thread lie within each other or apart. Returns the innermost span around each, by its position; -1: none.
std::vector<int> parents(const std::vector<Json>& list) {
  std::vector<int> result(list.size(), -1);
  for (size_t i = 0; i < list.size(); i++)
    for (size_t j = 0; j < list.size(); j++) {
      if (i == j || list[i]["tid"] != list[j]["tid"]) continue;
      const bool apart = end(list[i]) <= begin(list[j]) || end(list[j]) <= begin(list[i]);
      const bool within = begin(list[j]) <= begin(list[i]) && end(list[i]) <= end(list[j]);
      const bool around = begin(list[i]) <= begin(list[j]) && end(list[j]) <= end(list[i]);
      EXPECT_TRUE(apart || within || around) << list[i] << list[j];
      if (apart || !within || (around && j > i)) continue;  // of equals the later in the file is the outer one
      if (result[i] < 0 || end(list[j]) - begin(list[j]) < end(list[size_t(result[i])]) - begin(list[size_t(result[i])]))
        result[i] = int(j);
    }
  return result;
}

std::map<int, std::string> thread_names(const Json& file) {
  std::map<int, std::string> names;
  for (const Json& event : file)
    if (event["name"] == "thread_name") names[event["tid"]] = event["args"]["name"];
  return names;
}

Sequential traced_network() {
  Sequential net{Dense(10), Relu(), Dense(3)};
  net.build({13}, 7);
  return net;
}

Plan forward_plan(const Context& context, Sequential& net) {
  return Plan::build(context, net.store(), net.lower({.part = Part::forward, .batch = 32}));
}

TEST(Profile, IsWholeFromTheBeginningAndAfterEveryWrite) {
  const TemporaryFile file;
  const auto profile = Profile::open(file);
  EXPECT_EQ(file.json()[0]["args"]["name"], "plexus");
  for (int i = 0; i < 3; i++) {
    { const ProfileSpan span(profile.get(), Kind::phase, "epoch", "epoch", i); }
    profile->flush();
    EXPECT_EQ(events(file.json(), "epoch").size(), size_t(i + 1));
  }
  EXPECT_EQ(events(file.json(), "epoch")[2]["args"]["epoch"], 2);
}

TEST(Profile, OfAPlanSaysWhatRanWithinWhat) {
  const TemporaryFile file;
  std::vector<double> times;  // of the last run
  {
    const Context context = make_context({.backend = "reference", .threads = 1, .profile = file});
    Sequential net = traced_network();
    Plan plan = forward_plan(context, net);
    const ProfileSpan epoch(context.profile(), Kind::phase, "epoch", "epoch", 1);
    for (const int64_t rows : {32, 8}) {
      const ProfileSpan step(context.profile(), Kind::step, "step", "step", rows);
      { const ProfileSpan gather(context.profile(), Kind::step, "gather", "rows", rows); }
      plan.run(rows);
    }
    plan.run(32);
    for (const Plan::Row& row : plan.rows()) times.push_back(row.nanoseconds);
  }
  const Json json = file.json();
  const std::vector<Json> list = events(json);
  const std::vector<int> parent = parents(list);
  std::map<std::string, int> count;
  for (size_t i = 0; i < list.size(); i++) {
    const std::string around = parent[i] < 0 ? "nothing" : list[size_t(parent[i])]["name"];
    count[std::string(list[i]["name"]) + " in " + around]++;
    EXPECT_EQ(list[i]["pid"], getpid());
  }
  EXPECT_EQ(count, (std::map<std::string, int>{{"epoch in nothing", 1}, {"step in epoch", 2}, {"gather in step", 2},
                                               {"0 Dense in step", 2}, {"1 Relu in step", 2}, {"2 Dense in step", 2},
                                               {"run in epoch", 1}, {"0 Dense in run", 1}, {"1 Relu in run", 1},
                                               {"2 Dense in run", 1}}));
  EXPECT_EQ(thread_names(json), (std::map<int, std::string>{{getpid(), "main"}}));

  ASSERT_EQ(times.size(), 3u);
  const std::vector<Json> dense = events(json, "0 Dense"), output = events(json, "2 Dense");
  EXPECT_EQ(double(end(dense[2]) - begin(dense[2])), times[0]);
  EXPECT_EQ(double(end(output[2]) - begin(output[2])), times[2]);
  EXPECT_EQ(dense[0]["cat"], "operation");
  EXPECT_EQ(dense[0]["args"]["spec"], "matmul/nn/f32/m32~/n10/k13/bias");
  EXPECT_EQ(dense[0]["args"]["backend"], "reference");
  EXPECT_EQ(dense[0]["args"]["kernel"], "plain loops, f64 accumulators");
  EXPECT_EQ(dense[0]["args"]["rows"], 32);
  EXPECT_EQ(dense[0]["args"]["flops"], 2 * 32 * 10 * 13);
  EXPECT_EQ(dense[0]["args"]["bytes"], 4 * (32 * 13 + 13 * 10 + 10 + 32 * 10));
  EXPECT_EQ(dense[1]["args"]["rows"], 8);
  EXPECT_EQ(dense[1]["args"]["flops"], 2 * 8 * 10 * 13);
  EXPECT_EQ(dense[1]["args"]["bytes"], 4 * (8 * 13 + 13 * 10 + 10 + 8 * 10));
  EXPECT_EQ(json.back()["args"], Json({{"steps", 3}, {"recorded", 3}}));
}

TEST(Profile, IsWrittenWhenAnErrorEndsTheStep) {
  const TemporaryFile file;
  const auto profile = Profile::open(file);
  try {
    const ProfileSpan epoch(profile.get(), Kind::phase, "epoch");
    const ProfileSpan step(profile.get(), Kind::step, "step");
    throw Error("diverged");
  } catch (const Error&) {
  }
  profile->flush();
  EXPECT_EQ(events(file.json(), "step").size(), 1u);
  EXPECT_EQ(events(file.json(), "epoch").size(), 1u);
}

TEST(Profile, WithoutOneNothingIsWrittenAndNothingRecorded) {
  const Context context = make_context({.backend = "reference", .threads = 1, .profile = ""});
  EXPECT_EQ(context.profile(), nullptr);
  const ProfileSpan span(context.profile(), Kind::step, "step");
  EXPECT_FALSE(span.recording());
}

TEST(Profile, RefusesWhatCannotBeWritten) {
  const auto refusal = [](const std::string& path) {
    return message<IoError>([&] { make_context({.backend = "reference", .profile = path}); });
  };
  EXPECT_EQ(refusal("/no/such/directory/x.json"),
            "/no/such/directory/x.json: cannot write the profile: No such file or directory");
  EXPECT_EQ(refusal("/tmp"), "/tmp: cannot write the profile: Is a directory");
  EXPECT_EQ(refusal("/dev/null"), "/dev/null: cannot write the profile: it is no ordinary file");

  const TemporaryFile file;
  const int other = open(std::string(file).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(flock(other, LOCK_EX), 0);
  EXPECT_EQ(refusal(file), std::string(file) +
                               ": cannot write the profile: another process writes it: give each a file of its own");
  close(other);
}

TEST(Profile, IsSharedByThoseWhoNameTheSameFile) {
  const TemporaryFile file;
  const std::filesystem::path path = std::string(file);
  const auto one = Profile::open(file);
  EXPECT_EQ(Profile::open((path.parent_path() / "." / path.filename()).string()), one);
}

TEST(Profile, AChildWritesNothing) {
  const TemporaryFile file;
  const auto profile = Profile::open(file);
  { const ProfileSpan span(profile.get(), Kind::step, "of the parent"); }
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    { const ProfileSpan span(profile.get(), Kind::phase, "of the child"); }
    { const ProfileSpan span(Profile::open(file).get(), Kind::step, "of the child"); }
    profile->flush();
    exit(0);  // with destructors
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  profile->flush();
  EXPECT_EQ(events(file.json(), "of the child").size(), 0u);
  EXPECT_EQ(events(file.json(), "of the parent").size(), 1u);
}

TEST(Profile, HasTheThreadsOfSeveralContexts) {
  const TemporaryFile one, two;
  constexpr int runs = 2;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; i++)
      threads.emplace_back([&, i] {
        const Context context = make_context({.backend = "reference", .threads = 1, .profile = i % 2 ? two : one});
        Sequential net = traced_network();
        Plan plan = forward_plan(context, net);
        for (int run = 0; run < runs; run++) plan.run(32);
      });
  }
  for (const TemporaryFile* file : {&one, &two}) {
    const Json json = file->json();
    parents(events(json));
    std::map<int, std::string> names = thread_names(json);
    EXPECT_EQ(names.size(), 2u);
    for (const auto& [id, name] : names) EXPECT_TRUE(name == "thread 1" || name == "thread 2") << name;
    EXPECT_EQ(events(json, "run").size(), 2u * runs);
    EXPECT_EQ(events(json, "2 Dense").size(), 2u * runs);
  }
}

TEST(Profile, HasTheThreadsThatHelp) {
  const TemporaryFile file;
  const auto profile = Profile::open(file);
  {
    const Executor executor(2, profile);
    const ProfileSpan step(profile.get(), Kind::step, "step");
    ProfileSpan::set_operation(profile->text("0 Dense", "operation", "\"rows\":5"));
    std::latch both(2);  // neither piece ends without the other having begun
    executor.parallel_for(2, 1, [&](int64_t, int64_t) { both.arrive_and_wait(); });
    ProfileSpan::set_operation(nullptr);
    executor.parallel_for(2, 1, [&](int64_t, int64_t) {});
  }
  profile->flush();
  const Json json = file.json();
  const std::vector<Json> help = events(json, "0 Dense");
  ASSERT_EQ(help.size(), 1u);
  EXPECT_EQ(help[0]["args"]["rows"], 5);
  EXPECT_EQ(thread_names(json)[help[0]["tid"]], "worker 1");
}

TEST(Profile, LeavesStepsOutWhereRecordingThemCostsTooMuch) {
  const TemporaryFile file;
  const auto profile = Profile::open(file);
  EXPECT_TRUE(profile->due());
  for (int i = 0; i < 1000; i++) profile->pay(1'000'000'000, i == 0);  // far more than a percent of the time since it was opened
  EXPECT_FALSE(profile->due());
  {
    const ProfileSpan step(profile.get(), Kind::step, "step");
    EXPECT_FALSE(step.recording());
    const ProfileSpan gather(profile.get(), Kind::step, "gather");
    EXPECT_FALSE(gather.recording());
    const ProfileSpan epoch(profile.get(), Kind::phase, "epoch");
    EXPECT_TRUE(epoch.recording());
  }
  profile->flush();
  EXPECT_EQ(events(file.json()).size(), 1u);
  EXPECT_EQ(file.json().back()["args"], Json({{"steps", 3}, {"recorded", 1}}));
}

TEST(Profile, EndsWhereTheFileIsFull) {
  const TemporaryFile file;
  const auto profile = Profile::open(file);
  const std::string* const text = profile->text("operation", "operation", "\"spec\":\"" + std::string(100000, 'x') + "\"");
  for (int i = 0; i < 1000; i++) {
    const ProfileEvent event{.text = text, .begin = i, .end = i + 1};
    profile->record({&event, 1});
  }
  EXPECT_FALSE(profile->due());
  { const ProfileSpan epoch(profile.get(), Kind::phase, "epoch"); }
  profile->flush();
  EXPECT_LT(std::filesystem::file_size(std::string(file)), (size_t(64) << 20) + (size_t(3) << 20));
  const Json json = file.json();
  int notes = 0;
  for (const Json& event : json) notes += event["ph"] == "i";
  EXPECT_EQ(notes, 1);
}

TEST(Profile, AFullDiskIsToldOnceAndTheFileStaysWhole) {
  const TemporaryFile file;
  std::vector<std::string> lines;
  {
    const Context context = make_context({.backend = "reference", .threads = 1, .profile = file,
                                          .sink = [&](LogLevel, const std::string& line) { lines.push_back(line); }});
    Sequential net = traced_network();
    Plan plan = forward_plan(context, net);
    plan.run(32);
    context.profile()->flush();
    const size_t before = std::filesystem::file_size(std::string(file));
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlimit small{before + 10, limit.rlim_max};
    const auto handler = signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    plan.run(32);
    context.profile()->flush();
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, handler);
    EXPECT_EQ(events(file.json(), "run").size(), 1u);
    for (int i = 0; i < 3; i++) plan.run(32);
  }
  EXPECT_EQ(lines, std::vector<std::string>{std::string(file) + ": cannot write the profile: File too large; it ends here"});
  EXPECT_EQ(events(file.json(), "run").size(), 1u);
}

TEST(Profile, QuotesWhatPluginsCallThemselves) {
  EXPECT_EQ(Json::parse(Profile::quoted("a \"b\" \\ c")), "a \"b\" \\ c");
  EXPECT_EQ(Profile::quoted("tab\tand \xff"), "\"tab?and ?\"");
}

TEST(PlanTiming, VerboseTellsEveryRun) {
  for (const Check check : {Check::none, Check::nan, Check::reference}) {
    std::vector<std::string> lines;
    Sequential net = traced_network();
    Plan plan = forward_plan(context_with(nullptr, {.check = check, .verbose = int(LogLevel::run)},
                                          [&](LogLevel level, const std::string& line) {
                                            if (level == LogLevel::run) lines.push_back(line);
                                          }),
                             net);
    plan.run(8);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_TRUE(lines[0].starts_with("matmul/nn/f32/m32~/n10/k13/bias: reference, rows 8, ")) << lines[0];
    EXPECT_TRUE(lines[0].ends_with(" ns")) << lines[0];
    EXPECT_TRUE(lines[3].starts_with("run of 3 kernels: rows 8, ")) << lines[3];
  }
}

TEST(PlanTiming, RowsAddUpToTheRun) {
  Sequential net = traced_network();
  Plan plan = forward_plan(make_context({.backend = "reference", .threads = 1}), net);
  const Plan::Timing timing = plan.measure(32, 0.01);
  ASSERT_EQ(timing.rows.size(), 3u);
  EXPECT_GE(timing.runs, 20);
  double sum = 0;
  for (const double row : timing.rows) {
    EXPECT_GT(row, 0);
    sum += row;
  }
  EXPECT_DOUBLE_EQ(sum, timing.stamped);
  EXPECT_GT(timing.run, 0);
}

TEST(PlanTiming, RowsKnowTheirCosts) {
  Sequential net = traced_network();
  Plan plan = forward_plan(context_with(std::make_unique<TestBackend>("pair", match_dense_relu)), net);
  ASSERT_EQ(plan.rows().size(), 2u);
  EXPECT_EQ(plan.rows()[0].cost.flop, 2 * 32 * 10 * 13 + 32 * 10);
  EXPECT_EQ(plan.rows()[0].cost.bytes, 4 * (32 * 13 + 13 * 10 + 10 + 32 * 10));  // what lies between is nowhere
  EXPECT_EQ(plan.rows()[1].cost.flop, 2 * 32 * 3 * 10);
}

// What is left to write is written when the last holder lets go, at the end of the process: threads that still look out for the
// next loop of an executor that is gone must not be one.
TEST(Profile, ThreadsThatLingerDoNotHoldIt) {
  const TemporaryFile file;
  const auto profile = Profile::open(file);
  const long holders = profile.use_count();
  for (int repetition = 0; repetition < 20; repetition++) {
    {
      const Executor executor(2, profile);
      std::latch both(2);
      executor.parallel_for(2, 1, [&](int64_t, int64_t) { both.arrive_and_wait(); });
    }
    ASSERT_EQ(profile.use_count(), holders);
  }
}

}  // namespace
}  // namespace plexus
