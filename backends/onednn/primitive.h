// A oneDNN primitive that runs on addresses, from many threads at once.
#pragma once
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "plexus/backends/onednn/library.h"

namespace plexus::onednn {

/// Why oneDNN does not run an operation: "oneDNN has only ref:any for it".
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a primitive reads or writes: DNNL_ARG_SRC, ...
struct Operand {
  int argument;
  Descriptor descriptor;
};

class Primitive {
 public:
  /// Throws Unsupported where oneDNN has but its reference implementation: slower than plain loops by far.
  Primitive(const dnnl::primitive_desc_base& description, std::vector<Operand> operands);
  Primitive(Primitive&&) noexcept;
  ~Primitive();

  /// Addresses in the order of the operands.
  void run(void* const* addresses, void* workspace) const;
  size_t workspace() const { return scratchpad_.get_size(); }
  /// oneDNN's own name for what runs: "brg:avx512_core".
  const std::string& implementation() const { return implementation_; }

 private:
  class Arguments;

  std::string implementation_;
  dnnl::primitive primitive_;
  std::vector<Operand> operands_;
  Descriptor scratchpad_;
  std::unique_ptr<Arguments> arguments_;
};

}  // namespace plexus::onednn
