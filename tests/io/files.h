// Files made for tests, and the errors that reading them throws.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plexus/core/error.h"
#include "plexus/core/tensor.h"

namespace plexus::test {

/// A directory that is removed with everything in it.
class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// Writes a file and returns its path.
  std::string write(const std::string& name, std::string_view bytes) const;
  std::vector<std::string> names() const;

 private:
  std::string path_;
};

std::string read_bytes(const std::string& path);

/// The files of tests/golden/npy.txt, by name.
std::map<std::string, std::string> golden_files();

/// A literal with zeros in it: "\0\0\x08"_bytes.
inline std::string operator""_bytes(const char* text, size_t size) { return {text, size}; }

/// The message of the E that `call` throws, without the leading `path`; anything else fails the test.
template <class E>
std::string error(const std::string& path, const std::function<void()>& call) {
  try {
    call();
  } catch (const E& e) {
    const std::string message = e.what();
    if (!message.starts_with(path + ": ")) ADD_FAILURE() << "no file in: " << message;
    if (message.find('\n') != std::string::npos) ADD_FAILURE() << "more than one line: " << message;
    return message.substr(std::min(message.size(), path.size() + 2));
  } catch (const std::exception& e) {
    ADD_FAILURE() << "another exception: " << e.what();
    return "";
  }
  ADD_FAILURE() << "no exception";
  return "";
}

/// Calls `load` with every proper prefix, and with every change of a single bit, of a file.
void for_each_prefix(const std::string& bytes, const std::function<void(const std::string& bytes, size_t length)>& load);
void for_each_flip(const std::string& bytes, const std::function<void(const std::string& bytes, size_t bit)>& load);

/// How many elements differ; -1 where types or shapes do.
int64_t differences(const Tensor& a, const Tensor& b);

std::string gzip(std::string_view bytes);
/// Without any wrapping, as zip archives have it.
std::string deflate(std::string_view bytes);

}  // namespace plexus::test
