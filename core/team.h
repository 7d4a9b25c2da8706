// Team: the threads that help an executor. Private to the library.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace plexus {

class Profile;

/// Threads of oneTBB that stay for a while between one loop and the next. The loops of a step follow each other within
/// microseconds, and a thread that looks out for the next one finds it in half a microsecond; one that sleeps takes a hundred
/// and more to come.
class Team {
 public:
  using Piece = void (*)(const void* body, int64_t begin, int64_t end);

  /// So many threads, the caller's among them, or as many as the system has. Null: it has none but the caller's. `profile`: null,
  /// or where helpers record what they do; it outlives this.
  static std::unique_ptr<Team> start(int threads, Profile* profile);
  /// Sends the helpers away and waits until they have gone. Not in a child of fork(), where there are none.
  ~Team();

  /// Calls piece(body, begin, end) for pieces of `grain` that cover [0, count) once, on the caller and on those that come
  /// before the last piece is taken. Waits for all that it has begun, and for nothing else. Rethrows the first exception.
  /// False: too many loops run at one time, and nothing was done.
  bool run(int64_t count, int64_t grain, const void* body, Piece piece);

 private:
  struct Loop;
  struct Helpers;

  Team(int threads, Profile* profile);
  Loop* place();
  Loop* find();
  void summon(int64_t wanted);
  void help() noexcept;
  void record(const std::string& operation, int64_t begin) noexcept;

  int threads_;
  bool lingers_;      ///< more threads than processors would look out instead of those that have work
  Profile* profile_;
  std::unique_ptr<Helpers> helpers_;
};

}  // namespace plexus
