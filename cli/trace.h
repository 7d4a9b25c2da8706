// Trace: what a network was at some of its steps, by fingerprints. Two runs that have the same trace are the same run.
#pragma once
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plexus/trainer/callback.h"

namespace plexus::cli {

struct TracePoint {
  int64_t step = 0;   ///< of the whole training, from 1
  int64_t epoch = 0;
  double loss = 0;    ///< of this step, before its update
  std::map<std::string, std::string> tensors = {};  ///< fingerprints after the update, by name in the store
};

/// The first 128 steps, then 64 in every doubling of their number: a difference is found within 2 %, and a run of a million steps
/// takes its fingerprints at a thousand of them.
bool is_traced(int64_t step);

/// A JSON object a line. A last line that was cut off does not count. Throws IoError, FormatError.
std::vector<TracePoint> load_trace(const std::string& path);

/// Takes the points of a training.
class Tracer : public Callback {
 public:
  void on_train_begin(Sequential& network, const Progress&) override;
  bool on_step(const Progress& progress) override;

 protected:
  /// Training begins, or goes on, after `step` steps.
  virtual void begin(int64_t /*step*/) {}
  /// True: stop.
  virtual bool take(const TracePoint& point) = 0;

 private:
  Sequential* network_ = nullptr;
  int64_t step_ = 0;
};

/// Writes them to a file; a run that is resumed goes on behind the point where it was.
class TraceWriter final : public Tracer {
 public:
  explicit TraceWriter(std::string path) : path_(std::move(path)) {}

 private:
  void begin(int64_t step) override;
  bool take(const TracePoint& point) override;
  void write(const TracePoint& point);

  std::string path_;
  std::ofstream file_;
};

/// Compares them with those of another run.
class TraceComparison final : public Tracer {
 public:
  explicit TraceComparison(std::vector<TracePoint> expected) : expected_(std::move(expected)) {}

  /// "step 17 (epoch 2): tensor 0.weight differs, ..."; empty: nothing was different so far.
  const std::string& difference() const { return difference_; }
  int64_t compared() const { return compared_; }   ///< points
  int64_t last_step() const { return last_step_; }  ///< that was compared
  int64_t expected() const { return static_cast<int64_t>(expected_.size()); }

 private:
  bool take(const TracePoint& point) override;

  std::vector<TracePoint> expected_;
  std::string difference_;
  int64_t compared_ = 0, last_step_ = 0;
};

}  // namespace plexus::cli
