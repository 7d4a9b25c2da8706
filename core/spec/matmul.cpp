#include "plexus/core/spec/matmul.h"

#include "plexus/core/spec/line.h"

namespace plexus {
namespace {

const char* name(Form form) {
  switch (form) {
    case Form::nn:
      return "nn";
    case Form::nt:
      return "nt";
    case Form::tn:
      return "tn";
  }
  return "unknown";
}

void require_stride(const MatmulSpec& spec, const char* name, int64_t stride, int64_t columns) {
  if (stride != 0 && stride < columns)
    spec::require(spec, false,
                  std::string(name) + " " + std::to_string(stride) + " is less than a row of " +
                      std::to_string(columns) + " elements");
}

}  // namespace

Operand MatmulSpec::operand(size_t slot) const {
  const auto matrix = [](DType dtype, int64_t rows, int64_t columns, int64_t stride, bool batch) {
    return Operand{.dtype = dtype,
                   .rows = rows,
                   .columns = columns,
                   .stride = stride ? stride : columns,
                   .batch = batch};
  };
  const bool transposed_a = form == Form::tn, transposed_b = form == Form::nt;
  Operand o;
  switch (slot) {
    case 0:
      o = transposed_a ? matrix(a, k, m, lda, batch == Batch::k) : matrix(a, m, k, lda, batch == Batch::m);
      break;
    case 1:
      o = transposed_b ? matrix(b, n, k, ldb, false) : matrix(b, k, n, ldb, batch == Batch::k);
      break;
    case 2:
      o = matrix(c, 1, n, 0, false);
      o.used = bias;
      break;
    case 3:
      o = matrix(c, m, n, ldc, batch == Batch::m);
      o.access = accumulate ? Access::inout : Access::out;
      break;
  }
  if (slot == (transposed_a ? 3 : 1)) o.layout = layout;
  return o;
}

void MatmulSpec::validate() const {
  const auto require = [this](bool holds, const char* problem) { spec::require(*this, holds, problem); };
  require(form == Form::nn || form == Form::nt || form == Form::tn, "unknown form");
  spec::require_size(*this, "m", m);
  spec::require_size(*this, "n", n);
  spec::require_size(*this, "k", k);
  if (form == Form::tn)
    require(batch == Batch::k || batch == Batch::none, "the batch of tn must be k or none");
  else
    require(batch == Batch::m || batch == Batch::none, "the batch of nn and nt must be m or none");
  for (const DType dtype : {a, b})
    require(spec::floating(dtype) || dtype == DType::i8, "a and b must be f32, f64, bf16 or i8");
  require(spec::floating(c) || (c == DType::i32 && a == DType::i8 && b == DType::i8),
          "c must be f32, f64 or bf16, or i32 where a and b are i8");
  require(!(bias && accumulate), "bias and accumulate exclude each other: the old c takes the bias's place");
  require_stride(*this, "lda", lda, form == Form::tn ? m : k);
  require_stride(*this, "ldb", ldb, form == Form::nt ? k : n);
  require_stride(*this, "ldc", ldc, n);
  if (layout)
    require((form == Form::tn ? ldc : ldb) == 0,
            "the layout places the parameter's rows: its stride must be 0");
  spec::require_countable(*this);
}

std::string MatmulSpec::to_string() const {
  std::string types(plexus::to_string(a));
  if (a != b || b != c) types.append("*").append(plexus::to_string(b)).append("=").append(plexus::to_string(c));
  spec::Line line("matmul");
  line.word(name(form)).word(types);
  line.dimension("m", m, batch == Batch::m).dimension("n", n).dimension("k", k, batch == Batch::k);
  line.flag("bias", bias).flag("accumulate", accumulate);
  if (lda != 0) line.dimension("lda", lda);
  if (ldb != 0) line.dimension("ldb", ldb);
  if (ldc != 0) line.dimension("ldc", ldc);
  return line.layout(layout).string();
}

}  // namespace plexus
