#include "io/files.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace plexus::test {

Directory::Directory() {
  // Sweeps write thousands of small files: in memory, where there is such a place.
  const bool memory = access("/dev/shm", W_OK) == 0;
  path_ = (memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) /
          "plexus-io-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
}

Directory::~Directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Directory::write(const std::string& name, std::string_view bytes) const {
  std::ofstream out(path(name), std::ios::binary);
  out.write(bytes.data(), std::streamsize(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path(name));
  return path(name);
}

std::vector<std::string> Directory::names() const {
  std::vector<std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator(path_))
    result.push_back(entry.path().filename());
  return result;
}

std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::map<std::string, std::string> golden_files() {
  std::ifstream lines(PLEXUS_SOURCE_DIR "/tests/golden/npy.txt");
  std::map<std::string, std::string> files;
  for (std::string name, hex; lines >> name;) {
    if (name == "#") {
      std::getline(lines, hex);
      continue;
    }
    lines >> hex;
    for (size_t i = 0; i < hex.size(); i += 2) files[name] += char(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return files;
}

void for_each_prefix(const std::string& bytes, const std::function<void(const std::string&, size_t)>& load) {
  for (size_t length = 0; length < bytes.size(); ++length) load(bytes.substr(0, length), length);
}

void for_each_flip(const std::string& bytes, const std::function<void(const std::string&, size_t)>& load) {
  std::string flipped = bytes;
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    flipped[bit / 8] = char(flipped[bit / 8] ^ (1 << bit % 8));
    load(flipped, bit);
    flipped[bit / 8] = bytes[bit / 8];
  }
}

int64_t differences(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return -1;
  const size_t width = size_of(a.dtype());
  int64_t count = 0;
  for (size_t at = 0; at < a.byte_count(); at += width)
    count += std::memcmp(a.bytes() + at, b.bytes() + at, width) != 0;
  return count;
}

namespace {

std::string compressed(std::string_view bytes, int window) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string result(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = uInt(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = uInt(result.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

}  // namespace

std::string gzip(std::string_view bytes) { return compressed(bytes, 15 + 16); }
std::string deflate(std::string_view bytes) { return compressed(bytes, -15); }

}  // namespace plexus::test
