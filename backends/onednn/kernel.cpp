#include "plexus/backends/onednn/kernel.h"

#include <algorithm>
#include <utility>

#include "plexus/backends/onednn/thread_count.h"

namespace plexus::onednn {
namespace {

constexpr size_t most_operands = 4;  // those of scale and of matmul with bias

class Addresses {
 public:
  Addresses(const std::vector<Moving>& operands, void* const* buffers, int64_t row) {
    for (size_t i = 0; i < operands.size(); i++)
      addresses_[i] = static_cast<float*>(buffers[operands[i].slot]) + row * operands[i].stride;
  }
  operator void* const*() const { return addresses_; }

 private:
  void* addresses_[most_operands] = {};
};

/// One primitive for each size.
class Primitives {
 public:
  Primitives(const RowCounts& counts, const MakePrimitive& make) {
    for (const int64_t rows : counts.sizes()) primitives_.push_back(make(rows));
  }
  const Primitive& operator[](size_t i) const { return primitives_[i]; }
  const char* describe() const { return primitives_.front().implementation().c_str(); }
  size_t workspace() const {
    size_t most = 0;
    for (const Primitive& primitive : primitives_) most = std::max(most, primitive.workspace());
    return most;
  }

 private:
  std::vector<Primitive> primitives_;
};

class RowKernel final : public plugin::Kernel {
 public:
  RowKernel(const Setting& setting, std::vector<Moving> operands, const MakePrimitive& make)
      : setting_(setting), operands_(std::move(operands)), primitives_(setting.counts, make) {}

  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const ThreadCount threads(setting_.threads);
    setting_.counts.for_pieces(call.rows, [&](size_t size, int64_t row) {
      primitives_[size].run(Addresses(operands_, buffers, row), call.workspace);
    });
    return PLEXUS_OK;
  }
  uint64_t workspace() const override { return primitives_.workspace(); }
  const char* describe() const override { return primitives_.describe(); }

 private:
  Setting setting_;
  std::vector<Moving> operands_;
  Primitives primitives_;
};

class SumKernel final : public plugin::Kernel {
 public:
  SumKernel(const Setting& setting, std::vector<Moving> operands, const Result& result,
            const std::function<Primitive(int64_t, bool)>& make)
      : setting_(setting),
        operands_(std::move(operands)),
        result_(result),
        first_(setting.counts, [&](int64_t rows) { return make(rows, result.accumulate); }),
        next_(setting.counts, [&](int64_t rows) { return make(rows, true); }) {}

  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const ThreadCount threads(setting_.threads);
    bool written = false;
    setting_.counts.for_pieces(call.rows, [&](size_t size, int64_t row) {
      const Primitives& primitives = std::exchange(written, true) ? next_ : first_;
      primitives[size].run(Addresses(operands_, buffers, row), call.workspace);
    });
    if (!written && !result_.accumulate) write_zeros(static_cast<float*>(buffers[operands_.back().slot]));
    return PLEXUS_OK;
  }
  uint64_t workspace() const override { return std::max(first_.workspace(), next_.workspace()); }
  const char* describe() const override { return first_.describe(); }

 private:
  void write_zeros(float* result) const {
    for (int64_t i = 0; i < result_.m; i++) std::fill_n(result + i * result_.stride, result_.n, 0.0f);
  }

  Setting setting_;
  std::vector<Moving> operands_;
  Result result_;
  Primitives first_, next_;
};

}  // namespace

KernelPointer row_kernel(const Setting& setting, std::vector<Moving> operands, const MakePrimitive& make) {
  return std::make_unique<RowKernel>(setting, std::move(operands), make);
}

KernelPointer sum_kernel(const Setting& setting, std::vector<Moving> operands, const Result& result,
                         const std::function<Primitive(int64_t rows, bool add)>& make) {
  return std::make_unique<SumKernel>(setting, std::move(operands), result, make);
}

}  // namespace plexus::onednn
