// Layouts that have a name and nothing else: for specs that carry one.
#pragma once
#include <string>
#include <utility>

#include "plexus/core/backend.h"

namespace plexus::testing {

class NamedLayout final : public Layout {
 public:
  explicit NamedLayout(std::string name) : name_(std::move(name)) {}
  std::string name() const override { return name_; }
  int64_t elements(const Shape& shape) const override { return shape.elements(); }
  void pack(const void*, void*, const Shape&, DType) const override {}
  void unpack(const void*, void*, const Shape&, DType) const override {}

 private:
  std::string name_;
};

inline const NamedLayout tiles("tiles16"), columns_layout("columns");

}  // namespace plexus::testing
