#include "plexus/bench/operations.h"

#include <algorithm>

#include "plexus/bench/verification.h"
#include "plexus/core/error.h"
#include "plexus/core/random.h"

namespace plexus::bench {

bool Operations::supported(const Backend& backend, const Program& program) {
  const size_t count = program.operations().size();
  for (size_t first = 0; first < count;) {
    const size_t claimed = backend.claim(Run(program, first, count)).count;
    if (claimed == 0) return false;
    first += claimed;
  }
  return true;
}

Operations::Operations(const Context& context, Program program, const Fill& fill)
    : program_(std::move(program)), declared_(context.chosen().deviations()) {
  std::vector<bool> written(program_.buffers().size());
  for (const Operation& operation : program_.operations())
    for (size_t slot = 0; slot < operation.buffers.size(); slot++)
      if (operation.buffers[slot] != no_buffer && operand(operation.spec, slot).access == Access::out)
        written[size_t(operation.buffers[slot])] = true;

  for (size_t id = 0; id < program_.buffers().size(); id++) {
    const Buffer& buffer = program_.buffers()[id];
    Tensor values(buffer.dtype, buffer.shape);
    if (!written[id]) {
      if (buffer.dtype == DType::f32) fill_uniform(values, uint32_t(id));
      if (fill) fill(buffer.name, values);
    }
    if (buffer.layout) {
      Tensor packed(buffer.dtype, {stored_elements(buffer.layout, buffer.shape)});
      buffer.layout->pack(values.bytes(), packed.bytes(), matrix_shape(buffer.shape), buffer.dtype);
      buffer.layout->refresh(packed.bytes(), matrix_shape(buffer.shape), buffer.dtype);
      values = std::move(packed);
    }
    buffers_.push_back(std::move(values));
  }

  size_t workspace = 0;
  const size_t count = program_.operations().size();
  for (size_t first = 0; first < count;) {
    const Claim claim = context.chosen().claim(Run(program_, first, count));
    Step step{claim.count > 0 ? claim.make() : nullptr, {}};
    if (!step.kernel)
      throw BackendError(to_string(Run(program_, first, count)) + ": " + context.chosen().name() +
                         " does not have it after all");
    const Run run(program_, first, first + claim.count);
    for (size_t i = 0; i < run.size(); i++)
      for (const BufferId id : run[i].buffers)
        step.addresses.push_back(id == no_buffer || run.internal(id) ? nullptr : buffers_[size_t(id)].bytes());
    workspace = std::max(workspace, step.kernel->workspace());
    steps_.push_back(std::move(step));
    first += claim.count;
  }
  workspace_buffer_ = Tensor(DType::u8, {int64_t(workspace)});
  workspace_ = workspace_buffer_.bytes();
}

std::string Operations::verify() {
  std::vector<Tensor> unpacked;
  const Verification verification(program_, plain(unpacked));
  run();
  return verification.compare(plain(unpacked), declared_);
}

std::vector<const void*> Operations::plain(std::vector<Tensor>& unpacked) const {
  std::vector<const void*> addresses;
  unpacked.resize(buffers_.size());
  for (size_t id = 0; id < buffers_.size(); id++) {
    const Buffer& buffer = program_.buffers()[id];
    if (buffer.role == Role::temporary) {  // a fused kernel leaves it unwritten
      addresses.push_back(nullptr);
    } else if (buffer.layout) {
      unpacked[id] = Tensor(buffer.dtype, buffer.shape);
      buffer.layout->unpack(buffers_[id].bytes(), unpacked[id].bytes(), matrix_shape(buffer.shape),
                            buffer.dtype);
      addresses.push_back(unpacked[id].bytes());
    } else {
      addresses.push_back(buffers_[id].bytes());
    }
  }
  return addresses;
}

std::string Operations::description() const {
  std::string text;
  for (const Step& step : steps_) text += (text.empty() ? "" : " + ") + step.kernel->describe();
  return text;
}

void fill_uniform(Tensor& values, uint32_t stream) {
  const RandomStream random(1, Purpose::user, stream);
  const auto numbers = values.values<float>();
  for (size_t i = 0; i < numbers.size(); i += 4) {
    const auto words = random.block(i / 4);
    for (size_t w = 0; w < 4 && i + w < numbers.size(); w++)
      numbers[i + w] = float(words[w] >> 8) * 0x1p-23f - 1;
  }
}

}  // namespace plexus::bench
