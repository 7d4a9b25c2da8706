// Store: all that outlives a step. Saved, it is an exact checkpoint.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "plexus/core/program.h"
#include "plexus/core/tensor.h"
#include "plexus/export.h"

namespace plexus {

/// Parameters, optimizer state and scalars by name, beneath every plan of one model. Everything goes in and comes out
/// plain; how a parameter lies inside belongs to the backend that runs it.
class PLEXUS_EXPORT Store {
 public:
  struct Entry {
    Role role = Role::parameter;
    Shape shape;                     ///< plain
    const Layout* layout = nullptr;  ///< null: plain
    Tensor data;                     ///< stored_elements(layout, shape) of them
    bool settled = false;            ///< a plan has chosen the layout; from then on it can only become plain
  };

  /// Adds an entry of zeros, or finds it. Throws ShapeError where it exists with another role, shape or type.
  void declare(const Buffer& buffer);
  bool contains(const std::string& name) const { return entries_.contains(name); }
  /// Throws ArgumentError for a name that is not there, as all that follow.
  const Entry& entry(const std::string& name) const;
  const std::map<std::string, Entry>& entries() const { return entries_; }

  Tensor get(const std::string& name) const;
  /// Throws ShapeError where type or shape differ.
  void set(const std::string& name, const Tensor& plain);
  /// The one element of a scalar; of T's type, else ShapeError.
  template <class T>
  T& scalar(const std::string& name) {
    return find(name).data.values<T>()[0];
  }
  /// The address that kernels get.
  void* data(const std::string& name) { return find(name).data.bytes(); }
  void erase(const std::string& name);

  /// Moves an entry to another layout and settles it. Plans built before notice it (`version`) and build themselves again.
  void set_layout(const std::string& name, const Layout* layout);
  /// Moves entries that fill no huge page by themselves (from 64 KB on) into common ones. Plans built before notice it.
  void move_together();
  /// Counts changes of addresses and layouts.
  uint64_t version() const { return version_; }

 private:
  Entry& find(const std::string& name);
  std::map<std::string, Entry> entries_;
  uint64_t version_ = 0;
  std::shared_ptr<Tensor> together_;  ///< what move_together() has moved lies here; of a copy: elsewhere
};

}  // namespace plexus
