// Peers: other libraries, measured on the shapes of a run of ours, each in a process of its own (bench/peers).
#pragma once
#include <set>
#include <string>
#include <vector>

#include "plexus/cli/bench/measurements.h"
#include "plexus/cli/program.h"

namespace plexus::cli {

/// A peer and one way to run it. Of several ways with as many threads, or fewer, each shape takes the fastest.
struct PeerSetting {
  std::string peer;   ///< "openblas", "onednn-sgemm", "pytorch", "sklearn", "onnxruntime"
  std::string label;  ///< "OpenMP 2 active, BLAS 1"
  std::vector<std::string> program;  ///< within the folder of peers, with arguments
  std::map<std::string, std::optional<std::string>> environment;
  bool operator==(const PeerSetting&) const = default;
};

/// All peers there are.
std::vector<std::string> peer_names();
/// The ways to run a peer with at most so many threads.
std::vector<PeerSetting> peer_settings(const std::string& peer, int threads);

/// The folder with the peers' programs: libexec/plexus/peers, or a copy of it within another root (a Debian 13 made by
/// debootstrap, say), where chroot starts them. Removes the copy.
class PeerPrograms {
 public:
  /// `root` empty: this system. Throws MissingPart where the peers are not part of this build, IoError.
  explicit PeerPrograms(const std::string& root);
  ~PeerPrograms();
  PeerPrograms(const PeerPrograms&) = delete;
  PeerPrograms& operator=(const PeerPrograms&) = delete;

  /// The versions of a peer, one line; absent, with the reason in `missing`, where its packages are not installed. Throws
  /// Error where it is here but must not be measured (BLAS is not OpenBLAS).
  std::optional<std::string> versions(const std::string& peer, std::string& missing) const;
  /// Measures the benchmarks of these names (those that it knows), each for so many seconds. Throws Error.
  Json measure(const PeerSetting& setting, const std::set<std::string>& names, double seconds) const;

 private:
  Program program(const PeerSetting& setting, const std::vector<std::string>& more) const;
  std::string root_, folder_, scratch_;  // folder_: as seen from within the root
};

/// What was measured of one setting, repetition after repetition.
struct PeerRun {
  PeerSetting setting;
  std::vector<Json> repetitions;
};

/// Adds to a merged run of ours (`ours`) what the peers took with `threads` threads: of each benchmark the fastest setting by its
/// median, with GFLOPS and peak from what ours had to do. A peer whose product of 1024 x 1024 matrices stays
/// below 70 % of the FMA limit is void: returned with the reason; its results are added only if `force`.
std::map<std::string, std::string> add_peers(Merge& merge, const Json& ours, const std::vector<PeerRun>& runs,
                                             int threads, bool force);

}  // namespace plexus::cli
