// Reads files and writes them again, for the scripts beside it: on its standard input, again and again, the
// format ('n' .npy, 'z' .npz, 's' safetensors), the length (4 bytes, little-endian) and the bytes of a file;
// on its standard output 'y', the length and the bytes of what it wrote, or 'n' and the message that refused
// it.
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "io/files.h"
#include "plexus/io/npy.h"
#include "plexus/io/npz.h"
#include "plexus/io/safetensors.h"

namespace {

void convert(char format, const std::string& from, const std::string& to) {
  using namespace plexus;
  switch (format) {
    case 'n':
      return save_npy(to, load_npy(from));
    case 'z':
      return save_npz(to, load_npz(from));
    default:
      return save_safetensors(to, load_safetensors(from));
  }
}

bool read(std::string& bytes) { return std::fread(bytes.data(), 1, bytes.size(), stdin) == bytes.size(); }

}  // namespace

int main() {
  const plexus::test::Directory directory;
  for (std::string head(5, '\0'); read(head);) {
    size_t length = 0;
    for (size_t i = 4; i > 0; --i) length = length << 8 | uint8_t(head[i]);
    std::string bytes(length, '\0');
    if (!read(bytes)) return 1;
    char verdict = 'y';
    try {
      convert(head[0], directory.write("in", bytes), directory.path("out"));
      bytes = plexus::test::read_bytes(directory.path("out"));
    } catch (const plexus::Error& error) {
      verdict = 'n';
      bytes = error.what();
    }
    const std::array<char, 5> answer{verdict, char(bytes.size()), char(bytes.size() >> 8),
                                     char(bytes.size() >> 16), char(bytes.size() >> 24)};
    std::fwrite(answer.data(), 1, answer.size(), stdout);
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    std::fflush(stdout);
  }
}
