// Tuner: prepares, checks and times the training steps of candidates. Private.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/trainer.h"
#include "plexus/trainer/tuning.h"
#include "plexus/trainer/watchdog.h"

namespace plexus {

/// What every candidate does.
struct Exercise {
  Sequential network;      // built and fitted; candidates train copies
  TrainerOptions options;
  Dataset rows;            // of one step, encoded
  int64_t batch = 1, tail = 0;
};

/// Operations of one row of a step, roughly: the products of dense layers, forward and twice backward.
double row_operations(const Sequential& network);

class Tuner {
 public:
  /// `context`: of all candidates, but for backend and threads. `seconds`: for all of it.
  Tuner(std::shared_ptr<const Exercise> exercise, ContextOptions context, double seconds);
  ~Tuner();

  /// In the order in which candidates are prepared, as long as there is time; the first always is. `preference`: among those that are as fast as
  /// each other with as many threads, the least. `watched`: it may hang.
  void add(const std::string& backend, int threads, int preference, bool watched);
  /// The one backend that needs no candidate: it takes over where all are out.
  Tuning run(const std::string& last_resort, int threads);

 private:
  struct Rig;
  struct Entrant;
  using Duration = std::chrono::duration<double>;

  bool in() const;
  Duration left() const;
  double least_seconds() const;
  double tie_bound() const;
  void prepare(Entrant& entrant);
  void race();
  Entrant* fastest();
  /// Does a job of an entrant; false: it is out now.
  bool attempt(Entrant& entrant, void (*job)(Rig&, int64_t), int64_t steps, Duration limit);
  void put_out(Entrant& entrant, const std::string& verdict);

  std::shared_ptr<const Exercise> exercise_;
  ContextOptions context_;
  Duration budget_;
  std::chrono::steady_clock::time_point start_;
  std::vector<Entrant> entrants_;
  double first_preparation_ = 0;  // seconds that the first candidate took
  Watchdog watchdog_;
  int64_t steps_ = 0;
};

}  // namespace plexus
