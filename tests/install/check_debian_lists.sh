#!/usr/bin/env bash
# Everything that is installed goes into one of Debian's packages, or is named as left out: check_debian_lists.sh BUILD WORK
set -euo pipefail
build=$1 work=$2/debian_lists lists=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../packaging/debian" && pwd)

rm -rf "$work"
DESTDIR=$work cmake --install "$build" --prefix /usr >/dev/null
# Debian's directories name the architecture and one Python, those of this build may not.
mapfile -t patterns < <(sed -e 's|^usr/lib/\*/|usr/lib/|' "$lists"/*.install "$lists/not-installed")
((${#patterns[@]} >= 9)) || { echo "only ${#patterns[@]} lines in $lists"; exit 1; }
status=0
while read -r file; do
  for pattern in "${patterns[@]}"; do
    # shellcheck disable=SC2053
    if [[ $file == $pattern || $file == $pattern/* ]]; then continue 2; fi
  done
  echo "$file is installed, and in none of packaging/debian/*.install"
  status=1
done < <(cd "$work" && find usr -type f -o -type l | sed -E -e 's|^usr/lib/[^/]*-linux-gnu[^/]*/|usr/lib/|' \
  -e 's|^usr/lib/python[^/]*/[^/]*-packages/|usr/lib/python3/dist-packages/|')
exit $status
