// plexus report: one page that needs nothing else; what is wrong with a file is said in one line.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"

namespace plexus::test {
namespace {

using Json = nlohmann::json;

/// A run in which everything can be drawn.
Json run_of_everything() {
  Json list = Json::array();
  const auto add = [&](const std::string& name, double microseconds) {
    list.push_back({{"name", name},
                    {"real_time", microseconds},
                    {"cpu_time", microseconds},
                    {"time_unit", "us"},
                    {"GFLOPS", 100 / microseconds},
                    {"GB/s", 10 / microseconds},
                    {"peak", 0.5},
                    {"label", "<avx512>"}});
  };
  for (const std::string threads : {"t1", "t2"}) {
    for (const std::string backend : {"simd", "reference", "openblas"})
      add("matmul/nn/f32/m64/n64/k64/" + backend + "/" + threads, backend == "simd" ? 2 : 8);
    for (const std::string backend : {"simd", "pytorch"})
      for (const std::string batch : {"b1", "b32"})
        add("training/784-128-10/" + batch + "/sgd/" + backend + "/" + threads, backend == "simd" ? 20 : 50);
  }
  return {{"context",
           {{"cpu", "A & B"},
            {"isa", "avx512"},
            {"plexus_version", "1.2.3"},
            {"peer/pytorch", "PyTorch 9"},
            {"peer/openblas", "OpenBLAS 8"},
            {"limit/fma/avx512/t1", "115"},
            {"limit/fma/avx512/t2", "230"},
            {"limit/read/l1/t1", "200"},
            {"limit/read/l1/t2", "400"}}},
          {"benchmarks", list}};
}

TEST(Report, OnePageWithEverything) {
  if (!has_matplotlib()) GTEST_SKIP() << "needs python3-matplotlib";
  const Directory directory;
  Json json = run_of_everything();
  const std::string file = directory.write("bench.json", json.dump());
  const Result result = run({"report", file});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "wrote     " + directory.path("bench.html") + "\n");
  const std::string page = read_file(directory.path("bench.html"));
  for (const char* title : {"Whole networks against other libraries", "Networks over the size of the batch",
                            "Roofline", "More threads", "Shape by shape", "A &amp; B", "PyTorch 9"})
    EXPECT_PRED_FORMAT2(testing::IsSubstring, title, page);
  EXPECT_EQ(count(page, "<svg"), 6u);  // against peers, networks and roofline for 1 and 2 threads, scaling
  EXPECT_EQ(count(page, "<table class=heat>"), 4u);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, ">0.25</td>", page);  // 2 us against 8
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "&lt;avx512&gt;", page);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "2.50x", page);  // 20 us against 50
  EXPECT_PRED_FORMAT2(testing::IsNotSubstring, "Not to be quoted", page);
  for (const char* outside : {"src=", "<link", "@import", "url(http"})
    EXPECT_PRED_FORMAT2(testing::IsNotSubstring, outside, page);
  const std::string start = "<script type=\"application/json\" id=\"measurements\">";
  const size_t begin = page.find(start) + start.size();
  EXPECT_EQ(parse_json(page.substr(begin, page.find("</script>", begin) - begin)), json);

  json["context"]["void/pytorch"] = "too slow";
  const std::string again = directory.path("again.html");
  ASSERT_EQ(run({"report", directory.write("void.json", json.dump()), "-o", again}).code, 0);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "Not to be quoted", read_file(again));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "pytorch: too slow", read_file(again));
}

TEST(Report, Errors) {
  const Directory directory;
  const auto error = [](const Arguments& arguments, int code, const std::string& text) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, code);
    EXPECT_PRED_FORMAT2(testing::IsSubstring, text, result.err);
    EXPECT_EQ(count(result.err, "\n"), 1u) << result.err;
  };
  error({"report", directory.path("none.json")}, 5, "none.json: cannot read");
  error({"report", directory.write("x.json", "{}")}, 3,
        "x.json: expected an object with context and benchmarks");
  error({"report", directory.write("y.json", R"({"context": {}, "benchmarks": [{"name": "a"}]})")}, 3,
        "y.json: benchmark 1: expected a name like family/shape/backend/t1, found a");
  error({"report", directory.write("z.json", R"({"context": {}, "benchmarks": [{"name": "a/b/c/t1"}]})")}, 3,
        "z.json: benchmark 1: expected name, real_time and time_unit");
  error({"report", directory.write("b.json", run_of_everything().dump()), "-o", directory.path("no/b.html")},
        5, "b.html: cannot write");
}

// A module of that name which cannot be imported stands before Debian's.
TEST(Report, WithoutMatplotlib) {
  const Directory directory;
  mkdir(directory.path("hidden").c_str(), 0700);
  directory.write("hidden/matplotlib.py", "raise ImportError\n");
  const Result result = run({"report", directory.write("b.json", run_of_everything().dump())},
                            {{"PYTHONPATH", directory.path("hidden")}});
  EXPECT_EQ(result.code, 4);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "apt-get install python3-matplotlib\n", result.err);
  EXPECT_EQ(count(result.err, "\n"), 1u) << result.err;
  EXPECT_FALSE(std::filesystem::exists(directory.path("b.html")));
}

}  // namespace
}  // namespace plexus::test
