#!/usr/bin/env bash
# A plugin needs no symbol of Plexus, and exports the one that the loader looks for: check_symbols.sh FILE...
set -euo pipefail
(($# > 0)) || { echo "no file"; exit 1; }
for file in "$@"; do
  if nm -D -u "$file" | grep -i plexus; then echo "$file needs symbols of Plexus"; exit 1; fi
  exported=$(nm -D --defined-only "$file" | awk '$2 == "T" { print $3 }' | grep -v '^__asan\|^_init$\|^_fini$')
  [[ $exported == plexus_backend_open_v1 ]] || { echo "$file exports: $exported"; exit 1; }
done
