#include "plexus/io/number.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

namespace plexus::io {
namespace {

constexpr size_t exact_digits = 15;  // any so many digits are an integer that f64 has

bool digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }

bool same_word(std::string_view field, std::string_view word) {
  return std::ranges::equal(field, word, {}, lower);
}

bool missing_word(std::string_view field) {
  for (const char* word : {"na", "n/a", "null", "none", "?"})
    if (same_word(field, word)) return true;
  return false;
}

// std::from_chars says only that a number is out of range; whether it is so large or so small is seen from
// the power of ten of its first digit that is not zero.
bool large(std::string_view number) {
  const size_t mantissa_end = std::min(number.find_first_of("eE"), number.size());
  const std::string_view mantissa = number.substr(0, mantissa_end);
  const auto point = int64_t(std::min(mantissa.find('.'), mantissa.size()));
  const auto first = int64_t(mantissa.find_first_not_of("0."));
  std::string_view exponent = number.substr(std::min(mantissa_end + 1, number.size()));
  const bool negative = exponent.starts_with('-');
  if (negative || exponent.starts_with('+')) exponent.remove_prefix(1);
  int64_t power = 0;  // saturates above the length of any file
  for (const char c : exponent) power = std::min<int64_t>(10 * power + (c - '0'), int64_t(1) << 56);
  return point - first + (negative ? -power : power) > 0;
}

}  // namespace

NumberKind read_number(std::string_view field, double& value) {
  while (!field.empty() && (field.front() == ' ' || field.front() == '\t')) field.remove_prefix(1);
  while (!field.empty() && (field.back() == ' ' || field.back() == '\t')) field.remove_suffix(1);
  if (field.empty()) return NumberKind::missing;

  if (field.size() <= exact_digits) {  // whole numbers are most of what pictures and counts are made of
    int64_t integer = 0;
    size_t i = 0;
    for (; i < field.size() && digit(field[i]); ++i) integer = 10 * integer + (field[i] - '0');
    if (i == field.size()) {
      value = double(integer);
      return NumberKind::number;
    }
  }

  std::string_view number = field;
  const bool negative = number.front() == '-';
  if (negative || number.front() == '+') number.remove_prefix(1);
  if (!number.empty() && (digit(number.front()) || number.front() == '.')) {
    double magnitude = 0;
    const char* end = number.data() + number.size();
    const auto result = std::from_chars(number.data(), end, magnitude);
    if (result.ptr != end || result.ec == std::errc::invalid_argument) return NumberKind::text;
    if (result.ec == std::errc::result_out_of_range) {
      if (large(number)) return NumberKind::beyond;
      magnitude = 0;
    }
    value = negative ? -magnitude : magnitude;
    return NumberKind::number;
  }
  if (same_word(number, "nan")) {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (same_word(number, "inf") || same_word(number, "infinity")) {
    value = negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  } else {
    return missing_word(field) ? NumberKind::missing : NumberKind::text;
  }
  return NumberKind::number;
}

NumberKind read_number_with_comma(std::string_view field, double& value, bool& grouping) {
  const size_t comma = field.find(',');
  if (comma == field.npos || field.find('.') != field.npos) return NumberKind::text;
  std::string pointed(field);
  pointed[comma] = '.';
  const NumberKind kind = read_number(pointed, value);
  if (kind != NumberKind::number) return kind;
  const size_t first = field.find_first_not_of(" \t+-"), end = field.find_last_not_of(" \t") + 1;
  const std::string_view before = field.substr(first, comma - first), behind = field.substr(comma + 1, end - comma - 1);
  grouping = !before.empty() && before.size() <= 3 && before[0] != '0' && behind.size() == 3 && std::ranges::all_of(behind, digit);
  return kind;
}

}  // namespace plexus::io
