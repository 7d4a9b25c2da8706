#!/usr/bin/env bash
# The shared library exports the C++ API, the C API and nothing else; and no dependency shows in it: check_exports.sh LIBRARY HEADER
set -euo pipefail
library=$1 header=$2

mapfile -t symbols < <(nm -DC --defined-only "$library" | cut -d' ' -f3-)
((${#symbols[@]} >= 300)) || { echo "only ${#symbols[@]} symbols"; exit 1; }
foreign=$(printf '%s\n' "${symbols[@]}" |
  grep -vE '^(plexus::|std::hash<std::variant<plexus::|plexus_[a-z_]+@@|PLEXUS_[0-9]+$|(typeinfo|typeinfo name|vtable|VTT) for plexus::|non-virtual thunk to plexus::)' || true)
[[ -z $foreign ]] || { printf 'exported, but not ours:\n%s\n' "$foreign"; exit 1; }
# Of others' libraries there are none either, as arguments or members.
if printf '%s\n' "${symbols[@]}" | grep -E 'tbb::|nlohmann|hwy::'; then echo "dependencies show"; exit 1; fi

# All functions of the C API are there.
for function in $(grep -oE '\bplexus_[a-z_]+\(' "$header" | tr -d '(' | sort -u); do
  [[ " ${symbols[*]} " == *" $function@@"* ]] || { echo "$function is not exported"; exit 1; }
done
