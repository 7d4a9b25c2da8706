# Shared by demo.sh and test.sh: from a bare Debian to a configured and built tree. Sourced, after `set -euo pipefail`.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc)

say() { printf 'plexus: %s\n' "$*"; }
fail() {
  printf 'plexus: error: %s\n' "$*" >&2
  exit 1
}

# missing_packages required|optional: the names in cmake/packages.txt that are not installed.
missing_packages() {
  local kind name rest
  while read -r name rest; do
    [[ -z $name || $name == \#* ]] && continue
    case $rest in
      '# optional') kind=optional ;;
      '# long') ${long:-false} || continue; kind=optional ;;
      '# ci') ${long:-false} || [[ -n ${CI:-} ]] || continue; kind=optional ;;
      *) kind=required ;;
    esac
    [[ $kind == "$1" ]] || continue
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || printf '%s ' "$name"
  done <"$root/cmake/packages.txt"
}

# Installs what is missing. Where that is not possible: one line with the command to run.
install_packages() {
  command -v dpkg-query >/dev/null || {
    say "not a Debian system: expecting the packages of cmake/packages.txt under their names here"
    return 0
  }
  local required optional name
  required=$(missing_packages required)
  optional=$(missing_packages optional)
  [[ -z $required && -z $optional ]] && return 0

  local remedy="apt-get update && apt-get install -y --no-install-recommends ${required% }"
  local -a as_root=()
  if ((EUID != 0)); then
    as_root=(sudo)
    [[ -t 0 && -n $required ]] || as_root=(sudo -n)  # nobody to type a password, or not worth one
    if ! command -v sudo >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
      [[ -z $required ]] && return 0
      fail "packages are missing; as root run: $remedy"
    fi
  fi
  if ! command -v apt-get >/dev/null || ! "${as_root[@]}" apt-get update -qq >/dev/null 2>&1; then
    [[ -z $required ]] && return 0
    fail "packages are missing and apt-get update fails (no network?); as root run: $remedy"
  fi
  local -a wanted
  read -ra wanted <<<"$required"
  for name in $optional; do
    apt-cache show "$name" >/dev/null 2>&1 && wanted+=("$name")
  done
  ((${#wanted[@]})) || return 0
  say "installing ${wanted[*]}"
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null 2>&1; then
    [[ -z $required ]] && return 0
    fail "packages cannot be installed (no network?); as root run: $remedy"
  fi
}

# build PRESET [CMAKE OPTION...]: configures and builds what the preset says.
build() {
  local preset=$1
  shift
  say "building ($preset)"
  (cd "$root" && cmake --preset "$preset" "$@" >/dev/null && cmake --build --preset "$preset" -j "$jobs")
}
