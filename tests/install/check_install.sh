#!/usr/bin/env bash
# Installs the build into a fresh prefix, moves the prefix, builds examples/ against it and runs what came out.
# check_install.sh CMAKE BUILD SOURCE WORK CXX SANITIZERS
set -euo pipefail
cmake=$1 build=$2 source=$3 work=$4 cxx=$5 sanitizers=$6

rm -rf "$work/prefix" "$work/moved" "$work/example" "$work/bench"
"$cmake" --install "$build" --prefix "$work/prefix" >/dev/null
mv "$work/prefix" "$work/moved"  # nothing installed may know where it was put

flags=()
[[ -z $sanitizers ]] || flags=("-DCMAKE_CXX_FLAGS=-fsanitize=$sanitizers")
"$cmake" -S "$source/examples" -B "$work/example" -G Ninja -DCMAKE_PREFIX_PATH="$work/moved" \
  -DCMAKE_CXX_COMPILER="$cxx" "${flags[@]}" >/dev/null
"$cmake" --build "$work/example"
output=$("$work/example/train" "$source/examples/data/iris.npy" "$work/model.safetensors")
printf '%s\n' "$output"
grep -qi accuracy <<<"$output" || { echo "the example prints no accuracy"; exit 1; }

if "$work/example/train" "$work/no-such.npy" 2>"$work/error"; then echo "a missing file is no error"; exit 1; fi
[[ $(wc -l <"$work/error") == 1 ]] || { echo "not one line:"; cat "$work/error"; exit 1; }

if [[ -e $build/cli/plexus ]]; then
  "$work/moved/bin/plexus" info >/dev/null
  # The plugins of the build were installed with it, and are found wherever the prefix has gone.
  for module in "$build"/plexus/backends-1/*.so; do
    [[ -e $module ]] || continue
    "$work/moved/bin/plexus" info | grep -qF "$work/moved/lib" || { echo "the installed plugins are not found"; exit 1; }
  done
  if [[ -e $build/plexus/backends-1/onednn.so ]]; then
    "$work/moved/bin/plexus" plan --backend onednn --fallback allow >"$work/plan.txt"
    grep -q "bias/relu  *onednn .*fused 2" "$work/plan.txt" || { echo "onednn does not run"; cat "$work/plan.txt"; exit 1; }
  fi
  for plugin in relu_matmul relu_matmul_c; do
    PLEXUS_BACKEND_PATH=$work/example "$work/moved/bin/plexus" plan --backend "$plugin" --fallback allow >"$work/plan.txt"
    grep -q "bias/relu  *$plugin .*fused 2" "$work/plan.txt" || { echo "$plugin does not run"; cat "$work/plan.txt"; exit 1; }
  done
  # What the command starts lies in libexec, and is found there.
  if [[ -e $build/bench/plexus-bench ]]; then
    "$work/moved/bin/plexus" bench --quick --family plan --backends reference --threads 1 --out "$work/bench" >"$work/bench.txt"
    grep -q '^plan, 1 thread' "$work/bench.txt" || { echo "plexus bench measures nothing"; cat "$work/bench.txt"; exit 1; }
    [[ -x $work/moved/libexec/plexus/peers/sgemm ]] || { echo "the peers are not installed"; exit 1; }
    if /usr/bin/python3 -c 'import matplotlib' 2>/dev/null; then
      "$work/moved/bin/plexus" report "$work/bench/bench.json" -o "$work/bench.html"
    fi
  fi
  "$work/moved/bin/plexus" evaluate "$work/model.safetensors" "$source/examples/data/iris.npy"
fi
if grep -rl "$source" "$work/moved" --include='*.cmake' --include='*.h'; then
  echo "installed files name the source tree"; exit 1
fi
