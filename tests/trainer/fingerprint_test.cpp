#include "plexus/trainer/fingerprint.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "trainer/example_data.h"

namespace plexus {
namespace {

TEST(Fingerprint, TellsDataApart) {
  const Dataset data = blobs(200, 4, 3);
  EXPECT_EQ(fingerprint(data), fingerprint(blobs(200, 4, 3)));
  EXPECT_EQ(fingerprint(data).size(), 16u);
  std::set<std::string> all = {fingerprint(data), fingerprint(blobs(199, 4, 3)),
                               fingerprint(blobs(200, 4, 3, 2)), fingerprint(blobs(200, 2, 3)),
                               fingerprint(data.one_hot())};
  std::vector<int64_t> order(200);
  std::iota(order.begin(), order.end(), int64_t{0});
  std::swap(order[150], order[151]);
  all.insert(fingerprint(data.subset(order)));
  EXPECT_EQ(all.size(), 6u);
  Tensor a = Tensor::from<float>({1, 2}, {2});
  Tensor b = Tensor::from<float>({1, 2}, {1, 2});
  EXPECT_NE(fingerprint(a), fingerprint(b));
}

}  // namespace
}  // namespace plexus
