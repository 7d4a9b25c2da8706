#include "plexus/backends/conformance/edges/literals.h"

namespace plexus::conformance {

void matmul_edges(DType type, List& list) {
  auto spec = [&](Form form, int64_t m, int64_t n, int64_t k) {
    MatmulSpec s;
    s.form = form, s.m = m, s.n = n, s.k = k;
    s.batch = form == Form::tn ? Batch::k : Batch::m;
    s.a = s.b = s.c = type;
    return s;
  };
  for (Form form : {Form::nn, Form::nt, Form::tn}) {
    // a as [m,k] and b as [k,n], turned into what the form reads.
    auto a = [&](int64_t m, int64_t k, double v) {
      return form == Form::tn ? Matrix(k, m, v) : Matrix(m, k, v);
    };
    auto b = [&](int64_t k, int64_t n, double v) {
      return form == Form::nt ? Matrix(n, k, v) : Matrix(k, n, v);
    };
    auto put = [](Matrix matrix, bool transposed, int64_t i, int64_t j, double v) {
      return transposed ? with(matrix, j, i, v) : with(matrix, i, j, v);
    };
    const bool ta = form == Form::tn, tb = form == Form::nt;
    auto plain = [&](const std::string& name, int64_t m, int64_t n, int64_t k, Matrix left, Matrix right,
                     Matrix c) {
      list.push_back({"matmul: " + name, spec(form, m, n, k), -1, {left, right, {}, {}}, {{}, {}, {}, c}});
    };
    plain("k = 0 writes zeros", 3, 5, 0, a(3, 0, 0), b(0, 5, 0), Matrix(3, 5));
    plain("m = 0", 0, 5, 4, a(0, 4, 0), b(4, 5, 1), Matrix(0, 5));
    plain("n = 0", 3, 0, 4, a(3, 4, 1), b(4, 0, 0), Matrix(3, 0));
    for (int64_t n : {1, 8, 17, 33}) {  // whole vectors, and tails of one element
      for (int64_t at : {int64_t(0), n / 2, n - 1}) {
        Matrix column_lost(2, n, 3), row_lost(n, 2, 3), depth_lost(2, 2, nan);
        for (int64_t i = 0; i < 2; ++i) column_lost(i, at) = row_lost(at, i) = nan;
        const std::string place = " at " + std::to_string(at) + " of " + std::to_string(n);
        plain("NaN in b, column" + place, 2, n, 3, a(2, 3, 1), put(b(3, n, 1), tb, 1, at, nan), column_lost);
        plain("NaN in a, row" + place, n, 2, 3, put(a(n, 3, 1), ta, at, 1, nan), b(3, 2, 1), row_lost);
        plain("0 times NaN, depth" + place, 2, 2, n, a(2, n, 0),
              put(put(b(n, 2, 1), tb, at, 0, nan), tb, at, 1, nan), depth_lost);
      }
    }
    plain("0 times infinity", 1, 1, 2, a(1, 2, 0), b(2, 1, inf), one(nan));
    plain("infinity - infinity", 1, 1, 2, put(a(1, 2, 1), ta, 0, 0, -1), b(2, 1, inf), one(nan));
    plain("overflow", 1, 1, 1, a(1, 1, huge(type)), b(1, 1, -huge(type)), one(-inf));
    plain("denormals are not flushed", 1, 1, 3, a(1, 3, denormal(type)), b(3, 1, 1), one(3 * denormal(type)));

    MatmulSpec bias = spec(form, 2, 3, 0), accumulate = bias;
    bias.bias = accumulate.accumulate = true;
    list.push_back({"matmul: k = 0 writes the bias",
                    bias,
                    -1,
                    {a(2, 0, 0), b(0, 3, 0), row({1, nan, -2}), {}},
                    {{}, {}, {}, Matrix(2, 3, {1, nan, -2, 1, nan, -2})}});
    const Matrix old(2, 3, {1, 2, 3, inf, 5, nan});
    list.push_back({"matmul: k = 0 leaves an accumulated c",
                    accumulate,
                    -1,
                    {a(2, 0, 0), b(0, 3, 0), {}, old},
                    {{}, {}, {}, old}});
    accumulate.k = 4;
    list.push_back({"matmul: accumulate adds to the old c",
                    accumulate,
                    form == Form::tn ? 4 : 2,
                    {a(2, 4, 2), b(4, 3, 1), {}, old},
                    {{}, {}, {}, Matrix(2, 3, {9, 10, 11, inf, 13, nan})}});
    // Rows so far apart that the position of the second one does not fit 32 bits, signed or not; the memory between is
    // never touched.
    if (type == DType::f32)
      for (int operand = 0; operand < 3; ++operand) {
        MatmulSpec s = spec(form, 2, 3, 2);
        (operand == 0 ? s.lda : operand == 1 ? s.ldb : s.ldc) = (int64_t(1) << 32) + 32;
        const std::string name = operand == 0 ? "a" : operand == 1 ? "b" : "c";
        list.push_back({"matmul: rows of " + name + " 2^32 elements apart",
                        s,
                        -1,
                        {put(a(2, 2, 1), ta, 1, 0, 5), put(b(2, 3, 2), tb, 1, 2, 3), {}, {}},
                        {{}, {}, {}, Matrix(2, 3, {4, 4, 5, 12, 12, 13})}});
      }
    if (form == Form::tn)
      list.push_back({"matmul: no rows in this batch write zeros",
                      spec(form, 2, 3, 4),
                      0,
                      {Matrix(0, 2), Matrix(0, 3), {}, {}},
                      {{}, {}, {}, Matrix(2, 3)}});
  }
}

}  // namespace plexus::conformance
