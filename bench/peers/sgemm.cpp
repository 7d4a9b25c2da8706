// Matrix products of OpenBLAS (cblas_sgemm) or oneDNN (dnnl_sgemm), called directly: sgemm openblas|onednn
// --versions, or
// --names FILE --out FILE --min-time SECONDS. Threads come from OPENBLAS_NUM_THREADS, OMP_NUM_THREADS.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;

/// A library that is not installed; the message names the package.
struct NotInstalled : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// c[m,n] = op(a) op(b), or added to c, row by row without gaps.
struct Product {
  bool transposed_a = false, transposed_b = false, accumulate = false;
  int64_t m = 0, n = 0, k = 0;
};

struct Library {
  std::string version;
  std::function<void(const Product&, const float* a, const float* b, float* c)> multiply;
};

void* open(std::initializer_list<const char*> files, const std::string& package) {
  for (const char* file : files)
    if (void* library = dlopen(file, RTLD_NOW | RTLD_GLOBAL)) return library;
  throw NotInstalled("not installed: apt-get install " + package);
}

template <class Function>
Function* symbol(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

// Two things are called libblas.so.3 on a Debian; with the other one everything that multiplies is ten times
// slower.
Library openblas() {
  void* blas = open({"libblas.so.3"}, "libopenblas0-pthread");
  const auto config = symbol<const char*()>(blas, "openblas_get_config");
  if (!config) throw std::runtime_error("libblas.so.3 is not OpenBLAS: apt-get install libopenblas0-pthread");
  const auto core = symbol<const char*()>(blas, "openblas_get_corename");
  const auto sgemm = symbol<void(int, int, int, int, int, int, float, const float*, int, const float*, int,
                                 float, float*, int)>(blas, "cblas_sgemm");
  const std::string all = config();  // name and version, then how it was built
  const std::string name = all.substr(0, all.find(' ', all.find(' ') + 1));
  return {name + " (" + core() + ")", [sgemm](const Product& p, const float* a, const float* b, float* c) {
            const int m = int(p.m), n = int(p.n), k = int(p.k);
            constexpr int row_major = 101, plain = 111, transposed = 112;
            sgemm(row_major, p.transposed_a ? transposed : plain, p.transposed_b ? transposed : plain, m, n,
                  k, 1, a, p.transposed_a ? m : k, b, p.transposed_b ? k : n, p.accumulate ? 1 : 0, c, n);
          }};
}

Library onednn() {
  // The development package's link, the names of newer versions (Debian's 3.7 calls itself 3.6), that of
  // Debian 12.
  void* dnnl = open({"libdnnl.so", "libdnnl.so.3", "libdnnl.so.3.6", "libdnnl.so.2"}, "libdnnl-dev");
  struct Version {  // the beginning of dnnl_version_t, the same in versions 2 and 3
    int major, minor, patch;
  };
  const Version& version = *symbol<const Version*()>(dnnl, "dnnl_version")();
  const auto sgemm = symbol<int(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t,
                                const float*, int64_t, float, float*, int64_t)>(dnnl, "dnnl_sgemm");
  return {"oneDNN " + std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
              std::to_string(version.patch),
          [sgemm](const Product& p, const float* a, const float* b, float* c) {
            sgemm(p.transposed_a ? 'T' : 'N', p.transposed_b ? 'T' : 'N', p.m, p.n, p.k, 1, a,
                  p.transposed_a ? p.m : p.k, b, p.transposed_b ? p.k : p.n, p.accumulate ? 1 : 0, c, p.n);
          }};
}

/// Operands with which nothing overflows or becomes denormal however often c is added to.
std::vector<float> operand(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = float(int(i * 7 % 13) - 6) / 16;
  return values;
}

struct Time {
  int64_t iterations = 0;
  double real = 0, cpu = 0;  // seconds of all iterations
};

/// Runs until the time is reached, after a first call for what a library does once.
template <class Call>
Time measure(const Call& call, double seconds) {
  using Clock = std::chrono::steady_clock;
  call();
  for (int64_t iterations = 1;;) {
    const std::clock_t cpu = std::clock();
    const auto start = Clock::now();
    for (int64_t i = 0; i < iterations; ++i) call();
    const double real = std::chrono::duration<double>(Clock::now() - start).count();
    if (real >= seconds || iterations >= 1'000'000'000)
      return {iterations, real, double(std::clock() - cpu) / CLOCKS_PER_SEC};
    // As Google Benchmark does: a little more than is needed, never more than ten times as much.
    const double factor = real * 10 > seconds ? seconds * 1.4 / real : 10;
    iterations = std::max(iterations + 1, int64_t(double(iterations) * factor));
  }
}

Time measure(const Library& library, const Product& p, double seconds) {
  const std::vector<float> a = operand(p.m * p.k), b = operand(p.k * p.n);
  std::vector<float> c = operand(p.m * p.n);
  return measure([&] { library.multiply(p, a.data(), b.data(), c.data()); }, seconds);
}

/// The product of a name like matmul/nn/f32/m128~/n512/k784/bias/relu; what is fused with it, and the layout
/// that a backend gave its parameter, stay out. False: another one.
bool parse(const std::string& name, Product& p) {
  static const std::regex pattern("matmul/(nn|nt|tn)/f32/m([0-9]+)~?/n([0-9]+)/k([0-9]+)~?((/| \\+ ).*)?");
  std::smatch match;
  if (!std::regex_match(name, match, pattern)) return false;
  const std::string rest = match[5];
  if (rest.find("/ld") != std::string::npos) return false;  // rows with gaps
  p.transposed_a = match[1] == "tn";
  p.transposed_b = match[1] == "nt";
  p.accumulate = rest.find("/accumulate") != std::string::npos;
  p.m = std::stoll(match[2]), p.n = std::stoll(match[3]), p.k = std::stoll(match[4]);
  return p.m > 0 && p.n > 0 && p.k > 0;
}

/// The library against a plain loop, for every form: a wrong call would be as fast as it likes.
void check(const Library& library) {
  for (const Product& p :
       {Product{false, false, false, 5, 3, 4}, {false, true, false, 5, 3, 4}, {true, false, true, 5, 3, 4}}) {
    const std::vector<float> a = operand(p.m * p.k), b = operand(p.k * p.n);
    std::vector<float> c = operand(p.m * p.n);
    const std::vector<float> before = c;
    library.multiply(p, a.data(), b.data(), c.data());
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) {
        float sum = p.accumulate ? before[size_t(i * p.n + j)] : 0;
        for (int64_t l = 0; l < p.k; ++l)
          sum += a[size_t(p.transposed_a ? l * p.m + i : i * p.k + l)] *
                 b[size_t(p.transposed_b ? j * p.k + l : l * p.n + j)];
        const float difference = c[size_t(i * p.n + j)] - sum;
        if (!(difference * difference < 1e-10f)) throw std::runtime_error("wrong product");
      }
  }
}

void run(const Library& library, const std::map<std::string, std::string>& options) {
  check(library);
  const double seconds = std::stod(options.at("--min-time"));
  const Product square{.m = 1024, .n = 1024, .k = 1024};
  const Time own = measure(library, square, seconds);
  const double gflops = 2.0 * 1024 * 1024 * 1024 * double(own.iterations) / own.real * 1e-9;
  Json json = {{"context", {{"version", library.version}, {"sgemm_1024", std::to_string(gflops)}}},
               {"benchmarks", Json::array()}};
  std::ifstream names(options.at("--names"));
  for (std::string name; std::getline(names, name);) {
    Product product;
    if (!parse(name, product)) continue;
    const Time time = measure(library, product, seconds);
    const double scale = 1e9 / double(time.iterations);
    json["benchmarks"].push_back({{"name", name},
                                  {"run_name", name},
                                  {"run_type", "iteration"},
                                  {"threads", 1},
                                  {"iterations", time.iterations},
                                  {"real_time", time.real * scale},
                                  {"cpu_time", time.cpu * scale},
                                  {"time_unit", "ns"}});
  }
  std::ofstream out(options.at("--out"));
  out << json.dump(1) << "\n";
  if (!out.flush()) throw std::runtime_error(options.at("--out") + ": cannot write");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 2 || (words[0] != "openblas" && words[0] != "onednn"))
      throw std::runtime_error(
          "usage: sgemm openblas|onednn --versions | --names FILE --out FILE --min-time SECONDS");
    const Library library = words[0] == "openblas" ? openblas() : onednn();
    if (words[1] == "--versions") {
      std::puts(library.version.c_str());
      return 0;
    }
    std::map<std::string, std::string> options;
    for (size_t i = 1; i + 1 < words.size(); i += 2) options[words[i]] = words[i + 1];
    run(library, options);
    return 0;
  } catch (const NotInstalled& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
