#include "plexus/core/dtype.h"

namespace plexus {

std::string_view to_string(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::i32:
      return "i32";
    case DType::i64:
      return "i64";
    case DType::u8:
      return "u8";
    case DType::bf16:
      return "bf16";
    case DType::i8:
      return "i8";
  }
  return "unknown";
}

}  // namespace plexus
