// Numbers in text: the same in every locale. Private.
#pragma once
#include <string_view>

namespace plexus::io {

enum class NumberKind {
  number,   ///< "1", "+1.5e-3", " .5 ", "nan", "-inf", "Infinity"
  beyond,   ///< a number beyond the range of f64: "1e400"
  missing,  ///< nothing, or a word that stands for it: "NA", "N/A", "NULL", "None", "?"
  text,     ///< all else: "1,5", "0x10", "1 2"
};

/// Reads a field, blanks around it aside. `value` is rounded once; below the smallest number it is 0; not set for
/// other kinds.
NumberKind read_number(std::string_view field, double& value);

/// The same with a comma instead of the point. `grouping`: whether it may as well stand before thousands, as in "12,345"; not in
/// "0,123" or "1,5".
NumberKind read_number_with_comma(std::string_view field, double& value, bool& grouping);

}  // namespace plexus::io
