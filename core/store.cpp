#include "plexus/core/store.h"

#include <cstdint>
#include <cstring>

#include "plexus/core/backend.h"
#include "plexus/core/error.h"
#include "plexus/core/huge_pages.h"

namespace plexus {
namespace {

// Sixteen small pages: what is smaller fills little of a cache, wherever it lies.
constexpr size_t least_together = size_t(64) << 10;

size_t aligned(size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

/// Elements that a parameter takes in memory.
Shape stored_shape(const Layout* layout, const Shape& shape) {
  return layout ? Shape{stored_elements(layout, shape)} : shape;
}

Tensor unpacked(const Store::Entry& entry) {
  if (!entry.layout) return entry.data;
  Tensor plain(entry.data.dtype(), entry.shape);
  entry.layout->unpack(entry.data.bytes(), plain.bytes(), matrix_shape(entry.shape), plain.dtype());
  return plain;
}

void pack(const Tensor& plain, Store::Entry& entry) {
  const Shape matrix = matrix_shape(entry.shape);
  if (!entry.layout) {
    if (plain.byte_count() > 0) std::memcpy(entry.data.bytes(), plain.bytes(), plain.byte_count());
    return;
  }
  entry.layout->pack(plain.bytes(), entry.data.bytes(), matrix, plain.dtype());
  entry.layout->refresh(entry.data.bytes(), matrix, plain.dtype());
}

}  // namespace

void Store::declare(const Buffer& buffer) {
  const auto found = entries_.find(buffer.name);
  if (found == entries_.end()) {
    Entry entry{buffer.role, buffer.shape, buffer.layout,
                Tensor(buffer.dtype, stored_shape(buffer.layout, buffer.shape))};
    entries_.emplace(buffer.name, std::move(entry));
    return;
  }
  const Entry& entry = found->second;
  if (entry.role != buffer.role || !(entry.shape == buffer.shape) || entry.data.dtype() != buffer.dtype)
    throw ShapeError("store: '" + buffer.name + "' is " + to_string(entry.role) + " " +
                     std::string(to_string(entry.data.dtype())) + " " + to_string(entry.shape) + ", not " +
                     to_string(buffer.role) + " " + std::string(to_string(buffer.dtype)) + " " +
                     to_string(buffer.shape));
}

Store::Entry& Store::find(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) throw ArgumentError("store: no entry '" + name + "'");
  return found->second;
}

const Store::Entry& Store::entry(const std::string& name) const {
  return const_cast<Store*>(this)->find(name);
}

Tensor Store::get(const std::string& name) const { return unpacked(entry(name)); }

void Store::set(const std::string& name, const Tensor& plain) {
  Entry& entry = find(name);
  if (plain.dtype() != entry.data.dtype() || !(plain.shape() == entry.shape))
    throw ShapeError("store: '" + name + "' is " + std::string(to_string(entry.data.dtype())) + " " +
                     to_string(entry.shape) + ", got " + std::string(to_string(plain.dtype())) + " " +
                     to_string(plain.shape()));
  pack(plain, entry);
}

void Store::erase(const std::string& name) {
  find(name);
  entries_.erase(name);
  version_++;
}

void Store::set_layout(const std::string& name, const Layout* layout) {
  Entry& entry = find(name);
  entry.settled = true;
  if (entry.layout == layout) return;
  const Tensor plain = unpacked(entry);
  Entry moved{entry.role, entry.shape, layout, Tensor(plain.dtype(), stored_shape(layout, entry.shape)),
              true};
  pack(plain, moved);
  entry = std::move(moved);
  version_++;
}

void Store::move_together() {
  const auto moves = [](const Entry& entry) {
    const size_t bytes = entry.data.byte_count();
    return bytes >= least_together && bytes < huge_page;
  };
  const auto begin = reinterpret_cast<uintptr_t>(together_ ? together_->bytes() : nullptr);
  const uintptr_t end = begin + (together_ ? together_->byte_count() : 0);
  size_t bytes = 0;
  bool apart = false;
  for (const auto& [name, entry] : entries_)
    if (moves(entry)) {
      const auto address = reinterpret_cast<uintptr_t>(entry.data.bytes());
      apart = apart || address < begin || address >= end;
      bytes += aligned(entry.data.byte_count());
    }
  if (!apart) return;
  const int64_t whole = int64_t((bytes + huge_page - 1) / huge_page * huge_page);
  together_ = std::make_shared<Tensor>(Tensor::uninitialized(DType::u8, {whole}));
  version_++;
  std::byte* to = together_->bytes();
  for (auto& [name, entry] : entries_)
    if (moves(entry)) {
      Tensor& data = entry.data;
      const size_t size = data.byte_count();
      std::memcpy(to, data.bytes(), size);
      data = Tensor::adopt(to, data.dtype(), data.shape(), [memory = together_] {});
      to += aligned(size);
    }
}

}  // namespace plexus
