#!/usr/bin/env bash
# check_length.sh FILE LIMIT ...: no file has more lines than its limit
set -euo pipefail
(($# >= 2)) || { echo "no file"; exit 1; }
while (($# > 0)); do
  lines=$(wc -l <"$1")
  ((lines > 0 && lines <= $2)) || { echo "$1 has $lines lines, at most $2"; exit 1; }
  shift 2
done
