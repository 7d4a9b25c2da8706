// plexus bench with a program in the place of plexus-bench: what is started, what becomes of its JSON, what
// is printed.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"

namespace plexus::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Writes down how it was called, and the JSON of two kernels: times by backend, a little more with every
// call.
constexpr const char* stand_in = R"sh(#!/bin/sh
here=$(dirname "$0")
echo "$@" >>"$here/calls"
calls=$(wc -l <"$here/calls")
while [ $# -gt 0 ]; do
  case $1 in
    --backend) backend=$2; shift ;;
    --threads) threads=$2; shift ;;
    --benchmark_out=*) out=${1#*=} ;;
  esac
  shift
done
[ ! -e "$here/crash" ] || { echo "first line" >&2; echo "no such kernel" >&2; exit 3; }
[ ! -e "$here/usage" ] || { echo "plexus-bench: error: $(cat "$here/usage")" >&2; exit 2; }
[ ! -e "$here/nothing" ] || { echo '{"context": {}, "benchmarks": []}' >"$out"; exit; }
[ ! -e "$here/sleep" ] || exec sleep 60
time=$([ "$backend" = reference ] && echo 8000.$calls || echo 2000.$calls)
if [ -e "$here/wrong" ]; then
  wrong=',{"name": "matmul/wrong/'$backend'/t'$threads'", "run_type": "iteration", "error_occurred": true, "error_message": "differs by 3"}'
fi
cat >"$out" <<EOF
{"context": {"date": "2024-01-01 0:0$calls", "num_cpus": 2, "cpu": "made up", "isa": "avx2", "plexus_version": "1.2.3",
  "backend": "$backend", "threads": "$threads", "backend_versions": "Plexus 1.2.3; $backend 7", "load_average": "0.$calls 1.0 2.0",
  "limit/fma/avx2/t$threads": "$((100 * threads + calls))"},
 "benchmarks": [
  {"name": "matmul/nn/f32/m64/n64/k64/$backend/t$threads", "run_name": "matmul", "run_type": "iteration", "repetitions": 1,
   "repetition_index": 0, "threads": 1, "iterations": 10, "real_time": $time, "cpu_time": $time, "time_unit": "ns",
   "GFLOPS": 65.54, "peak": 0.655},
  {"name": "activation/relu/n100/$backend/t$threads", "run_name": "activation", "run_type": "iteration", "repetitions": 1,
   "repetition_index": 0, "threads": 1, "iterations": 10, "real_time": 1, "cpu_time": 1, "time_unit": "us", "GB/s": 12.5}
  $wrong]}
EOF
[ -z "$wrong" ]
)sh";

// A peer that knows matrix products. `slow`: its own is far from the limit; `here`: its packages are.
constexpr const char* peer = R"sh(#!/bin/sh
folder=$(dirname "$0")
echo "$(basename "$0") $* OPENBLAS_CORETYPE=$OPENBLAS_CORETYPE OMP_NUM_THREADS=$OMP_NUM_THREADS OMP_WAIT_POLICY=$OMP_WAIT_POLICY OPENBLAS_NUM_THREADS=$OPENBLAS_NUM_THREADS" >>"$folder/calls"
case "$*" in
  *onednn*|*--never*) echo "not installed: apt-get install libdnnl2" >&2; exit 4 ;;
  *--versions*) [ ! -e "$folder/netlib" ] || { echo "libblas.so.3 is not OpenBLAS: apt-get install libopenblas0-pthread" >&2; exit 1; }
    echo "Peer 1.0"; exit ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=$2; shift ;;
    --names) names=$2; shift ;;
  esac
  shift
done
gflops=$([ -e "$folder/slow" ] && echo 50 || echo 180)
time=$([ "$OMP_WAIT_POLICY" = ACTIVE ] && echo 1000 || echo 3000)
{
  echo '{"context": {"sgemm_1024": "'$gflops'"}, "benchmarks": ['
  comma=
  for name in $(grep '^matmul/' "$names"); do
    echo "$comma"'{"name": "'$name'", "run_type": "iteration", "real_time": '$time', "cpu_time": 1, "time_unit": "ns"}'
    comma=,
  done
  echo ']}'
} >"$out"
)sh";

/// A copy of the command with stand-ins in its libexec.
class Bench : public testing::Test {
 protected:
  Bench() {
    fs::create_directories(directory.path("bin"));
    fs::create_directories(libexec + "/peers");
    fs::copy_file(PLEXUS_COMMAND, directory.path("bin/plexus"));
    install("plexus-bench", stand_in);
  }
  void install(const std::string& name, const std::string& text) const {
    std::ofstream(libexec + "/" + name) << text;
    fs::permissions(libexec + "/" + name, fs::perms::owner_all);
  }
  void install_peers() const {
    for (const char* name : {"sgemm", "pytorch.py"}) install(std::string("peers/") + name, peer);
    std::string never = peer;
    never.replace(never.find("*--never*"), 9, "*--versions*");
    for (const char* name : {"scikit_learn.py", "onnx_runtime.py"})
      install(std::string("peers/") + name, never);
  }
  Process start(Arguments arguments, const Variables& variables = {}, bool terminal = false) const {
    arguments.insert(arguments.begin(), "bench");
    return Process(arguments, variables, terminal, directory.path("bin/plexus"));
  }
  Result bench(const Arguments& arguments, const Variables& variables = {}) const {
    return start(arguments, variables).wait();
  }
  void set(const std::string& flag) const { std::ofstream(libexec + "/" + flag) << "\n"; }
  std::vector<std::string> calls(const std::string& folder = "") const {
    std::ifstream file(libexec + folder + "/calls");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  Json written() const { return read_json(directory.path("out/bench.json")); }

  Directory directory;
  std::string libexec = directory.path("libexec/plexus");
};

TEST_F(Bench, StartsAProcessForEachInterleaved) {
  const Result result = bench({"--backends", "simd,reference", "--threads", "1,2", "--repetitions", "2",
                               "--family", "matmul", "--filter", "nn|tn", "--quick"});
  EXPECT_EQ(result.code, 0) << result.err;
  const std::vector<std::string> lines = calls();
  ASSERT_EQ(lines.size(), 8u);
  const char* const expected[] = {"--backend simd --threads 1", "--backend reference --threads 1",
                                  "--backend simd --threads 2", "--backend reference --threads 2"};
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_TRUE(lines[i].starts_with(expected[i % 4])) << lines[i];
    EXPECT_TRUE(lines[i].ends_with("--family matmul --benchmark_filter=nn|tn --quick")) << lines[i];
  }
}

TEST_F(Bench, MergesIntoOneFile) {
  const Result result = bench({"--backends", "simd,reference", "--threads", "1,2", "--repetitions", "3",
                               "--out", directory.path("out")});
  EXPECT_EQ(result.code, 0) << result.err;
  const Json json = written();
  const Json& context = json.at("context");
  EXPECT_EQ(context.at("cpu"), "made up");
  EXPECT_EQ(context.at("date"), "2024-01-01 0:01");
  EXPECT_EQ(context.at("backend_versions"), "Plexus 1.2.3; simd 7; reference 7");
  EXPECT_EQ(context.at("repetitions"), "3");
  EXPECT_FALSE(context.contains("threads"));
  EXPECT_EQ(context.at("limit/fma/avx2/t1"), "105.5");  // the middle of calls 1, 2, 5, 6, 9, 10
  EXPECT_EQ(context.at("load_average"), "0.9");
  const Json& list = json.at("benchmarks");
  ASSERT_EQ(list.size(), 24u);
  for (size_t i = 0; i < list.size(); ++i) {
    EXPECT_EQ(list[i].at("repetition_index"), i % 3);
    EXPECT_EQ(list[i].at("repetitions"), 3);
    EXPECT_EQ(list[i].at("name"), list[i - i % 3].at("name"));
    EXPECT_EQ(list[i].at("run_name"), list[i].at("name"));
    EXPECT_EQ(list[i].at("family_index"), i / 3);
  }
}

TEST_F(Bench, PrintsATableForEachFamily) {
  const Result result = bench({"--backends", "simd,reference", "--threads", "1", "--repetitions", "1"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring,
                      "CPU       made up, avx2\nbuild     Plexus 1.2.3; simd 7; reference 7\n", result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring,
                      "\nmatmul, 1 thread: GFLOP/s, of the limit, of the fastest\n"
                      "                    fastest  simd              reference            \n"
                      "nn/f32/m64/n64/k64     2 us  65.5  66 %  1.00       65.5  66 %  0.25\n",
                      result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring,
                      "\nactivation, 1 thread: GB/s, of the limit, of the fastest\n"
                      "           fastest  simd           reference         \n"
                      "relu/n100     1 us  12.5  -  1.00       12.5  -  1.00\n",
                      result.out);
}

TEST_F(Bench, AWrongKernelFails) {
  set("wrong");
  const Result result =
      bench({"--backends", "simd", "--threads", "1", "--repetitions", "1", "--out", directory.path("out")});
  EXPECT_EQ(result.code, 1);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "refused   matmul/wrong/simd/t1: differs by 3\n", result.out);
  EXPECT_EQ(written().at("refused"),
            parse_json(R"([{"name": "matmul/wrong/simd/t1", "error_message": "differs by 3"}])"));
  EXPECT_EQ(written().at("benchmarks").size(), 2u);
}

TEST_F(Bench, ErrorsOfTheProgram) {
  set("crash");
  const Result result = bench({"--backends", "simd", "--threads", "2"});
  EXPECT_EQ(result.code, 1);
  EXPECT_PRED_FORMAT2(testing::IsSubstring,
                      "plexus: error: plexus-bench --backend simd --threads 2 ended with 3: no such kernel\n",
                      result.err);
  fs::remove(libexec + "/crash");
  install("usage", "--family x: no such family");
  const Result misspelt = bench({"--family", "x"});
  EXPECT_EQ(misspelt.code, 2);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "plexus: error: --family x: no such family\n", misspelt.err);
  install("usage", "--benchmark_filter (: not a regular expression");
  const Result broken = bench({"--filter", "("});
  EXPECT_EQ(broken.code, 2);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "plexus: error: --filter (: not a regular expression\n",
                      broken.err);
  fs::remove(libexec + "/usage");
  set("nothing");
  const Result nothing = bench({"--filter", "softmux", "--backends", "simd"});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "plexus: error: --filter softmux: no benchmark has such a name",
                      nothing.err);
  EXPECT_EQ(nothing.out, "");
  fs::remove(libexec + "/plexus-bench");
  const Result missing = bench({});
  EXPECT_EQ(missing.code, 4);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "-DPLEXUS_BUILD_BENCHMARKS=ON (Debian: libbenchmark-dev)",
                      missing.err);
}

TEST_F(Bench, Usage) {
  const auto error = [&](const Arguments& arguments, int code, const std::string& text) {
    const Result result = bench(arguments);
    EXPECT_EQ(result.code, code) << text;
    EXPECT_PRED_FORMAT2(testing::IsSubstring, text, result.err);
  };
  error({"--backends", "smid"}, 4, "did you mean 'simd'?");
  error({"--threads", "1,x"}, 2, "--threads: expected a whole number from 1 to 1024, found 'x'");
  error({"--repetitions", "0"}, 2, "--repetitions: expected a whole number from 1 to 99, found '0'");
  error({"--compare", "a.json", "b.json", "--quick"}, 2, "--compare and --quick exclude each other");
  error({"--peer-root", "/"}, 2, "--peer-root: only with --peers");
  error({"--compare", directory.path("none.json"), "b.json"}, 5, "none.json: cannot read");
  error({"--compare", directory.write("x.json", "{\"context\": "), "b.json"}, 3, "x.json: byte 13: not JSON");
  error({"--compare", directory.write("y.json", "[]"), "b.json"}, 3,
        "y.json: expected an object with context and benchmarks");
  EXPECT_TRUE(calls().empty());
}

TEST_F(Bench, ProgressOnATerminal) {
  Process process(
      start({"--backends", "simd", "--threads", "1", "--repetitions", "2"}, {{"TERM", "xterm"}}, true));
  const Result result = process.wait();
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "\r1/2  simd, 1 thread, repetition 1 of 2", result.err);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "\r2/2  simd, 1 thread, repetition 2 of 2  0:0", result.err);
}

TEST_F(Bench, SignalsStopIt) {
  set("sleep");
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, {SIGTERM, 143}}) {
    fs::remove(libexec + "/calls");
    Process process(start({"--backends", "simd", "--threads", "1"}));
    while (calls().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    process.signal(signal);
    EXPECT_EQ(process.wait().code, code);
  }
}

Arguments with_peers(const Arguments& more = {}) {
  Arguments all = {"--backends", "simd", "--threads", "2", "--repetitions", "2", "--peers"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// --force: these tests run on busy machines, too.
TEST_F(Bench, PeersOnTheSameShapes) {
  install_peers();
  const Result result =
      bench(with_peers({"--force", "--out", directory.path("out")}), {{"OPENBLAS_CORETYPE", "Prescott"}});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "plexus: peer pytorch: Peer 1.0\n", result.err);
  EXPECT_PRED_FORMAT2(testing::IsSubstring,
                      "plexus: peer onednn-sgemm: left out: not installed: apt-get install libdnnl2\n",
                      result.err);
  std::map<std::string, Json> entries;
  const Json json = written();
  for (const Json& entry : json.at("benchmarks")) entries[entry.at("name")] = entry;
  ASSERT_EQ(entries.size(), 4u);
  const Json& pytorch = entries.at("matmul/nn/f32/m64/n64/k64/pytorch/t2");
  EXPECT_EQ(pytorch.at("label"), "OpenMP 2 active, BLAS 1");  // the first of the fastest
  EXPECT_EQ(pytorch.at("real_time"), 1000);
  EXPECT_NEAR(pytorch.at("GFLOPS"), 131.08, 0.1);  // 65.54 GFLOP/s at 2000 ns
  EXPECT_NEAR(pytorch.at("peak"), 1.31, 0.01);     // 0.655 at 2000 ns
  EXPECT_EQ(entries.at("matmul/nn/f32/m64/n64/k64/openblas/t2").at("real_time"), 3000);
  EXPECT_EQ(json.at("context").at("peer/pytorch"), "Peer 1.0");
  std::set<std::string> settings;
  for (const std::string& call : calls("/peers")) {
    EXPECT_PRED_FORMAT2(testing::IsSubstring, "OPENBLAS_CORETYPE= ", call);
    if (call.starts_with("pytorch.py --names")) settings.insert(call.substr(call.find("OMP_NUM")));
  }
  EXPECT_EQ(settings,
            (std::set<std::string>{"OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE OPENBLAS_NUM_THREADS=1",
                                   "OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE OPENBLAS_NUM_THREADS=2",
                                   "OMP_NUM_THREADS=2 OMP_WAIT_POLICY=PASSIVE OPENBLAS_NUM_THREADS=1",
                                   "OMP_NUM_THREADS=2 OMP_WAIT_POLICY=ACTIVE OPENBLAS_NUM_THREADS=1",
                                   "OMP_NUM_THREADS=2 OMP_WAIT_POLICY=PASSIVE OPENBLAS_NUM_THREADS=2",
                                   "OMP_NUM_THREADS=2 OMP_WAIT_POLICY=ACTIVE OPENBLAS_NUM_THREADS=2"}));
}

TEST_F(Bench, ASlowPeerIsVoid) {
  install_peers();
  std::ofstream(libexec + "/peers/slow") << "\n";
  const Result result = bench(with_peers({"--force", "--out", directory.path("out")}));
  EXPECT_EQ(result.code, 0) << result.err;
  const std::string reason =
      "its product of 1024 x 1024 matrices reaches 50 of 202 GFLOP/s (t2), less than 70 %";
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "plexus: void: openblas: " + reason + "\n", result.err);
  EXPECT_EQ(written().at("context").at("void/openblas"), reason);
}

TEST_F(Bench, RefusesASlowBlas) {
  install_peers();
  std::ofstream(libexec + "/peers/netlib") << "\n";
  const Result result = bench(with_peers({"--force"}));
  EXPECT_EQ(result.code, 1);
  EXPECT_PRED_FORMAT2(
      testing::IsSubstring,
      "plexus: error: openblas: libblas.so.3 is not OpenBLAS: apt-get install libopenblas0-pthread\n",
      result.err);
  EXPECT_TRUE(calls().empty());
}

/// A run of twelve kernels whose times are known.
std::string run_file(int repetitions, double last) {
  Json list = Json::array();
  for (int i = 0; i < 12; ++i)
    for (int r = 0; r < repetitions; ++r)
      list.push_back(
          {{"name", "matmul/" + std::to_string(i) + "/simd/t1"},
           {"repetition_index", r},
           {"real_time", 100 * (i + 1) * (i == 11 ? last : 1) * (1 + 0.001 * ((7 * i + 5 * r) % 9))},
           {"cpu_time", 1},
           {"time_unit", "us"}});
  return Json{{"context", {{"cpu", "made up"}, {"plexus_version", "1.2.3"}, {"date", "today"}}},
              {"benchmarks", list}}
      .dump();
}

TEST_F(Bench, Compare) {
  const std::string a = directory.write("a.json", run_file(9, 1)),
                    b = directory.write("b.json", run_file(9, 1.15)),
                    few = directory.write("few.json", run_file(8, 1));
  const Result same = bench({"--compare", a, a});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_TRUE(same.out.ends_with("no difference in 12 benchmarks\n")) << same.out;
  const Result slower = bench({"--compare", a, b});
  EXPECT_EQ(slower.code, 1) << slower.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "slower in B\n", slower.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "matmul/11/simd/t1  x 1.15", slower.out);
  EXPECT_TRUE(slower.out.ends_with("1 slower, 0 faster, 0 refused of 12 benchmarks\n")) << slower.out;
  const Result faster = bench({"--compare", b, a});
  EXPECT_EQ(faster.code, 0);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "faster in B\n", faster.out);
  const Result too_few = bench({"--compare", a, few});
  EXPECT_EQ(too_few.code, 3);
  EXPECT_PRED_FORMAT2(testing::IsSubstring,
                      "few.json: matmul/0/simd/t1 has 8 repetitions, a comparison needs 9: "
                      "plexus bench --repetitions 9",
                      too_few.err);
}

}  // namespace
}  // namespace plexus::test
