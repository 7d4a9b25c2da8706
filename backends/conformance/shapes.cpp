#include "plexus/backends/conformance/shapes.h"

#include <algorithm>

namespace plexus::conformance {

std::span<const int64_t> squares() {
  static const int64_t sizes[] = {64, 128, 256, 512, 1024, 2048};
  return sizes;
}

std::span<const Network> networks() {
  static const std::vector<Network> table = {{"13-64-3", {13, 64, 3}},
                                             {"784-128-10", {784, 128, 10}},
                                             {"784-256-128-100-10", {784, 256, 128, 100, 10}},
                                             {"784-512-512-10", {784, 512, 512, 10}},
                                             {"1024x4", {1024, 1024, 1024, 1024}}};
  return table;
}

std::span<const int64_t> batch_sizes() {
  static const int64_t sizes[] = {1, 8, 32, 64, 128, 256, 1024};
  return sizes;
}

std::span<const int64_t> element_counts() {
  static const int64_t counts[] = {100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000};
  return counts;
}

std::vector<MatmulShape> layer_shapes(const Network& network, int64_t batch) {
  std::vector<MatmulShape> shapes;
  for (size_t i = 1; i < network.widths.size(); ++i)
    shapes.push_back({batch, network.widths[i], network.widths[i - 1]});
  return shapes;
}

std::span<const MatmulShape> special_shapes() {
  static const MatmulShape shapes[] = {
      {16, 64, 64},                                   // too small to be worth a second thread
      {64, 10, 128},    {1024, 10, 512},              // a head with ten classes: one narrow tile
      {512, 512, 10},   {784, 128, 10},               // k = 10: stores cost more than products
      {1, 1024, 1024},  {1024, 1, 1024},              // a vector times a matrix, either way
      {127, 129, 255},  {33, 65, 1025}, {17, 15, 7},  // every tail at once
  };
  return shapes;
}

std::vector<MatmulShape> matmul_shapes() {
  std::vector<MatmulShape> shapes;
  auto add = [&](const MatmulShape& shape) {
    if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end()) shapes.push_back(shape);
  };
  for (int64_t n : squares()) add({n, n, n});
  for (const Network& network : networks())
    for (int64_t batch : batch_sizes())
      for (const MatmulShape& shape : layer_shapes(network, batch)) add(shape);
  for (const MatmulShape& shape : special_shapes()) add(shape);
  return shapes;
}

std::span<const int64_t> odd_sizes() {
  static const int64_t sizes[] = {0,  1,  2,  3,  4,   5,   7,   8,   9,   15,  16,  17,   23,   24,  25,
                                  31, 32, 33, 47, 48,  49,  63,  64,  65,  95,  96,  97,   127,  128, 129,
                                  191, 192, 193, 255, 256, 257, 511, 512, 513, 1000, 1023, 1024, 1025, 4096};
  return sizes;
}

int64_t odd_size(const RandomStream& random, uint64_t position, int64_t limit) {
  const auto sizes = odd_sizes();
  const auto end = std::upper_bound(sizes.begin(), sizes.end(), std::max<int64_t>(limit, 0));
  return sizes[size_t(random.bits(position)) % size_t(end - sizes.begin())];
}

}  // namespace plexus::conformance
