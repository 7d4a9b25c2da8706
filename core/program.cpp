#include "plexus/core/program.h"

#include <algorithm>

#include "plexus/core/backend.h"
#include "plexus/core/error.h"

namespace plexus {
namespace {

bool reads(Access access) { return access != Access::out; }
bool writes(Access access) { return access != Access::in; }

std::string describe(const Operand& o) {
  return std::string(to_string(o.dtype)) + " [" + std::to_string(o.rows) + (o.batch ? "~" : "") + ", " +
         std::to_string(o.stride) + "]";
}

std::string describe(const Buffer& b) {
  return "'" + b.name + "' " + std::string(to_string(b.dtype)) + " " + to_string(b.shape) +
         (b.batch ? " (batch)" : "");
}

bool fits(const Operand& operand, const Buffer& buffer) {
  if (buffer.dtype != operand.dtype || buffer.batch != operand.batch) return false;
  if (operand.batch) return buffer.shape.rows() == operand.rows && buffer.shape.columns() == operand.stride;
  return buffer.shape.elements() == operand.rows * operand.stride;
}

/// Where a family carries its layout: the slot whose buffer it describes.
struct LayoutSlot {
  const Layout** layout;
  size_t slot;
};
LayoutSlot layout_slot(Spec& spec) {
  if (auto* matmul = std::get_if<MatmulSpec>(&spec))
    return {&matmul->layout, matmul->form == Form::tn ? 3u : 1u};
  if (auto* reduce = std::get_if<ReduceSpec>(&spec); reduce && reduce->kind == Reduction::sum_squares)
    return {&reduce->layout, 0};
  if (auto* update = std::get_if<UpdateSpec>(&spec)) return {&update->layout, 0};
  if (auto* max_norm = std::get_if<MaxNormSpec>(&spec)) return {&max_norm->layout, 0};
  return {nullptr, 0};
}

/// What a later operation of a run adds to the line of the first: an activation its name, anything else its
/// own line.
std::string continuation(const Spec& spec) {
  const std::string line = to_string(spec);
  if (!std::holds_alternative<ActivationSpec>(spec)) return " + " + line;
  const std::string kind = to_string(std::get<ActivationSpec>(spec).kind);
  const size_t columns = line.find("/n", line.find("/m"));
  const size_t rest = line.find('/', columns + 1);
  return "/" + kind + (rest == std::string::npos ? "" : line.substr(rest));
}

}  // namespace

std::string to_string(Role role) {
  switch (role) {
    case Role::input:
      return "input";
    case Role::parameter:
      return "parameter";
    case Role::state:
      return "state";
    case Role::scalar:
      return "scalar";
    case Role::temporary:
      return "temporary";
    case Role::output:
      return "output";
  }
  return "unknown";
}

BufferId Program::find(const std::string& name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? no_buffer : found->second;
}

BufferId Program::add_buffer(Buffer buffer) {
  if (const BufferId id = find(buffer.name); id != no_buffer) {
    const Buffer& there = (*this)[id];
    if (there.role != buffer.role || !(there.shape == buffer.shape) || there.dtype != buffer.dtype ||
        there.batch != buffer.batch || there.like != buffer.like)
      throw ShapeError("program: buffer " + describe(buffer) + " is already there as " + describe(there));
    return id;
  }
  if (buffer.like != no_buffer && (buffer.like < 0 || size_t(buffer.like) >= buffers_.size() ||
                                   (*this)[buffer.like].role != Role::parameter || buffer.batch ||
                                   (*this)[buffer.like].shape.elements() != buffer.shape.elements()))
    throw ShapeError("program: buffer " + describe(buffer) +
                     " is like something that is not a parameter of its shape");
  if (buffer.batch) {
    if (buffer.persistent())
      throw ShapeError("program: buffer " + describe(buffer) + " outlives a run and cannot follow its batch");
    if (batch_ >= 0 && batch_ != buffer.shape.rows())
      throw ShapeError("program: buffer " + describe(buffer) + " in a program with batches of " +
                       std::to_string(batch_));
    batch_ = buffer.shape.rows();
  }
  const auto id = BufferId(buffers_.size());
  ids_.emplace(buffer.name, id);
  written_.push_back(buffer.role != Role::temporary);  // outputs may be accumulated into: the caller's memory
  buffers_.push_back(std::move(buffer));
  return id;
}

void Program::add(std::string label, const Spec& spec, std::vector<BufferId> ids) {
  validate(spec);
  const std::string place = to_string(spec) + ": ";
  const auto names = slots(spec);
  if (ids.size() != names.size())
    throw ShapeError(place + std::to_string(names.size()) + " slots, " + std::to_string(ids.size()) +
                     " buffers");
  for (size_t slot = 0; slot < ids.size(); slot++) {
    const Operand expected = operand(spec, slot);
    const std::string what = place + "slot " + names[slot].name;
    if (ids[slot] == no_buffer) {
      if (expected.used && !expected.optional) throw ShapeError(what + " needs a buffer");
      continue;
    }
    if (ids[slot] < 0 || size_t(ids[slot]) >= buffers_.size()) throw ShapeError(what + " names no buffer");
    const Buffer& buffer = (*this)[ids[slot]];
    if (!expected.used) throw ShapeError(what + " is not used, got " + describe(buffer));
    if (!fits(expected, buffer))
      throw ShapeError(what + " needs " + describe(expected) + ", got " + describe(buffer));
    if (reads(expected.access) && !written_[size_t(ids[slot])])
      throw ShapeError(what + " reads " + describe(buffer) + " before anything wrote it");
    if (writes(expected.access) && buffer.role == Role::input)
      throw ShapeError(what + " writes the input " + describe(buffer));
  }
  for (size_t slot = 0; slot < ids.size(); slot++)
    if (ids[slot] != no_buffer && writes(operand(spec, slot).access)) written_[size_t(ids[slot])] = true;
  operations_.push_back({spec, std::move(ids), std::move(label)});
}

bool Program::read_outside(BufferId buffer, size_t first, size_t last) const {
  if ((*this)[buffer].role != Role::temporary) return true;
  for (size_t i = 0; i < operations_.size(); i++) {
    if (i >= first && i < last) continue;
    const auto& ids = operations_[i].buffers;
    if (std::find(ids.begin(), ids.end(), buffer) != ids.end()) return true;
  }
  return false;
}

void Program::set_layout(BufferId parameter, const Layout* layout) {
  for (size_t id = 0; id < buffers_.size(); id++)
    if (BufferId(id) == parameter || buffers_[id].like == parameter) buffers_[id].layout = layout;
  for (Operation& operation : operations_) {
    const auto [place, slot] = layout_slot(operation.spec);
    if (place && operation.buffers[slot] != no_buffer) *place = (*this)[operation.buffers[slot]].layout;
  }
}

bool Run::internal(BufferId buffer) const {
  return buffer != no_buffer && !program_->read_outside(buffer, first_, last_);
}

std::string to_string(const Run& run) {
  std::string line;
  for (size_t i = 0; i < run.size(); i++) line += i == 0 ? to_string(run[0].spec) : continuation(run[i].spec);
  return line;
}

}  // namespace plexus
