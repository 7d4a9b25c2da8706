#include "plexus/core/store.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/test_backends.h"
#include "plexus/core/error.h"
#include "plexus/core/huge_pages.h"

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

uintptr_t address(const Store& store, const std::string& name) {
  return reinterpret_cast<uintptr_t>(store.entry(name).data.bytes());
}

/// Of 20 KB, 80 KB, 120 KB and 4 MB.
Store store_of_all_sizes() {
  Store store;
  for (const auto& [name, rows] : {std::pair{"s", 50}, {"a", 200}, {"b", 300}, {"z", 10240}}) {
    store.declare({.name = name, .role = Role::parameter, .shape = {rows, 100}});
    Tensor values(DType::f32, {rows, 100});
    for (size_t i = 0; i < size_t(rows) * 100; i++) values.values<float>()[i] = float(i % 1000) + float(name[0]);
    store.set(name, values);
  }
  return store;
}

TEST(Store, EntriesThatFillNoHugePageMoveIntoACommonOne) {
  Store store = store_of_all_sizes();
  const Store before = store;
  const uintptr_t small = address(store, "s"), large = address(store, "z");
  const uint64_t version = store.version();
  store.move_together();
  EXPECT_GT(store.version(), version);
  EXPECT_EQ(address(store, "a") % huge_page, 0u);
  EXPECT_EQ(address(store, "b"), address(store, "a") + 200 * 100 * sizeof(float));
  EXPECT_EQ(address(store, "s"), small);
  EXPECT_EQ(address(store, "z"), large);
  for (const auto& [name, entry] : before.entries()) EXPECT_TRUE(store.get(name) == before.get(name)) << name;
}

TEST(Store, WhatLiesTogetherStays) {
  Store store = store_of_all_sizes();
  store.move_together();
  const uint64_t version = store.version();
  const uintptr_t a = address(store, "a");
  store.move_together();
  EXPECT_EQ(store.version(), version);
  EXPECT_EQ(address(store, "a"), a);
  store.declare({.name = "c", .role = Role::state, .shape = {200, 100}});
  const Tensor values = store.get("b");
  store.move_together();
  EXPECT_GT(store.version(), version);
  EXPECT_EQ(address(store, "c"), address(store, "b") + 300 * 100 * sizeof(float));
  EXPECT_TRUE(store.get("b") == values);
}

TEST(Store, ACopyOfWhatLiesTogetherIsItsOwn) {
  auto store = std::make_unique<Store>(store_of_all_sizes());
  store->move_together();
  const Tensor values = store->get("a");
  Store copy = *store;
  copy.set("a", Tensor(DType::f32, {200, 100}));
  EXPECT_TRUE(store->get("a") == values);
  copy.move_together();
  EXPECT_NE(address(copy, "a"), address(*store, "a"));
  const Tensor others = store->get("b");
  store.reset();
  EXPECT_TRUE(copy.get("a") == Tensor(DType::f32, {200, 100}));
  EXPECT_TRUE(copy.get("b") == others);
}

}  // namespace
}  // namespace plexus
