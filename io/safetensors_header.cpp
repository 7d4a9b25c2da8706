#include "plexus/io/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "plexus/io/excerpt.h"

namespace plexus::io {
namespace {

struct TypeName {
  std::string_view name;
  ElementType type;
  std::optional<DType> dtype{};  // that is written so
};

constexpr TypeName type_names[] = {{"BOOL", {ElementKind::boolean, 1}},
                                   {"U8", {ElementKind::unsigned_integer, 1}, DType::u8},
                                   {"I8", {ElementKind::signed_integer, 1}, DType::i8},
                                   {"U16", {ElementKind::unsigned_integer, 2}},
                                   {"I16", {ElementKind::signed_integer, 2}},
                                   {"F16", {ElementKind::floating, 2}},
                                   {"BF16", {ElementKind::bfloat, 2}, DType::bf16},
                                   {"U32", {ElementKind::unsigned_integer, 4}},
                                   {"I32", {ElementKind::signed_integer, 4}, DType::i32},
                                   {"F32", {ElementKind::floating, 4}, DType::f32},
                                   {"U64", {ElementKind::unsigned_integer, 8}},
                                   {"I64", {ElementKind::signed_integer, 8}, DType::i64},
                                   {"F64", {ElementKind::floating, 8}, DType::f64}};

constexpr const char* metadata_key = "__metadata__";

// Takes the header as it is parsed, and refuses what does not belong there before anything is built of it,
// however long or deep: {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3],
// "data_offsets": [0, 24]}}
class Handler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Handler(const std::string& file, std::string_view text) : file_(file), text_(text) {}

  SafetensorsHeader take() {
    check_names();
    return std::move(header_);
  }

  bool start_object(size_t) override {
    switch (at_) {
      case At::header:
        at_ = At::name;
        return true;
      case At::metadata:
        at_ = At::metadata_name;
        return true;
      case At::tensor:
        at_ = At::field;
        return true;
      default:
        refuse_value("an object");
    }
  }

  bool end_object() override {
    if (at_ == At::field) complete();
    at_ = At::name;  // after the header's own end nothing comes
    return true;
  }

  bool key(std::string& name) override {
    if (at_ == At::field) {
      field(name);
    } else if (at_ == At::metadata_name) {
      const auto [place, added] = header_.metadata.emplace(std::move(name), "");
      if (!added) refuse(metadata_key, "key " + excerpt(place->first) + " twice");
      metadata_ = &*place;
      at_ = At::metadata_text;
    } else if (name == metadata_key) {
      if (metadata_found_) refuse("header", "'__metadata__' twice");
      metadata_found_ = true;
      at_ = At::metadata;
    } else {
      if (header_.tensors.size() == max_safetensors)
        refuse("header", "more than " + std::to_string(max_safetensors) + " tensors");
      header_.tensors.push_back({.name = std::move(name), .type = {}, .shape = {}, .begin = 0, .end = 0});
      type_.reset();
      sizes_.reset();
      offsets_.reset();
      at_ = At::tensor;
    }
    return true;
  }

  bool start_array(size_t) override {
    if (at_ == At::shape) {
      sizes_.emplace();
      at_ = At::size;
    } else if (at_ == At::offsets) {
      offsets_.emplace();
      at_ = At::offset;
    } else {
      refuse_value("an array");
    }
    return true;
  }

  bool end_array() override {
    if (at_ == At::offset && offsets_->size() != 2)
      refuse_tensor("'data_offsets' has " + std::to_string(offsets_->size()) + " numbers instead of 2");
    at_ = At::field;
    return true;
  }

  bool string(std::string& text) override {
    if (at_ == At::metadata_text) {
      metadata_->second = std::move(text);
      at_ = At::metadata_name;
    } else if (at_ == At::dtype) {
      const auto* found = std::ranges::find(type_names, text, &TypeName::name);
      if (found == std::end(type_names))
        refuse_tensor(
            "dtype " + excerpt(text) +
            " is not read; it must be one of F16 BF16 F32 F64, I8 I16 I32 I64, U8 U16 U32 U64, BOOL");
      type_ = found->type;
      at_ = At::field;
    } else {
      refuse_value("a string");
    }
    return true;
  }

  bool number_unsigned(uint64_t value) override {
    if (at_ == At::size) {
      if (value > uint64_t(std::numeric_limits<int64_t>::max()))
        refuse_tensor("size " + std::to_string(value) + " is above 2^63 - 1");
      if (sizes_->size() == Shape::max_rank)
        refuse_tensor("a shape of more than " + std::to_string(Shape::max_rank) + " dimensions");
      sizes_->push_back(int64_t(value));
    } else if (at_ == At::offset) {
      if (offsets_->size() == 2) refuse_tensor("'data_offsets' has more than 2 numbers");
      offsets_->push_back(value);
    } else {
      refuse_value("a number");
    }
    return true;
  }

  // Numbers with a sign, -0 too.
  bool number_integer(int64_t value) override {
    refuse_value("the number " + (value == 0 ? "-0" : std::to_string(value)));
  }
  // Numbers with a point or an exponent, and those above 2^64 - 1.
  bool number_float(double, const std::string& text) override { refuse_value("the number " + excerpt(text)); }
  bool boolean(bool value) override { refuse_value(value ? "true" : "false"); }
  bool null() override { refuse_value("null"); }
  bool binary(nlohmann::json::binary_t&) override { refuse_value("bytes"); }  // never in text

  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    const size_t last = std::min(std::max<size_t>(position, 1) - 1, text_.size());
    refuse("byte " + std::to_string(safetensors_header_at + last),
           "the header is not valid JSON: unexpected " +
               (last == text_.size() ? "end" : excerpt(text_.substr(last, 40))));
  }

 private:
  // Where in the header the parser is: what comes next.
  enum class At {
    header,
    name,
    metadata,
    metadata_name,
    metadata_text,
    tensor,
    field,
    dtype,
    shape,
    size,
    offsets,
    offset
  };

  [[noreturn]] void refuse(const std::string& place, const std::string& problem) const {
    throw FormatError(file_, place, problem);
  }
  [[noreturn]] void refuse_tensor(const std::string& problem) const {
    refuse("tensor " + excerpt(header_.tensors.back().name), problem);
  }
  // A value of the wrong kind for its place.
  [[noreturn]] void refuse_value(const std::string& found) const {
    switch (at_) {
      case At::metadata:
        refuse(metadata_key, "expected an object, found " + found);
      case At::metadata_text:
        refuse(metadata_key, "key " + excerpt(metadata_->first) + ": expected a string, found " + found);
      case At::tensor:
        refuse_tensor("expected an object, found " + found);
      case At::dtype:
        refuse_tensor("'dtype': expected a string, found " + found);
      case At::shape:
        refuse_tensor("'shape': expected an array, found " + found);
      case At::size:
        refuse_tensor("'shape': expected a size, found " + found);
      case At::offsets:
        refuse_tensor("'data_offsets': expected an array, found " + found);
      case At::offset:
        refuse_tensor("'data_offsets': expected an offset, found " + found);
      default:
        refuse("header", "expected an object, found " + found);
    }
  }

  void field(const std::string& name) {
    bool twice = false;
    if (name == "dtype") {
      twice = type_.has_value();
      at_ = At::dtype;
    } else if (name == "shape") {
      twice = sizes_.has_value();
      at_ = At::shape;
    } else if (name == "data_offsets") {
      twice = offsets_.has_value();
      at_ = At::offsets;
    } else {
      refuse_tensor("unknown key " + excerpt(name) + "; expected 'dtype', 'shape', 'data_offsets'");
    }
    if (twice) refuse_tensor("key " + excerpt(name) + " twice");
  }

  // The description of a tensor has ended: all is there, and fits together.
  void complete() {
    for (const auto& [there, name] :
         {std::pair(type_.has_value(), "dtype"), std::pair(sizes_.has_value(), "shape"),
          std::pair(offsets_.has_value(), "data_offsets")})
      if (!there) refuse_tensor("no key '" + std::string(name) + "'");
    SafetensorsEntry& entry = header_.tensors.back();
    entry.type = *type_;
    try {
      entry.shape = Shape(*sizes_);
    } catch (const ShapeError& error) {
      refuse_tensor(error.what());
    }
    entry.begin = (*offsets_)[0];
    entry.end = (*offsets_)[1];
    const std::string offsets =
        "data_offsets [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) + "]";
    if (entry.begin > entry.end) refuse_tensor(offsets + " end before they begin");
    const __uint128_t bytes = __uint128_t(entry.shape.elements()) * entry.type.size;
    if (entry.end - entry.begin != bytes)
      refuse_tensor(offsets + " hold " + std::to_string(entry.end - entry.begin) + " bytes, but shape " +
                    to_string(entry.shape) + " needs " +
                    (bytes >> 64 == 0 ? std::to_string(uint64_t(bytes)) : "more than 2^64"));
  }

  void check_names() const {
    std::vector<std::string_view> names;
    for (const SafetensorsEntry& entry : header_.tensors) names.push_back(entry.name);
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    if (twice != names.end()) refuse("header", "tensor " + excerpt(*twice) + " twice");
  }

  const std::string& file_;
  std::string_view text_;
  SafetensorsHeader header_;
  At at_ = At::header;
  bool metadata_found_ = false;
  std::pair<const std::string, std::string>* metadata_ = nullptr;  // whose text comes next
  std::optional<ElementType> type_;                                // of the last tensor, like these:
  std::optional<std::vector<int64_t>> sizes_;
  std::optional<std::vector<uint64_t>> offsets_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(const std::string& file, std::string_view text) {
  // The parser skips a byte order mark, and takes a NUL byte for the end.
  const size_t first = std::min(text.find_first_not_of(" \t\n\r"), text.size());
  const size_t nul = std::min(text.find('\0'), text.size());
  const auto refuse = [&](size_t at, const std::string& problem) {
    throw FormatError(file, "byte " + std::to_string(safetensors_header_at + at), problem);
  };
  if (first == text.size()) refuse(0, "the header is empty");
  if (text[first] != '{')
    refuse(first, "the header is not a JSON object: it starts with " + excerpt(text.substr(first)));
  if (nul != text.size()) refuse(nul, "a NUL byte in the header");
  Handler handler(file, text);
  nlohmann::json::sax_parse(text, &handler);
  return handler.take();
}

std::string safetensors_header(const std::map<std::string, std::string>& metadata,
                               std::span<const NamedTensor> tensors, std::span<const uint64_t> begins) {
  const auto quoted = [](const std::string& text) {
    try {
      return nlohmann::json(text).dump();
    } catch (const nlohmann::json::type_error&) {
      throw ArgumentError("save_safetensors: " + excerpt(text) + " is not UTF-8");
    }
  };
  std::string text;
  const auto add = [&](const std::string& key, const std::string& value) {
    text += (text.empty() ? "{" : ",") + quoted(key) + ":" + value;
  };
  if (!metadata.empty()) {
    std::string object;
    for (const auto& [key, value] : metadata)
      object += (object.empty() ? "{" : ",") + quoted(key) + ":" + quoted(value);
    add(metadata_key, object + "}");
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i].tensor;
    const auto* type = std::ranges::find(type_names, std::optional(tensor.dtype()), &TypeName::dtype);
    std::string sizes;
    for (const int64_t size : tensor.shape()) sizes += (sizes.empty() ? "" : ",") + std::to_string(size);
    add(tensors[i].name, "{\"dtype\":\"" + std::string(type->name) + "\",\"shape\":[" + sizes +
                             "],\"data_offsets\":[" + std::to_string(begins[i]) + "," +
                             std::to_string(begins[i] + tensor.byte_count()) + "]}");
  }
  text += text.empty() ? "{}" : "}";
  text.append(-(safetensors_header_at + text.size()) % alignment, ' ');
  return text;
}

}  // namespace plexus::io
