#!/usr/bin/env bash
# check_house.sh must name the rule that a tree breaks: check_house_test.sh WORK
set -euo pipefail
check=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/check_house.sh
tree=$1/tree
failures=0

fresh() {  # a tree that breaks nothing
  rm -rf "$tree"
  mkdir -p "$tree"/{core,backends,layers,io,trainer,bindings,cli,tests,examples,cmake}
  for room in core backends layers io trainer bindings; do
    printf '#pragma once\n#include "plexus/export.h"\n' >"$tree/$room/noun.h"
    printf 'plexus_public_headers(\n  noun.h)\n' >"$tree/$room/CMakeLists.txt"
  done
  printf 'namespace plexus {\nnamespace {\nstruct Own {\n};\n}  // namespace\nclass Line final {\n};\n}  // namespace plexus\n' |
    tee "$tree/core/line.cpp" | sed 's/Line/Row/' >"$tree/io/row.cpp"
  echo '{}' >"$tree/CMakePresets.json"
  echo 'project(x)' >"$tree/CMakeLists.txt"
}
rules=() files=()
expect() {  # expect RULE FILE LINE: the tree with this line breaks this rule
  printf '%s\n' "$3" >>"$tree/$2"
  rules+=("$1") files+=("$2")
}

fresh
"$check" "$tree" || { echo 'a clean tree is refused'; exit 1; }

expect 'core must not include' core/a.cpp '#include "plexus/layers/dense.h"'
expect 'backends must not include' backends/a.cpp '#include "plexus/trainer/trainer.h"'
expect 'layers must not include' layers/dense.cpp '#include "plexus/backends/registry.h"'
expect 'io must not include' io/a.cpp '#include <plexus/trainer/dataset.h>'
expect 'trainer must not include' trainer/a.cpp '#include "plexus/backends/reference/reference.h"'
expect 'bindings must not include' bindings/a.cpp '#include "plexus/cli/flags.h"'
expect 'cli must not include' cli/a.cpp '#include "plexus/backends/reference/reference.h"'
expect 'examples include as users do' examples/a.cpp '#include "plexus/core/tensor.h"'
expect 'include as "plexus/' core/a.cpp '#include "core/tensor.h"'
expect 'no include goes upwards' tests/a.cpp '#include "../core/tensor.h"'
expect 'not in a public header' core/noun.h '#include <tbb/task_arena.h>'
expect 'not in a public header' io/noun.h '#include <zlib.h>'
expect 'threads come from the executor' trainer/a.cpp '#include <oneapi/tbb/parallel_for.h>'
expect 'zlib, libzip and xxhash belong to io' trainer/a.cpp '#include <zlib.h>'
expect 'zlib, libzip and xxhash belong to io' cli/a.cpp '#include <zip.h>'
expect 'JSON belongs to io, trainer and cli' layers/a.cpp '#include <nlohmann/json.hpp>'
expect 'CLI11 belongs to cli' io/a.cpp '#include <CLI/CLI.hpp>'
expect 'reads the environment' core/a.cpp 'auto home = std::getenv("HOME");'
expect 'never ends the process' core/a.cpp 'std::abort();'
expect 'output goes to the log sink' layers/a.cpp 'std::cerr << 1;'
expect 'flags that change results' cmake/a.cmake 'add_compile_options(-march=native)'
expect 'a second type of the name' trainer/finding.h "$(printf '#pragma once\nnamespace plexus {\nstruct Line {\n};\n}  // namespace plexus')"
expect 'no #pragma once' layers/a.h 'struct A {};'
expect 'name the noun' core/utils.h '#pragma once'
expect 'too long' core/a.cpp "$(seq 401)"
expect 'public header too long' core/noun.h "$(seq 120)"
expect 'not in the root' notes.txt 'x'
output=$("$check" "$tree") && { echo 'a tree that breaks every rule passes'; exit 1; }
for i in "${!rules[@]}"; do
  grep -F -e "${rules[i]}" <<<"$output" | grep -qF -e "${files[i]}" && continue
  printf 'not found: %s (in %s)\n' "${rules[i]}" "${files[i]}"
  failures=$((failures + 1))
done
found=$(wc -l <<<"$output")  # a line a breach: nothing else is broken
((found == ${#rules[@]})) || { printf '%s breaches instead of %s\n' "$found" "${#rules[@]}"; failures=$((failures + 1)); }
((failures == 0)) || printf '%s\n' "$output"

fresh
for room in core backends layers io trainer bindings; do : >"$tree/$room/CMakeLists.txt"; done
if "$check" "$tree" >/dev/null; then echo 'an empty tree passes'; failures=$((failures + 1)); fi

((failures == 0))
