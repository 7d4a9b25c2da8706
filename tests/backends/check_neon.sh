#!/usr/bin/env bash
# What is compiled once for each instruction set compiles for NEON, too: check_neon.sh COMPILER INCLUDE_DIRECTORY SOURCE...
set -euo pipefail
compiler=$1 include=$2
shift 2
(($# >= 10)) || { echo "only $# sources"; exit 1; }

compile() {
  # Optimized: functions that must be inlined and cannot be are found only then. -Wno-psabi: GCC tells what changed in GCC 10.
  "$1" -std=c++20 -O1 -Wall -Wextra -Wno-psabi -Werror -I "$2" -c -o /dev/null "$3" || { echo "$3 does not compile"; return 1; }
}
export -f compile
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'compile "$@"' _ "$compiler" "$include" {}
