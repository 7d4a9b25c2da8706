#include "plexus/io/npy_format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <vector>

#include "plexus/io/elements.h"
#include "plexus/io/excerpt.h"
#include "plexus/io/gzip.h"

namespace plexus::io {
namespace {

constexpr std::string_view npy_magic = "\x93NUMPY";
// As NumPy has it. A header of a plain array takes some 100 bytes.
constexpr size_t max_header = 10000;

struct Header {
  ElementType type;
  bool fortran_order = false;
  Shape shape;
};

std::optional<ElementKind> element_kind(char code) {
  switch (code) {
    case 'b':
      return ElementKind::boolean;
    case 'i':
      return ElementKind::signed_integer;
    case 'u':
      return ElementKind::unsigned_integer;
    case 'f':
      return ElementKind::floating;
    default:
      return std::nullopt;
  }
}

// The header is text that looks like Python: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }. It
// is read with a grammar of its own, in any order and spacing, and nothing is ever evaluated.
class HeaderParser {
 public:
  HeaderParser(const Source& source, std::string_view text, size_t offset, int version)
      : source_(source), text_(text), offset_(offset), version_(version) {}

  Header parse() {
    expect('{', "a dictionary");
    while (!accept('}')) {
      const size_t at = at_;
      const std::string_view key = string("a key in quotes");
      expect(':', "':' after a key");
      if (key == "descr") {
        once(type_, key, at) = descr();
      } else if (key == "fortran_order") {
        once(fortran_order_, key, at) = boolean();
      } else if (key == "shape") {
        once(shape_, key, at) = shape();
      } else {
        refuse(at, "unknown key " + excerpt(key) + "; expected 'descr', 'fortran_order', 'shape'");
      }
      if (accept('}')) break;
      expect(',', "',' or '}' after a value");
    }
    skip_blanks();
    if (at_ < text_.size()) refuse(at_, "unexpected " + excerpt(text_.substr(at_)) + " after the dictionary");
    for (const auto& [there, key] :
         {std::pair(type_.has_value(), "descr"), std::pair(fortran_order_.has_value(), "fortran_order"),
          std::pair(shape_.has_value(), "shape")})
      if (!there) refuse(0, "the header has no key '" + std::string(key) + "'");
    return {*type_, *fortran_order_, *shape_};
  }

 private:
  [[noreturn]] void refuse(size_t at, const std::string& problem) const {
    throw FormatError(source_.path(), source_.place(offset_ + at), problem);
  }

  template <class T>
  std::optional<T>& once(std::optional<T>& value, std::string_view key, size_t at) const {
    if (value) refuse(at, "key " + excerpt(key) + " twice");
    return value;
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }

  bool accept(char c) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c, const std::string& what) {
    if (!accept(c)) refuse(at_, "expected " + what + ", found " + found());
  }

  std::string found() const {
    return at_ == text_.size() ? "the end of the header" : excerpt(text_.substr(at_));
  }

  bool accept_word(std::string_view word) {
    skip_blanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string_view string(const std::string& what) {
    skip_blanks();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') refuse(at_, "expected " + what + ", found " + found());
    const size_t end = text_.find(quote, at_ + 1);
    if (end == text_.npos) refuse(at_, "a string that does not end");
    const std::string_view content = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return content;
  }

  bool boolean() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    refuse(at_, "expected True or False, found " + found());
  }

  ElementType descr() {
    skip_blanks();
    const size_t at = at_;
    if (accept('[')) refuse(at, "arrays of records are not read; save each field by itself");
    std::string_view code = string("a type such as '<f4'");
    const std::string named = "type " + excerpt(code);
    char order = '=';
    if (!code.empty() && std::string_view("<>=|").find(code[0]) != std::string_view::npos) {
      order = code[0];
      code.remove_prefix(1);
    }
    if (code.starts_with('O'))
      refuse(at, named + " holds Python objects, which are never read; save numbers instead");
    const auto kind = code.size() == 2 ? element_kind(code[0]) : std::nullopt;
    ElementType type{kind.value_or(ElementKind::boolean), kind ? size_t(code[1] - '0') : 0};
    type.big_endian = order == '>' || (order != '<' && std::endian::native == std::endian::big);
    if (!kind || !readable(type)) {
      refuse(at, named + " is not read; it must be one of f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8, b1");
    }
    return type;
  }

  int64_t size() {
    skip_blanks();
    const size_t at = at_;
    int64_t value = 0;
    const char* end = text_.data() + text_.size();
    const auto result = std::from_chars(text_.data() + at_, end, value);
    if (result.ec == std::errc::invalid_argument) refuse(at, "expected a size, found " + found());
    if (result.ec == std::errc::result_out_of_range) refuse(at, "a size above 2^63 - 1");
    if (value < 0) refuse(at, "negative size " + std::to_string(value));
    if (value > 0 && text_[at] == '0') refuse(at, "a size with a leading zero");  // octal in Python 2, nothing in 3
    at_ = size_t(result.ptr - text_.data());
    if (version_ < 3 && at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long integers so
    return value;
  }

  Shape shape() {
    skip_blanks();
    const size_t at = at_;
    expect('(', "a shape in parentheses");
    std::vector<int64_t> sizes;
    while (!accept(')')) {
      sizes.push_back(size());
      if (sizes.size() > Shape::max_rank) {
        refuse(at, "a shape of more than " + std::to_string(Shape::max_rank) + " dimensions");
      }
      if (sizes.size() == 1) {
        expect(',', "',' after the first size");  // (3) is a number, not a shape
      } else if (!accept(',')) {
        expect(')', "',' or ')' after a size");
        break;
      }
    }
    try {
      return Shape(sizes);
    } catch (const ShapeError& error) {
      refuse(at, error.what());
    }
  }

  const Source& source_;
  std::string_view text_;
  size_t offset_, at_ = 0;
  int version_;
  std::optional<ElementType> type_;
  std::optional<bool> fortran_order_;
  std::optional<Shape> shape_;
};

std::string read_exactly(Source& file, size_t bytes, size_t offset, const std::string& what) {
  std::string text(bytes, '\0');
  const size_t found = file.read(text.data(), bytes);
  if (found < bytes) {
    throw FormatError(
        file.path(), file.place(offset),
        "expected " + std::to_string(bytes) + " bytes of " + what + ", found " + std::to_string(found));
  }
  return text;
}

// Reads up to where the data starts, and says where that is.
Header read_header(Source& file, size_t& offset) {
  const auto refuse = [&](size_t at, const std::string& problem) {
    throw FormatError(file.path(), file.place(at), problem);
  };
  std::string start(npy_magic.size(), '\0');
  start.resize(file.read(start.data(), start.size()));
  if (start.starts_with(gzip_magic)) refuse(0, "compressed with gzip; decompress it first (gunzip)");
  if (start.starts_with("PK")) refuse(0, "a zip archive; read it as .npz");
  if (start != npy_magic)
    refuse(0, "not a .npy file: it starts with " + hexadecimal(start) + " instead of 93 4e 55 4d 50 59");

  const std::string version = read_exactly(file, 2, npy_magic.size(), "version");
  if (version[0] < 1 || version[0] > 3 || version[1] != 0) {
    refuse(npy_magic.size(), "format version " + std::to_string(uint8_t(version[0])) + "." +
                             std::to_string(uint8_t(version[1])) + "; versions 1.0, 2.0 and 3.0 are read");
  }
  const size_t length_at = npy_magic.size() + version.size();
  const std::string digits = read_exactly(file, version[0] == 1 ? 2 : 4, length_at, "header length");
  size_t length = 0;
  for (size_t i = digits.size(); i-- > 0;) length = length << 8 | uint8_t(digits[i]);
  if (length > max_header) {
    refuse(length_at, "a header of " + std::to_string(length) + " bytes; at most " +
                          std::to_string(max_header) + " are read");
  }
  const size_t header_at = length_at + digits.size();
  const std::string text = read_exactly(file, length, header_at, "header");
  offset = header_at + length;
  if (!text.ends_with('\n')) refuse(offset, "the header does not end with a newline");
  return HeaderParser(file, text, header_at, version[0]).parse();
}

// `columns_first` holds an array of this shape in Fortran order; returns it in C order.
template <class T>
Tensor c_order(const Tensor& columns_first, const Shape& shape) {
  // Rows and columns, the first and the last dimension, are swapped a tile at a time: both sides of it fit
  // the first-level cache.
  constexpr int64_t tile = 32;
  Tensor result = Tensor::uninitialized(columns_first.dtype(), shape);
  const T* in = columns_first.values<T>().data();
  T* out = result.values<T>().data();
  if (shape.elements() == 0) return result;
  const size_t last = shape.rank() - 1;
  const int64_t rows = shape[0], columns = shape[last];
  const int64_t out_stride = shape.elements() / rows, in_stride = shape.elements() / columns;
  std::array<int64_t, Shape::max_rank> index{};  // of the dimensions between
  for (bool more = true; more;) {
    int64_t from = 0, to = 0;
    for (size_t d = last; d-- > 1;) from = from * shape[d] + index[d];
    for (size_t d = 1; d < last; ++d) to = to * shape[d] + index[d];
    from *= rows;
    to *= columns;
    for (int64_t r = 0; r < rows; r += tile)
      for (int64_t c = 0; c < columns; c += tile)
        for (int64_t i = r; i < std::min(r + tile, rows); ++i)
          for (int64_t j = c; j < std::min(c + tile, columns); ++j)
            out[to + i * out_stride + j] = in[from + j * in_stride + i];
    more = false;
    for (size_t d = last; d-- > 1 && !more;) {  // count up in the dimensions between
      more = ++index[d] < shape[d];
      if (!more) index[d] = 0;
    }
  }
  return result;
}

Tensor c_order(Tensor columns_first, const Shape& shape) {
  switch (columns_first.dtype()) {
    case DType::f32:
      return c_order<float>(columns_first, shape);
    case DType::f64:
      return c_order<double>(columns_first, shape);
    case DType::i32:
      return c_order<int32_t>(columns_first, shape);
    case DType::i64:
      return c_order<int64_t>(columns_first, shape);
    default:
      return c_order<uint8_t>(columns_first, shape);
  }
}

std::string type_code(const std::string& caller, DType dtype) {
  const std::string order = std::endian::native == std::endian::big ? ">" : "<";
  switch (dtype) {
    case DType::f32:
      return order + "f4";
    case DType::f64:
      return order + "f8";
    case DType::i32:
      return order + "i4";
    case DType::i64:
      return order + "i8";
    case DType::u8:
      return "|u1";
    default:
      throw ArgumentError(caller + ": .npy has no type for " + std::string(to_string(dtype)) +
                          "; convert it first");
  }
}

}  // namespace

Tensor read_npy(Source& source) {
  size_t offset = 0;
  const Header header = read_header(source, offset);
  Tensor data = read_elements(source, header.type, header.shape, offset);
  if (!header.fortran_order || header.shape.rank() < 2) return data;
  return c_order(std::move(data), header.shape);
}

NpyLayout read_npy_layout(Source& source) {
  NpyLayout layout;
  const Header header = read_header(source, layout.offset);
  const ElementType& type = header.type;
  const bool native = type.size == 1 || type.big_endian == (std::endian::native == std::endian::big);
  if (native && type.kind == ElementKind::floating && type.size >= 4)
    layout.dtype = type.size == 4 ? DType::f32 : DType::f64;
  if (type.kind == ElementKind::unsigned_integer && type.size == 1) layout.dtype = DType::u8;
  layout.fortran_order = header.fortran_order;
  layout.shape = header.shape;
  return layout;
}

std::string npy_header(const std::string& caller, const Tensor& tensor) {
  std::string sizes;
  for (const int64_t size : tensor.shape()) sizes += std::to_string(size) + ", ";
  if (tensor.shape().rank() == 1) {
    sizes.pop_back();  // Python writes (3,) and (3, 4)
  } else if (tensor.shape().rank() > 1) {
    sizes.resize(sizes.size() - 2);
  }
  std::string text = "{'descr': '" + type_code(caller, tensor.dtype()) +
                     "', 'fortran_order': False, 'shape': (" + sizes + "), }";
  const size_t prefix = npy_magic.size() + 4;
  text.append(alignment - 1 - (prefix + text.size()) % alignment, ' ') +=
      '\n';  // data starts aligned, for memory maps
  return std::string(npy_magic) + '\1' + '\0' + char(text.size() & 255) + char(text.size() >> 8) + text;
}

}  // namespace plexus::io
