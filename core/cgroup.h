// The CPUs that control groups leave to this process. Not public; apart from the executor so that tests can point it
// at a tree of their own.
#pragma once
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace plexus::cgroup {

inline constexpr double unlimited = std::numeric_limits<double>::infinity();

/// CPUs of one group: cpu.max (v2), or cpu.cfs_quota_us over cpu.cfs_period_us (v1).
inline double quota(const std::filesystem::path& group) {
  double time = -1, period = 0;
  // "max 100000" fails to read as a number: no limit.
  if (std::ifstream v2(group / "cpu.max"); v2) {
    v2 >> time >> period;
  } else {
    std::ifstream(group / "cpu.cfs_quota_us") >> time;
    std::ifstream(group / "cpu.cfs_period_us") >> period;
  }
  return time > 0 && period > 0 ? time / period : unlimited;
}

/// The least of the group's and all its parents' quotas. Inside a container the path may be that of the host and not exist
/// below `mount`; the walk then ends at `mount` itself, which is the container's own group.
inline double quota(const std::filesystem::path& mount, const std::filesystem::path& group) {
  double least = quota(mount);
  std::filesystem::path path = mount;
  for (const auto& part : group.relative_path()) {
    if (part == "..") break;  // the group lies outside what is mounted here
    path /= part;
    least = std::min(least, quota(path));
  }
  return least;
}

/// CPUs that the groups listed in `membership` (the text of /proc/self/cgroup) may use, under `root` (/sys/fs/cgroup).
inline double available(const std::string& membership, const std::filesystem::path& root) {
  double least = unlimited;
  std::istringstream lines(membership);
  // A line is "number:controllers:path"; the number 0 with no controllers is v2.
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty())
      least = std::min(least, quota(root, path));
    else if (("," + controllers + ",").find(",cpu,") != std::string::npos)
      least = std::min({least, quota(root / controllers, path), quota(root / "cpu", path)});
  }
  return least;
}

}  // namespace plexus::cgroup
