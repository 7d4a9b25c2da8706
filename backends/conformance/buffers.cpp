#include "plexus/backends/conformance/buffers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace plexus::conformance {
namespace {

constexpr int poison = 0xff;
/// Room on both sides of an operand where no guard page is next to it: one wide vector.
constexpr size_t margin = 64;
/// Larger operands have huge gaps between their rows: of these, only the elements are ever touched.
constexpr size_t most_filled = size_t(1) << 28;

std::string place_of(int64_t i, int64_t j) {
  return std::string("[").append(std::to_string(i)).append(",").append(std::to_string(j)).append("]");
}

size_t page_size() {
  static const size_t size = size_t(sysconf(_SC_PAGESIZE));
  return size;
}

template <class T>
void put(std::byte* place, double value) {
  const T element = T(value);
  std::memcpy(place, &element, sizeof(T));
}

template <class T>
double get(const std::byte* place) {
  T element;
  std::memcpy(&element, place, sizeof(T));
  return double(element);
}

void put(DType dtype, std::byte* place, double value) {
  switch (dtype) {
    case DType::f32: return put<float>(place, value);
    case DType::f64: return put<double>(place, value);
    case DType::i32: return put<int32_t>(place, value);
    case DType::i64: return put<int64_t>(place, value);
    case DType::u8: return put<uint8_t>(place, value);
    case DType::i8: return put<int8_t>(place, value);
    case DType::bf16: break;  // reserved: no kernel has it
  }
}

double get(DType dtype, const std::byte* place) {
  switch (dtype) {
    case DType::f32: return get<float>(place);
    case DType::f64: return get<double>(place);
    case DType::i32: return get<int32_t>(place);
    case DType::i64: return get<int64_t>(place);
    case DType::u8: return get<uint8_t>(place);
    case DType::i8: return get<int8_t>(place);
    case DType::bf16: break;
  }
  return 0;
}

}  // namespace

GuardedBuffer::GuardedBuffer(const Operand& operand, int64_t rows, Placement placement, int64_t offset)
    : operand_(operand), rows_(rows) {
  const size_t element = size_of(operand.dtype);
  // The last row needs no gap behind it.
  const int64_t count = operand.rows == 0 ? 0 : (operand.rows - 1) * operand.stride + operand.columns;
  const size_t bytes = size_t(count) * element, page = page_size();
  const size_t lead = placement == Placement::misaligned ? margin + size_t(offset) * element : margin;
  const size_t open = (lead + bytes + margin + page - 1) / page * page;
  mapped_ = open + 2 * page;
  sparse_ = open > most_filled;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | (sparse_ ? MAP_NORESERVE : 0);
  void* mapping = mmap(nullptr, mapped_, PROT_NONE, flags, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<std::byte*>(mapping);
  std::byte* const begin = mapping_ + page;
  if (mprotect(begin, open, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapping_, mapped_);
    throw std::bad_alloc();
  }
  switch (placement) {
    case Placement::aligned:
    case Placement::misaligned: address_ = begin + lead; break;
    case Placement::before_guard: address_ = begin + open - bytes; break;
    case Placement::after_guard: address_ = begin; break;
  }
  if (!sparse_)
    std::memset(begin, poison, open);
  else
    for (int64_t i = 0; i < operand.rows; ++i) std::memset(this->element(i, 0), poison, size_t(operand.columns) * element);
}

GuardedBuffer::~GuardedBuffer() { munmap(mapping_, mapped_); }

std::byte* GuardedBuffer::element(int64_t i, int64_t j) const {
  return address_ + size_t(i * operand_.stride + j) * size_of(operand_.dtype);
}

void GuardedBuffer::store(const Matrix& values) {
  for (int64_t i = 0; i < values.rows; ++i)
    for (int64_t j = 0; j < values.columns; ++j) put(operand_.dtype, element(i, j), values(i, j));
  if (sparse_) {
    stored_ = values;
    return;
  }
  before_.assign(mapping_ + page_size(), mapping_ + mapped_ - page_size());
}

Matrix GuardedBuffer::load() const {
  Matrix values(rows_, operand_.columns);
  for (int64_t i = 0; i < rows_; ++i)
    for (int64_t j = 0; j < operand_.columns; ++j) values(i, j) = get(operand_.dtype, element(i, j));
  return values;
}

std::string GuardedBuffer::damage() const {
  if (sparse_) return damage_of_elements();
  const std::byte* const now = mapping_ + page_size();
  std::vector<std::byte> expected = before_;
  const size_t size = size_of(operand_.dtype);
  if (operand_.access != Access::in) {
    for (int64_t i = 0; i < rows_; ++i) {
      for (int64_t j = 0; j < operand_.columns; ++j) {
        const size_t place = size_t(element(i, j) - now);
        const bool untouched = std::all_of(now + place, now + place + size,
                                           [](std::byte byte) { return byte == std::byte(poison); });
        if (untouched && operand_.access == Access::out)
          return place_of(i, j) + " was not written";
        std::memcpy(&expected[place], now + place, size);
      }
    }
  }
  const auto [at, _] = std::mismatch(expected.begin(), expected.end(), now);
  if (at == expected.end()) return "";
  const std::ptrdiff_t place = at - expected.begin() - (address_ - now);
  return "changed outside its elements, " + std::to_string(place) + " bytes from its start";
}

std::string GuardedBuffer::damage_of_elements() const {
  const Matrix now = load();
  for (int64_t i = 0; i < now.rows; ++i)
    for (int64_t j = 0; j < now.columns; ++j) {
      const std::byte* const bytes = element(i, j);
      if (operand_.access == Access::out &&
          std::all_of(bytes, bytes + size_of(operand_.dtype), [](std::byte byte) { return byte == std::byte(poison); }))
        return place_of(i, j) + " was not written";
      if (operand_.access == Access::in && now(i, j) != stored_(i, j)) return place_of(i, j) + " was changed";
    }
  return "";
}

}  // namespace plexus::conformance
