// Matrix products: y = x W + b (nn), dx = dy W^T (nt), dW = x^T dy (tn).
#pragma once
#include "plexus/core/spec/operand.h"
#include "plexus/export.h"

namespace plexus {

/// nn: c[m,n] = a[m,k] b[k,n];  nt: c[m,n] = a[m,k] b[n,k]^T;  tn: c[m,n] = a[k,m]^T b[k,n].
enum class Form : uint8_t { nn, nt, tn };

/// c = op(a) op(b) + bias. With `accumulate` the chain of every element starts at the old c: where a backend accumulates
/// in the type of c, a sum over two halves of k has the bits of the sum over the whole. k = 0 writes bias, or zeros, or leaves c. An old c is never
/// read without `accumulate` (it may hold NaN).
struct MatmulSpec {
  Form form = Form::nn;
  int64_t m = 0, n = 0, k = 0;
  Batch batch = Batch::m;              ///< m in forward and dx, k in the weight gradient
  int64_t lda = 0, ldb = 0, ldc = 0;   ///< elements from row to row; 0: dense
  bool bias = false;                   ///< bias[n], added first. Not together with accumulate
  bool accumulate = false;
  DType a = DType::f32, b = DType::f32, c = DType::f32;  ///< the bias has the type of c
  const Layout* layout = nullptr;      ///< of the parameter: b in nn and nt, c in tn

  struct Args {
    const void* a = nullptr;
    const void* b = nullptr;
    const void* bias = nullptr;
    void* c = nullptr;
  };
  static constexpr const char* family = "matmul";
  static constexpr Slot slots[] = {{"a", Access::in}, {"b", Access::in}, {"bias", Access::in}, {"c", Access::out}};
  PLEXUS_EXPORT Operand operand(size_t slot) const;
  PLEXUS_EXPORT void validate() const;  ///< throws ShapeError
  PLEXUS_EXPORT std::string to_string() const;
  bool operator==(const MatmulSpec&) const = default;
};

}  // namespace plexus
