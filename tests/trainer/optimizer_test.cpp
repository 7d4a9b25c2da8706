#include "plexus/trainer/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plexus/core/error.h"
#include "core/message.h"

namespace plexus {
namespace {

TEST(Optimizer, SpecsAreComplete) {
  EXPECT_EQ(make_spec(Sgd{.momentum = 0.9, .nesterov = true, .weight_decay = 0.1}),
            (UpdateSpec{.kind = UpdateKind::sgd, .momentum = 0.9, .nesterov = true, .weight_decay = 0.1}));
  EXPECT_EQ(make_spec(Adam{}),
            (UpdateSpec{.kind = UpdateKind::adam, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}));
  EXPECT_EQ(
      make_spec(AdamW{}),
      (UpdateSpec{
          .kind = UpdateKind::adamw, .weight_decay = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}));
  EXPECT_EQ(make_spec(RmsProp{.momentum = 0.5}),
            (UpdateSpec{.kind = UpdateKind::rmsprop, .momentum = 0.5, .beta2 = 0.99, .epsilon = 1e-8}));
  EXPECT_EQ(make_spec(Adagrad{}), (UpdateSpec{.kind = UpdateKind::adagrad, .epsilon = 1e-10}));
  EXPECT_EQ(make_spec(Adamax{}),
            (UpdateSpec{.kind = UpdateKind::adamax, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}));
  EXPECT_EQ(make_spec(NAdam{}), (UpdateSpec{.kind = UpdateKind::nadam,
                                            .beta1 = 0.9,
                                            .beta2 = 0.999,
                                            .epsilon = 1e-8,
                                            .momentum_decay = 0.004}));
  EXPECT_EQ(
      make_spec(RAdam{.weight_decay = 0.5}),
      (UpdateSpec{
          .kind = UpdateKind::radam, .weight_decay = 0.5, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}));
  EXPECT_EQ(make_spec(Adadelta{}), (UpdateSpec{.kind = UpdateKind::adadelta, .beta2 = 0.9, .epsilon = 1e-6}));
  EXPECT_EQ(learning_rate(Adadelta{}), 1);
  EXPECT_EQ(learning_rate(Adam{}), 0.001f);
  EXPECT_EQ(learning_rate(Sgd{.learning_rate = 0.5f}), 0.5f);
}

TEST(Optimizer, SpecsAreValid) {
  for (const char* name :
       {"sgd", "adam", "adamw", "rmsprop", "adagrad", "adamax", "nadam", "radam", "adadelta"}) {
    UpdateSpec spec = make_spec(make_optimizer(name));
    EXPECT_EQ(to_string(spec.kind), name);
    spec.m = spec.n = 1;
    EXPECT_NO_THROW(spec.validate()) << name;
  }
}

TEST(Optimizer, PrintsWhatWasChosen) {
  EXPECT_EQ(to_string(Optimizer(Sgd{})), "sgd, learning rate 0.01");
  EXPECT_EQ(to_string(Optimizer(Sgd{.momentum = 0.9, .nesterov = true})),
            "sgd, learning rate 0.01, Nesterov momentum 0.9");
  EXPECT_EQ(to_string(Optimizer(AdamW{})), "adamw, learning rate 0.001, weight decay 0.01");
}

TEST(Optimizer, RefusesSettingsOutOfRange) {
  const auto refused = [](const Optimizer& optimizer) {
    return message<ArgumentError>([&] { make_spec(optimizer); });
  };
  EXPECT_EQ(refused(Sgd{.learning_rate = -0.1f}), "sgd: learning rate -0.1: choose 0 or more");
  EXPECT_EQ(refused(Sgd{.learning_rate = std::nanf("")}), "sgd: learning rate nan: choose 0 or more");
  EXPECT_EQ(refused(Sgd{.momentum = 1}), "sgd: momentum 1: choose one in [0, 1)");
  EXPECT_EQ(refused(Sgd{.nesterov = true}), "sgd: nesterov with momentum 0: choose a momentum above 0");
  EXPECT_EQ(refused(Sgd{.weight_decay = -1}), "sgd: weight decay -1: choose 0 or more");
  EXPECT_EQ(refused(Adam{.beta1 = 1}), "adam: beta1 1: choose one in [0, 1)");
  EXPECT_EQ(refused(AdamW{.beta2 = -0.5}), "adamw: beta2 -0.5: choose one in [0, 1)");
  EXPECT_EQ(refused(RmsProp{.smoothing = 1}), "rmsprop: smoothing 1: choose one in [0, 1)");
  EXPECT_EQ(refused(Adagrad{.epsilon = 0}), "adagrad: epsilon 0: choose one above 0");
  EXPECT_EQ(refused(NAdam{.momentum_decay = -1}), "nadam: momentum decay -1: choose 0 or more");
  EXPECT_EQ(refused(Adamax{.beta2 = 1}), "adamax: beta2 1: choose one in [0, 1)");
  EXPECT_EQ(refused(Adadelta{.smoothing = 1}), "adadelta: smoothing 1: choose one in [0, 1)");
}

TEST(Optimizer, MisspeltNameGetsTheClosestMatch) {
  EXPECT_EQ(message<ArgumentError>([] { make_optimizer("adm"); }),
            "optimizer 'adm' is unknown: did you mean 'adam'? There are sgd, adam, adamw, rmsprop, adagrad, "
            "adamax, nadam, radam, adadelta");
  EXPECT_EQ(message<ArgumentError>([] { make_optimizer(""); }),
            "optimizer '' is unknown: did you mean 'sgd'? There are sgd, adam, adamw, rmsprop, adagrad, "
            "adamax, nadam, radam, adadelta");
}

}  // namespace
}  // namespace plexus
