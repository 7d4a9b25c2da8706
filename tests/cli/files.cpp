#include "cli/files.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace plexus::test {

Directory::Directory() : path_(testing::TempDir() + "plexus_cli_XXXXXX") {
  if (!mkdtemp(path_.data())) throw std::runtime_error("mkdtemp");
}

Directory::~Directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Directory::write(const std::string& name, const std::string& contents) const {
  std::ofstream(path(name), std::ios::binary) << contents;
  return path(name);
}

std::string Directory::write_classes(const std::string& name, int rows) const {
  std::string text = "x,y,kind\n";
  for (int i = 0; i < rows; ++i) {
    const bool b = i % 2;
    const double x = (b ? 2 : -2) + 0.1 * (i % 7), y = (b ? -1 : 1) + 0.05 * (i % 11);
    text += std::to_string(x) + "," + std::to_string(y) + (b ? ",b\n" : ",a\n");
  }
  return write(name, text);
}

std::string idx(const std::vector<uint32_t>& shape, const std::vector<uint8_t>& values) {
  std::string bytes = {0, 0, 8, char(shape.size())};
  for (const uint32_t size : shape)
    for (const int shift : {24, 16, 8, 0}) bytes += char(size >> shift & 0xff);
  return bytes + std::string(values.begin(), values.end());
}

void Directory::write_images(const std::string& part, const std::vector<uint8_t>& labels) const {
  std::vector<uint8_t> pixels;
  for (size_t i = 0; i < labels.size(); ++i)
    for (size_t p = 0; p < 64; ++p) {
      const bool right_half = p % 8 >= 4;
      pixels.push_back(uint8_t((right_half == (labels[i] == 1) ? 200 : 20) + (i * 7 + p * 3) % 50));
    }
  const auto count = uint32_t(labels.size());
  write(part + "-images-idx3-ubyte", idx({count, 8, 8}, pixels));
  write(part + "-labels-idx1-ubyte", idx({count}, labels));
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

size_t count(const std::string& text, const std::string& part) {
  size_t number = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++number;
  return number;
}

bool has_matplotlib() { return std::system("/usr/bin/python3 -c 'import matplotlib' 2>/dev/null") == 0; }

}  // namespace plexus::test
