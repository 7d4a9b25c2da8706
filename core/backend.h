// What a backend is: the one interface between those who describe computations and those who run them.
#pragma once
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "plexus/core/deviations.h"
#include "plexus/core/program.h"
#include "plexus/export.h"

namespace plexus {

struct Call {
  int64_t rows = -1;          ///< true size of the batch dimension; by hand, -1: the spec's size
  void* workspace = nullptr;  ///< Kernel::workspace() bytes, 64-byte aligned
};

/// How a parameter lies in memory. Static lifetime; compared by address, printed and cached by name. Shapes are those of
/// the parameter as a matrix: [rows, columns], a vector is [1, n].
class PLEXUS_EXPORT Layout {
 public:
  virtual ~Layout();
  virtual std::string name() const = 0;
  /// Elements of the whole.
  virtual int64_t elements(const Shape& shape) const = 0;
  /// Elements of the leading part over which elementwise sweeps run; padding in it stays zero, of gradients, too. (An
  /// optimizer's states hold there what its rule makes of zeros.) Copies derived from it (a transpose) may follow.
  virtual int64_t flat(const Shape& shape) const { return elements(shape); }
  /// Makes the derived part again, after a foreign write to the flat part.
  virtual void refresh(void* packed, const Shape& shape, DType dtype) const;
  /// Between plain and the flat part.
  virtual void pack(const void* plain, void* packed, const Shape& shape, DType dtype) const = 0;
  virtual void unpack(const void* packed, void* plain, const Shape& shape, DType dtype) const = 0;
};

/// The shape that layouts are asked about.
PLEXUS_EXPORT Shape matrix_shape(const Shape& shape);
/// Elements of a buffer under a layout (null: plain), the whole and its flat part.
PLEXUS_EXPORT int64_t stored_elements(const Layout* layout, const Shape& shape);
PLEXUS_EXPORT int64_t flat_elements(const Layout* layout, const Shape& shape);

/// A prepared computation. Immutable; may be run by many threads at once, each with its own workspace.
class PLEXUS_EXPORT Kernel {
 public:
  virtual ~Kernel();
  /// Addresses slot after slot, operation after operation; null: unused, or internal to the run. Writes only to outputs.
  /// Never allocates, never validates.
  virtual void run(void* const* buffers, const Call& call) const = 0;
  virtual size_t workspace() const { return 0; }
  /// "avx512 8x32"
  virtual std::string describe() const = 0;
};

/// A backend's answer: it would run the first `count` operations as one kernel; 0: not even the first.
/// `make` does the slow half and may return null: refused after all. Call it before the program moves.
struct Claim {
  size_t count = 0;
  std::function<std::unique_ptr<const Kernel>()> make;
};

/// Runs operations. Made by the registry for one context, whose executor and limits it holds.
class PLEXUS_EXPORT Backend {
 public:
  virtual ~Backend();
  virtual std::string name() const = 0;
  /// How many of the first operations of `rest` it runs as ONE kernel. Pure and cheap. Must follow the wiring (buffer
  /// ids), and ask Run::internal of every buffer that it leaves unwritten.
  virtual Claim claim(const Run& rest) const = 0;
  /// Layouts that it would like for a parameter, best first; plain is always last and not named.
  virtual std::span<const Layout* const> layouts(const Program&, BufferId) const { return {}; }
  /// Which rows of docs/semantics.md it does not keep. Declared here or wrong: the conformance tests hold it to this.
  virtual Deviations deviations() const { return {}; }
};

/// One operation prepared by hand. False: the backend has none.
template <class S>
class Prepared {
 public:
  Prepared(const S& spec, std::unique_ptr<const Kernel> kernel) : spec_(spec), kernel_(std::move(kernel)) {}

  explicit operator bool() const { return kernel_ != nullptr; }
  size_t workspace() const { return kernel_->workspace(); }
  std::string describe() const { return kernel_->describe(); }
  const S& spec() const { return spec_; }
  void run(const typename S::Args& args, Call call = {}) const {
    static_assert(sizeof(args) == sizeof(void*) * std::size(S::slots));
    void* addresses[std::size(S::slots)];
    std::memcpy(addresses, &args, sizeof(args));
    kernel_->run(addresses, call);
  }

 private:
  S spec_;
  std::unique_ptr<const Kernel> kernel_;
};

/// The kernel for one operation, by hand: no plan, no fallback. Throws ShapeError where the spec is not valid.
/// Null where the backend does not have it.
PLEXUS_EXPORT std::unique_ptr<const Kernel> prepare_kernel(const Backend& backend, const Spec& spec);

template <class S>
Prepared<S> prepare(const Backend& backend, const S& spec) {
  return {spec, prepare_kernel(backend, spec)};
}

}  // namespace plexus
