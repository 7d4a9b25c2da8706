#!/usr/bin/env bash
# Checks a source tree against the rules in docs/contributing.md; a line for each breach: check_house.sh [TREE]
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

library=(core backends layers io trainer bindings)
everything=("${library[@]}" cli tests examples)

breaches=0
forbid() {  # forbid RULE: every line on stdin is a breach
  local line
  while IFS= read -r line; do
    printf '%s: %s\n' "$1" "$line"
    breaches=$((breaches + 1))
  done
}
files() { find "$@" -name '*.h' -o -name '*.cpp' -o -name '*.cc' | sort; }
matches() {  # matches PATTERN FOLDER...: lines of sources
  local pattern=$1
  shift
  grep -rHnE --include='*.h' --include='*.cpp' --include='*.cc' -e "$pattern" "$@"
}
public_headers() {  # what the rooms' lists name
  local room list header
  for room in "${library[@]}"; do
    list=$(tr '\n' ' ' <"$room/CMakeLists.txt" | sed -n 's/.*plexus_public_headers(\([^)]*\)).*/\1/p')
    for header in $list; do printf '%s/%s\n' "$room" "$header"; done
  done
}
longer_than() {  # longer_than LIMIT, file names on stdin
  xargs -r awk -v limit="$1" 'FNR == limit + 1 { print FILENAME " has more than " limit " lines" }'
}

# Arrows: what a room may include of ours.
declare -A may_include=(
  [core]='core/'
  [backends]='(core|backends)/'
  [layers]='(core|layers)/'
  [io]='(core|io)/'
  [trainer]='(core|layers|io|trainer)/|backends/registry\.h'
  [bindings]='(core|layers|io|trainer|bindings)/|backends/registry\.h'
  [cli]='(core|layers|io|trainer|cli)/|backends/(registry\.h|conformance/)|plexus\.h'
)
for room in "${!may_include[@]}"; do
  forbid "$room must not include" < <(
    matches '#include [<"]plexus/' "$room" | grep -vE "plexus/(${may_include[$room]}|export\.h|version\.h)")
done
forbid 'examples include as users do' < <(matches '#include [<"]plexus/' examples | grep -vE '<plexus/(plexus\.h|bindings/c_api\.h|backends/abi/plexus_backend\.h(pp)?)>')

# Includes read the same in the tree and installed. Tests and the command also name files beside them.
forbid 'include as "plexus/room/header.h"' < <(matches '#include "' "${library[@]}" | grep -v '#include "plexus/')
forbid 'no include goes upwards' < <(matches '#include ["<]\.\./' "${everything[@]}")

# Other people's libraries: each in its place, none in a public header.
forbid 'not in a public header' < <(
  public_headers | xargs -r grep -HnE '#include <(tbb|oneapi|zip|zlib|zconf|xxhash|nlohmann|hwy|dnnl|CLI)')
forbid 'threads come from the executor' < <(matches '#include <(tbb|oneapi)' layers io trainer bindings cli)
forbid 'zlib, libzip and xxhash belong to io' < <(matches '#include <(zlib|zip\.h|xxhash)' core backends layers trainer bindings cli)
forbid 'JSON belongs to io, trainer and cli' < <(matches '#include <nlohmann' core backends layers bindings)
forbid 'CLI11 belongs to cli' < <(matches '#include <CLI' "${library[@]}")

# The library reads the environment in one place, never ends the process, and speaks through the log sink.
forbid 'only backends/environment.cpp reads the environment' < <(
  matches '\b(secure_)?getenv *\(' "${library[@]}" | grep -v '^backends/environment\.cpp:')
forbid 'the library never ends the process' < <(
  matches '\b(abort|exit|_exit|quick_exit|terminate) *\(' "${library[@]}" | grep -v '^backends/conformance/')
forbid 'output goes to the log sink' < <(
  matches 'std::(cout|cerr|clog)|\bf?(printf|puts) *\(' "${library[@]}" | grep -v '^core/log\.cpp:')

# The same bits everywhere.
forbid 'flags that change results' < <(
  find CMakeLists.txt CMakePresets.json cmake "${everything[@]}" -name CMakeLists.txt -o -name '*.cmake' -o -name '*.json' |
    xargs grep -HnE 'march=native|ffast-math|Ofast')

# One type to a name: of two the linker takes one's functions for the other's.
type_definitions() {  # "namespace::name file" for every type that has a name in other sources
  xargs -r awk '
    FNR == 1 { depth = 0 }
    /^namespace.*\{$/ { spaces[++depth] = NF > 2 ? $2 : "" }
    /^}.*\/\/ namespace/ { depth-- }
    /^(struct|class|enum class) .*\{/ {
      sub(/^enum class /, "class "); sub(/PLEXUS_EXPORT /, "")
      if ($2 ~ /</) next  # a specialization
      name = $2
      for (i = depth; i > 0; i--) { if (spaces[i] == "") next; name = spaces[i] "::" name }
      if (depth > 0) print name, FILENAME
    }'
}
forbid 'a second type of the name' < <(files "${library[@]}" cli | type_definitions | sort -u | awk '$1 == last { print $2 " (" $1 ")" } { last = $1 }')

# Shape of files.
# *-inl.h is read once for every instruction set.
forbid 'no #pragma once' < <(files "${everything[@]}" | grep '\.h$' | grep -v -e '-inl\.h$' | xargs -r grep -L '#pragma once')
forbid 'name the noun' < <(files "${everything[@]}" | grep -E '/(utils?|helpers?|misc|common)\.[a-z]+$')
forbid 'too long' < <(files "${library[@]}" cli | grep -v '\.h$' | longer_than 400)
forbid 'public header too long' < <(public_headers | longer_than 120)
forbid 'too long' < <(echo CMakeLists.txt | longer_than 120)
folders='core|backends|layers|io|trainer|bindings|cli|tests|bench|examples|docs|cmake|packaging|build.*'
root_files='CMakeLists\.txt|CMake(User)?Presets\.json|README\.md|LICENSE|demo\.sh|test\.sh'
forbid 'not in the root' < <(printf '%s\n' * | grep -vxE "$folders|$root_files")

# A check that finds nothing to look at finds no breach either.
[[ -n $(public_headers) && -n $(files core) ]] || forbid 'nothing to check in' <<<"$PWD"
((breaches == 0))
