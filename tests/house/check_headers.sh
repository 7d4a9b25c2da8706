#!/usr/bin/env bash
# Every public header compiles by itself, and plexus.h does: check_headers.sh COMPILER INCLUDE_DIRECTORY
set -euo pipefail
compiler=$1 include=$2

mapfile -t headers < <(sed -n 's/^#include "\(.*\)"$/\1/p' "$include/plexus/plexus.h")
((${#headers[@]} >= 30)) || { echo "plexus.h names only ${#headers[@]} headers"; exit 1; }

compile() {
  printf '#include "%s"\n#include "%s"\n' "$3" "$3" |
    "$1" -std=c++20 -Wall -Wextra -Werror -fsyntax-only -I "$2" -x c++ - || { echo "$3 does not stand alone"; return 1; }
}
export -f compile
printf '%s\n' "${headers[@]}" plexus/plexus.h | xargs -P "$(nproc)" -I{} bash -c 'compile "$@"' _ "$compiler" "$include" {}
