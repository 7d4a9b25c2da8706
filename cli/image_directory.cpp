#include "plexus/cli/image_directory.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "plexus/core/error.h"
#include "plexus/io/idx.h"

namespace plexus::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* fashion_mnist = "fashion-mnist";

// As the data set's authors name them (Xiao, Rasul, Vollgraf 2017).
const std::vector<std::string> fashion_classes = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};

// Where Debian's package puts the files, below one of the system's data directories (XDG Base Directory
// specification).
fs::path fashion_mnist_directory() {
  const char* listed = std::getenv("XDG_DATA_DIRS");
  std::istringstream directories(listed && *listed ? listed : "/usr/local/share:/usr/share");
  for (std::string directory; std::getline(directories, directory, ':');) {
    const fs::path found = fs::path(directory) / "datasets" / fashion_mnist;
    if (fs::is_directory(found)) return found;
  }
  throw IoError("fashion-mnist is not installed; apt install dataset-fashion-mnist");
}

std::string find_file(const fs::path& directory, const std::string& part, const std::string& what,
                      char dimensions) {
  const std::string stem = part + "-" + what, ending = std::string("idx") + dimensions + "-ubyte";
  for (const char* joint : {"-", "."})
    for (const char* packed : {"", ".gz"}) {
      const fs::path file = directory / (stem + joint + ending + packed);
      if (fs::exists(file)) return file;
    }
  throw IoError((directory / (stem + "-" + ending)).string() + "[.gz]: no such file");
}

std::vector<std::string> numbered_classes(const Tensor& labels) {
  const auto values = labels.values<int32_t>();
  const int32_t largest = values.empty() ? -1 : *std::max_element(values.begin(), values.end());
  // Labels of one byte have 256 classes at most; more are no MNIST-style labels, and as many names would be
  // made.
  if (largest > 0xffff) throw DataError("label " + std::to_string(largest) + ": at most 65535 expected");
  std::vector<std::string> names;
  for (int32_t i = 0; i <= largest; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace

bool is_image_directory(const std::string& path) { return path == fashion_mnist || fs::is_directory(path); }

Dataset open_image_part(const std::string& path, const std::string& part,
                        const std::vector<std::string>& class_names) {
  const bool fashion = path == fashion_mnist;
  const fs::path directory = fashion ? fashion_mnist_directory() : fs::path(path);
  const std::string image_file = find_file(directory, part, "images", '3');
  const std::string label_file = find_file(directory, part, "labels", '1');

  Tensor images = load_idx(image_file);
  Tensor labels = load_idx(label_file);
  if (images.shape().rank() < 2)
    throw FormatError(image_file, "",
                      "expected images [n, height, width], found " + to_string(images.shape()));
  if (labels.shape() != Shape{images.shape().rows()})
    throw FormatError(label_file, "",
                      "expected labels [" + std::to_string(images.shape().rows()) +
                          "], one for each image, found " + to_string(labels.shape()));
  if (images.dtype() != DType::u8) images = images.converted(DType::f32);
  try {
    labels = labels.converted(DType::i32);
    std::vector<std::string> names = class_names;
    if (names.empty()) names = fashion ? fashion_classes : numbered_classes(labels);
    return Dataset::classification(std::move(images), std::move(labels), std::move(names));
  } catch (const DataError& error) {
    throw DataError(label_file + ": " + error.what());
  } catch (const ShapeError& error) {  // labels that are no whole numbers
    throw DataError(label_file + ": " + error.what());
  }
}

}  // namespace plexus::cli
