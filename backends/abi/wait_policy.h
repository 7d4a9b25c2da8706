// Wait policy: how the threads of OpenMP wait for work, which libgomp decides once, while it loads.
#pragma once
#include <string>

namespace plexus::abi {

/// What the user says about it: "OMP_WAIT_POLICY=active" or "GOMP_SPINCOUNT=0"; "" where nothing.
/// In backends/environment.cpp.
std::string given_wait_policy();

/// By default libgomp's threads spin for milliseconds after each parallel region, on processors that Plexus' own threads
/// want. While this lives, a libgomp that is loaded learns to sleep instead; not where the user says otherwise, and not where
/// one is in the process already. The environment is afterwards as it was.
class PassiveWait {
 public:
  PassiveWait();
  ~PassiveWait();
  PassiveWait(const PassiveWait&) = delete;
  PassiveWait& operator=(const PassiveWait&) = delete;

  /// What became of it, for a library that has been loaded since: "" where its threads sleep, or where it has none of OpenMP.
  std::string note(void* library) const;

 private:
  std::string given_;
  bool was_there_;
  bool set_ = false;
};

}  // namespace plexus::abi
