// Program: what a step does, as a flat list of operations over buffers. It says nothing about who runs it.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "plexus/core/shape.h"
#include "plexus/core/spec/spec.h"
#include "plexus/export.h"

namespace plexus {

/// Position of a buffer in its program. no_buffer: the slot is not used.
using BufferId = int32_t;
inline constexpr BufferId no_buffer = -1;

/// input, output: written or read by the caller around a run. parameter, state, scalar: live in the Store.
/// temporary: lives between operations of one run only.
enum class Role : uint8_t { input, parameter, state, scalar, temporary, output };

PLEXUS_EXPORT std::string to_string(Role role);

struct Buffer {
  std::string name;
  Role role = Role::temporary;
  Shape shape;
  DType dtype = DType::f32;
  bool batch = false;              ///< the first dimension is the maximum of Call::rows
  BufferId like = no_buffer;       ///< shares the layout of this parameter (its gradient, its momentum)
  const Layout* layout = nullptr;  ///< chosen when a plan is built; null: plain

  /// Outlives the step, in the Store.
  bool persistent() const { return role == Role::parameter || role == Role::state || role == Role::scalar; }
};

struct Operation {
  Spec spec;
  std::vector<BufferId> buffers;  ///< one for each slot of the spec
  std::string label;              ///< "0 Dense", "0 Dense dx": for people
};

class PLEXUS_EXPORT Program {
 public:
  /// Adds a buffer, or finds the one of this name. Throws ShapeError where the name is taken by a different buffer.
  BufferId add_buffer(Buffer buffer);
  /// Adds an operation at the end. Throws ShapeError where the spec is not valid, a buffer does not fit its slot, or a
  /// temporary is read that nothing wrote. A failed call changes nothing.
  void add(std::string label, const Spec& spec, std::vector<BufferId> buffers);

  /// The buffer of this name, or no_buffer.
  BufferId find(const std::string& name) const;
  const std::vector<Buffer>& buffers() const { return buffers_; }
  const Buffer& operator[](BufferId id) const { return buffers_[size_t(id)]; }
  const std::vector<Operation>& operations() const& { return operations_; }
  std::vector<Operation> operations() && { return std::move(operations_); }  // of a program that dies here

  /// The maximum of Call::rows; 0 where no buffer has a batch dimension.
  int64_t batch() const { return batch_ < 0 ? 0 : batch_; }

  /// The row counts that runs will have (full batch, tail), ascending. A hint: any count up to the maximum may come.
  std::vector<int64_t> row_counts;

  /// True where an operation outside [first, last), or anybody after the run, reads the buffer.
  bool read_outside(BufferId buffer, size_t first, size_t last) const;

  /// Writes a layout into a parameter, all buffers like it, and every spec over them.
  void set_layout(BufferId parameter, const Layout* layout);

 private:
  std::vector<Buffer> buffers_;
  std::vector<Operation> operations_;
  std::map<std::string, BufferId> ids_;
  std::vector<bool> written_;  // by the caller, or by an operation so far
  int64_t batch_ = -1;
};

/// Neighbouring operations of a program, as a backend is offered them.
class PLEXUS_EXPORT Run {
 public:
  Run(const Program& program, size_t first, size_t last) : program_(&program), first_(first), last_(last) {}

  const Program& program() const { return *program_; }
  size_t size() const { return last_ - first_; }
  size_t first() const { return first_; }
  const Operation& operator[](size_t i) const { return program_->operations()[first_ + i]; }
  /// The i-th spec if it is an S; null beyond the end or for another family.
  template <class S>
  const S* get(size_t i) const {
    return i < size() ? std::get_if<S>(&(*this)[i].spec) : nullptr;
  }
  /// The buffer in a slot of the i-th operation.
  BufferId buffer(size_t i, size_t slot) const { return (*this)[i].buffers[slot]; }
  /// Nobody outside the run reads it: a fused kernel need not write it. Such buffers arrive as null pointers.
  bool internal(BufferId buffer) const;
  Run prefix(size_t count) const { return {*program_, first_, first_ + count}; }

 private:
  const Program* program_;
  size_t first_, last_;
};

/// "matmul/nn/f32/m128~/n512/k784/bias/relu": the lines of all operations, those after the first shortened.
PLEXUS_EXPORT std::string to_string(const Run& run);

}  // namespace plexus
