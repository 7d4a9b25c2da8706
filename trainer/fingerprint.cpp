#include "plexus/trainer/fingerprint.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "plexus/io/checksum.h"

namespace plexus {
namespace {

constexpr int64_t rows_read_at_once = 64;  // of images of 28 x 28: 200 kB, which stay in the cache

void add(io::Checksum& sum, const std::string& text) {
  const uint64_t size = text.size();  // so that {"ab", "c"} and {"a", "bc"} differ
  sum.add(&size, sizeof size);
  sum.add(text.data(), text.size());
}

void add(io::Checksum& sum, const Tensor& tensor) {
  add(sum, std::string(to_string(tensor.dtype())) + to_string(tensor.shape()));
  if (tensor.byte_count() > 0) sum.add(tensor.bytes(), tensor.byte_count());
}

}  // namespace

std::string fingerprint(const Dataset& data) {
  io::Checksum sum;
  add(sum, std::to_string(data.size()) + to_string(data.feature_shape()));
  const int64_t columns = data.feature_shape().elements();
  std::vector<float> values(static_cast<size_t>(rows_read_at_once * columns));
  std::vector<int64_t> rows;
  for (int64_t first = 0; first < data.size(); first += rows_read_at_once) {
    rows.resize(static_cast<size_t>(std::min(rows_read_at_once, data.size() - first)));
    std::iota(rows.begin(), rows.end(), first);
    data.read_features(rows, values.data(), columns);
    sum.add(values.data(), rows.size() * static_cast<size_t>(columns) * sizeof(float));
  }
  add(sum, data.targets());
  if (data.has_sample_weights())
    for (int64_t row = 0; row < data.size(); ++row) {
      const float weight = data.sample_weight(row);
      sum.add(&weight, sizeof weight);
    }
  for (const std::string& name : data.class_names()) add(sum, name);
  return io::hexadecimal(sum.value());
}

std::string fingerprint(const Tensor& tensor) {
  io::Checksum sum;
  add(sum, tensor);
  return io::hexadecimal(sum.value());
}

}  // namespace plexus
