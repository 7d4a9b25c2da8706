#include "plexus/backends/onednn/primitive.h"

#include <atomic>
#include <utility>

namespace plexus::onednn {

/// Memory objects, through which oneDNN gets its addresses. One thread uses them at a time.
class Primitive::Arguments {
 public:
  Arguments(const std::vector<Operand>& operands, const Descriptor& scratchpad) : stream_(cpu_engine()) {
    for (const Operand& operand : operands) add(operand.argument, operand.descriptor);
    add(DNNL_ARG_SCRATCHPAD, scratchpad);
  }

  dnnl_status_t execute(const dnnl::primitive& primitive, void* const* addresses, void* workspace) const {
    for (size_t i = 0; i < memories_.size(); i++)
      memories_[i].set_data_handle(i + 1 < memories_.size() ? addresses[i] : workspace);
    return dnnl_primitive_execute(primitive.get(), stream_.get(), int(slots_.size()), slots_.data());
  }

  mutable std::atomic_flag busy = ATOMIC_FLAG_INIT;

 private:
  void add(int argument, const Descriptor& descriptor) {
    memories_.emplace_back(descriptor, cpu_engine(), nullptr);
    slots_.push_back({argument, memories_.back().get()});
  }

  dnnl::stream stream_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> slots_;
};

namespace {

/// oneDNN's fallbacks: "gemm:ref", "ref:any", "simple:any".
bool fallback(const std::string& implementation) {
  return implementation.find("ref") != std::string::npos || implementation.ends_with(":any");
}

}  // namespace

Primitive::Primitive(const dnnl::primitive_desc_base& description, std::vector<Operand> operands)
    : implementation_(description.impl_info_str()), operands_(std::move(operands)) {
  if (fallback(implementation_)) throw Unsupported("oneDNN has only " + implementation_ + " for it");
  dnnl_primitive_t primitive = nullptr;
  dnnl::error::wrap_c_api(dnnl_primitive_create(&primitive, description.get()), "cannot create a primitive");
  primitive_.reset(primitive);
  scratchpad_ = description.scratchpad_desc();
  arguments_ = std::make_unique<Arguments>(operands_, scratchpad_);
}

Primitive::Primitive(Primitive&&) noexcept = default;
Primitive::~Primitive() = default;

void Primitive::run(void* const* addresses, void* workspace) const {
  dnnl_status_t status;
  if (!arguments_->busy.test_and_set(std::memory_order_acquire)) {
    status = arguments_->execute(primitive_, addresses, workspace);
    arguments_->busy.clear(std::memory_order_release);
  } else {  // another thread is in this very primitive: half a microsecond for memory objects of one's own
    status = Arguments(operands_, scratchpad_).execute(primitive_, addresses, workspace);
  }
  dnnl::error::wrap_c_api(status, "a primitive failed");
}

}  // namespace plexus::onednn
