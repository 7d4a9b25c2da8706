#include "plexus/core/store.h"

#include <gtest/gtest.h>

#include "core/test_backends.h"
#include "plexus/core/error.h"

namespace plexus {
namespace {

using testing::panel_transposed;

Store store_with_weight() {
  Store store;
  store.declare({.name = "w", .role = Role::parameter, .shape = {3, 5}});
  return store;
}

Tensor counting() {
  Tensor t(DType::f32, {3, 5});
  for (size_t i = 0; i < 15; i++) t.values<float>()[i] = float(i + 1);
  return t;
}

TEST(Store, StartsAtZeroAndKeepsWhatIsSet) {
  Store store = store_with_weight();
  EXPECT_TRUE(store.get("w") == Tensor(DType::f32, {3, 5}));
  store.set("w", counting());
  EXPECT_TRUE(store.get("w") == counting());
}

TEST(Store, LayoutChangesMemoryButNotWhatComesOut) {
  Store store = store_with_weight();
  store.set("w", counting());
  const uint64_t version = store.version();
  store.set_layout("w", &panel_transposed);
  EXPECT_GT(store.version(), version);
  EXPECT_EQ(store.entry("w").data.elements(), 3 * 8 + 15);
  EXPECT_TRUE(store.get("w") == counting());
  // Padding is zero, the derived copy is there.
  const auto memory = store.entry("w").data.values<float>();
  EXPECT_EQ(memory[12 + 1], 0);
  EXPECT_EQ(memory[24 + 1], 6);
  store.set_layout("w", nullptr);
  EXPECT_TRUE(store.get("w") == counting());
}

TEST(Store, DeclaringAnotherShapeUnderTheNameIsAnError) {
  Store store = store_with_weight();
  store.declare({.name = "w", .role = Role::parameter, .shape = {3, 5}});
  try {
    store.declare({.name = "w", .role = Role::state, .shape = {3, 5}});
    FAIL() << "no error";
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "store: 'w' is parameter f32 [3, 5], not state f32 [3, 5]");
  }
}

TEST(Store, WrongNamesAndShapesAreErrors) {
  Store store = store_with_weight();
  EXPECT_THROW(store.get("v"), ArgumentError);
  EXPECT_THROW(store.set("w", Tensor(DType::f32, {5, 3})), ShapeError);
  EXPECT_THROW(store.set("w", Tensor(DType::f64, {3, 5})), ShapeError);
  EXPECT_THROW(store.scalar<double>("w"), ShapeError);
}

TEST(Store, ErasedEntryIsGone) {
  Store store = store_with_weight();
  store.erase("w");
  EXPECT_FALSE(store.contains("w"));
  EXPECT_THROW(store.erase("w"), ArgumentError);
}

}  // namespace
}  // namespace plexus
