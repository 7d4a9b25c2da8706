// Reporter: writes names as they were registered.
#pragma once
#include <benchmark/benchmark.h>

namespace plexus::bench {

/// Google Benchmark appends to a name what kind of time it measures ("/real_time"). All are measured alike here, and a name ends
/// with backend and threads.
class Reporter final : public benchmark::BenchmarkReporter {
 public:
  /// `inner` does the rest, and lives longer.
  explicit Reporter(benchmark::BenchmarkReporter& inner) : inner_(inner) {}

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override { inner_.Finalize(); }

 private:
  benchmark::BenchmarkReporter& inner_;
};

}  // namespace plexus::bench
