#include "plexus/layers/loss.h"

#include "layers/network.h"

namespace plexus {
namespace {

TEST(Loss, MakesItsSpec) {
  const auto line = [](const Loss& loss, bool labels, DType dtype = DType::f32) {
    return make_spec(loss, 32, 10, labels, dtype).to_string();
  };
  EXPECT_EQ(line(SoftmaxCrossEntropy{}, true), "loss/softmax_cross_entropy/f32/m32~/n10/gradient");
  EXPECT_EQ(line(SoftmaxCrossEntropy{}, false), "loss/softmax_cross_entropy_one_hot/f32/m32~/n10/gradient");
  EXPECT_EQ(line(BinaryCrossEntropy{}, false), "loss/binary_cross_entropy/f32/m32~/n10/gradient");
  EXPECT_EQ(line(Mse{}, false, DType::f64), "loss/mse/f64/m32~/n10/gradient");
  EXPECT_EQ(line(Mae{}, false), "loss/mae/f32/m32~/n10/gradient");
  EXPECT_EQ(line(Huber{.delta = 2}, false), "loss/huber/f32/m32~/n10/delta2/gradient");
}

TEST(Loss, HasAName) {
  EXPECT_EQ(to_string(SoftmaxCrossEntropy{}), "softmax cross entropy");
  EXPECT_EQ(to_string(BinaryCrossEntropy{}), "binary cross entropy");
  EXPECT_EQ(to_string(Mse{}), "mse");
  EXPECT_EQ(to_string(Mae{}), "mae");
  EXPECT_EQ(to_string(Huber{}), "huber");
}

TEST(Loss, RefusesClassNumbersAndBadSettings) {
  for (const Loss& loss : {Loss(Mse{}), Loss(Mae{}), Loss(Huber{}), Loss(BinaryCrossEntropy{})})
    EXPECT_EQ(message<ShapeError>([&] { make_spec(loss, 2, 3, true); }),
              "loss " + to_string(loss) + ": class numbers as targets need softmax cross entropy");
  EXPECT_THROW(make_spec(Huber{.delta = 0}, 2, 3, false), ShapeError);
}

}  // namespace
}  // namespace plexus
