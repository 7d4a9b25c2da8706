// Load: how much of the machine others use, before and while something is measured.
#pragma once

namespace plexus::cli {

/// Processors in use in the last minute (the load average); 0 where the system does not tell.
double load_average();

/// Processors that others used since this object was made: the time that the machine was busy, less that of this process and of
/// those of its children that have ended. Linux; 0 elsewhere.
class OthersLoad {
 public:
  OthersLoad();
  double processors() const;

 private:
  double elapsed_, busy_, own_;  // seconds, at the start
};

}  // namespace plexus::cli
