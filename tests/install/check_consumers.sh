#!/usr/bin/env bash
# Everybody who can use Plexus does: find_package from an installed and moved prefix and from the build tree, pkg-config with the plain
# compilers, C11, FetchContent; shared and static, GCC and clang.
#   check_consumers.sh [WORK]                                   builds Plexus four times and checks each (long)
#   check_consumers.sh --build DIR WORK CXX CC [SANITIZERS]     checks the build that is there; of FetchContent (static) the configuration
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
iris=$source/examples/data/iris.npy

say() { printf '%s\n' "$*"; }
fail() { say "$@"; exit 1; }
# quiet COMMAND...: what it prints only where it fails, of a build the end.
quiet() {
  local output
  output=$("$@" 2>&1) || fail "failed: $*" "$(tail -n 60 <<<"$output")"
}

# check_train PROGRAM: the tutorial learns, and reports a missing file in one line.
check_train() {
  "$1" "$iris" "$work/model.safetensors" | grep -qi accuracy || fail "$1 prints no accuracy"
  if "$1" "$work/no-such.npy" 2>"$work/error"; then fail "a missing file is no error"; fi
  [[ $(wc -l <"$work/error") == 1 ]] || fail "not one line:" "$(cat "$work/error")"
}

configure() { quiet cmake -G Ninja -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_C_COMPILER="$cc" "${flags[@]}" "$@"; }

install_and_move() {
  DESTDIR=$work/stage quiet cmake --install "$build" --prefix /opt/plexus
  [[ $(ls "$work/stage") == opt ]] || fail "installed outside of the prefix: $(ls "$work/stage")"
  mv "$work/stage/opt/plexus" "$prefix"  # nothing installed may know where it was put
  library=$(find "$prefix" -name 'libplexus.*' | sort | head -1)
  libdir=$(dirname "$library")
  local -a texts
  mapfile -t texts < <(find "$prefix" -name '*.cmake' -o -name '*.h' -o -name '*.hpp' -o -name '*.pc')
  if grep -lF -e "$source" -e "$build" -e "$work" "${texts[@]}"; then fail "installed files name where they were built"; fi
  local -a private
  mapfile -t private < <(find "$prefix/include" -name '*-inl.h' -o -path '*simd*' -o -path '*reference*' -o -name '*.cpp')
  ((${#private[@]} == 0)) || fail "private headers are installed: ${private[*]}"
}

check_find_package() {  # check_find_package NAME -Dplexus_DIR=...
  configure -S "$source/examples" -B "$work/$1" "$2"
  quiet cmake --build "$work/$1" "${@:3}"
  check_train "$work/$1/train"
}

check_pkg_config() {
  local -x PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir
  local -a cflags libs
  read -ra cflags <<<"$(pkg-config --cflags plexus)"
  read -ra libs <<<"$(pkg-config --libs plexus)"
  quiet "$cxx" -std=c++20 -O1 "${sanitize[@]}" "$source/examples/train.cpp" "${cflags[@]}" "${libs[@]}" -o "$work/pkg_train"
  check_train "$work/pkg_train"
  [[ -e $prefix/include/plexus/bindings/c_api.h ]] || return 0
  quiet "$cc" -std=c11 -Wall -Wextra -Werror -pedantic "${sanitize[@]}" "$source/examples/train_c.c" "${cflags[@]}" "${libs[@]}" \
    "${c_libs[@]}" -o "$work/pkg_train_c"
  ("$work/pkg_train_c" "$work/c.safetensors" | grep -qF '(0.1, 0.2) is inside') || fail "the C program is wrong"
  printf '#include <plexus/bindings/c_api.h>\n#include <plexus/backends/abi/plexus_backend.h>\n' |
    "$cxx" -std=c++11 -fno-exceptions -fno-rtti -Wall -Wextra -Werror -fsyntax-only "${cflags[@]}" -x c++ - ||
    fail "the headers of C want C++20, exceptions or type information"
}

check_command() {
  local plexus=$prefix/bin/plexus plugin
  [[ -e $plexus ]] || return 0
  "$plexus" info >"$work/info.txt"
  # The plugins of the build were installed with it, and are found wherever the prefix has gone.
  if compgen -G "$libdir/plexus/backends-1/*.so" >/dev/null; then
    grep -qF "$libdir" "$work/info.txt" || fail "the installed plugins are not found"
  fi
  if [[ -e $libdir/plexus/backends-1/onednn.so ]]; then
    "$plexus" plan --backend onednn --fallback allow >"$work/plan.txt"
    grep -q "bias/relu  *onednn .*fused 2" "$work/plan.txt" || fail "onednn does not run" "$(cat "$work/plan.txt")"
  fi
  for plugin in relu_matmul relu_matmul_c; do
    PLEXUS_BACKEND_PATH=$work/installed "$plexus" plan --backend "$plugin" --fallback allow >"$work/plan.txt"
    grep -q "bias/relu  *$plugin .*fused 2" "$work/plan.txt" || fail "$plugin does not run" "$(cat "$work/plan.txt")"
  done
  "$plexus" evaluate "$work/model.safetensors" "$iris" >/dev/null
  # What the command starts lies in libexec, and is found there.
  if [[ -e $prefix/libexec/plexus/plexus-bench ]]; then
    rm -rf "$work/bench"
    "$plexus" bench --quick --family plan --backends reference --threads 1 --out "$work/bench" >"$work/bench.txt"
    grep -q '^plan, 1 thread' "$work/bench.txt" || fail "plexus bench measures nothing" "$(cat "$work/bench.txt")"
    [[ -x $prefix/libexec/plexus/peers/sgemm ]] || fail "the peers are not installed"
    if /usr/bin/python3 -c 'import matplotlib' 2>/dev/null; then
      quiet "$plexus" report "$work/bench/bench.json" -o "$work/bench.html"
    fi
  fi
}

# Without a network, where the system lets us take it away.
check_embedding() {
  local -a offline=()
  if unshare -rn true 2>/dev/null; then offline=(unshare -rn); fi
  quiet "${offline[@]}" cmake -S "$source/tests/install/embedding" -B "$work/embedding" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" \
    "${flags[@]}" -DFETCHCONTENT_SOURCE_DIR_PLEXUS="$source" -DFETCHCONTENT_FULLY_DISCONNECTED=ON "$@"
}

check_build() {  # what DIR holds, however it was built
  prefix=$work/moved
  rm -rf "$work"/{stage,moved,installed,tree,embedding}
  mkdir -p "$work"
  install_and_move
  if [[ -e $libdir/libplexus.so ]]; then
    "$source/tests/install/check_exports.sh" "$libdir/libplexus.so" "$prefix/include/plexus/bindings/c_api.h"
    readelf -d "$libdir/libplexus.so" | grep -qE "SONAME.*\[libplexus\.so\.[0-9]+\]" || fail "no SONAME"
    if readelf -d "$libdir/libplexus.so" | grep -E 'RPATH|RUNPATH' | grep -v '\[\$ORIGIN'; then fail "a run path to somewhere"; fi
  fi
  check_find_package installed -Dplexus_DIR="$libdir/cmake/plexus"
  quiet ctest --test-dir "$work/installed" --output-on-failure --no-tests=error
  check_find_package tree -Dplexus_DIR="$build" --target train
  if command -v pkg-config >/dev/null; then check_pkg_config; else say "pkg-config is not installed: left out"; fi
  check_command
}

sanitize=()
c_libs=()
flags=()
if [[ ${1-} == --build ]]; then
  build=$2 work=$3 cxx=$4 cc=$5
  if [[ -n ${6-} ]]; then
    sanitize=("-fsanitize=$6")
    flags=("-DCMAKE_CXX_FLAGS=-fsanitize=$6" "-DCMAKE_C_FLAGS=-fsanitize=$6" "-DCMAKE_MODULE_LINKER_FLAGS=-fsanitize=$6")
    if "$cc" --version | grep -q clang; then  # a program in C lacks what the library's checks of C++ call
      c_libs=(-fsanitize-link-c++-runtime -lstdc++)
      flags+=("-DCMAKE_C_STANDARD_LIBRARIES=${c_libs[*]}")
    fi
  fi
  check_build
  check_embedding -DBUILD_SHARED_LIBS=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DCMAKE_UNITY_BUILD=OFF
  quiet ninja -C "$work/embedding" "$source/backends/plugins.cpp^"  # the one source that a static library has its own lines in
  exit
fi

all=${1:-$(mktemp -d)}
for compiler in "g++ gcc" "clang++ clang"; do
  read -r cxx cc <<<"$compiler"
  command -v "$cxx" >/dev/null || { say "$cxx is not installed: left out"; continue; }
  for shared in ON OFF; do
    work=$all/$cxx-$shared build=$all/$cxx-$shared/build
    say "$($cxx --version | head -1), BUILD_SHARED_LIBS=$shared"
    together=()
    # By itself, and without precompiled headers: every source includes what it uses.
    [[ $shared == ON ]] || together=(-DCMAKE_UNITY_BUILD=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON)
    configure -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=$shared -DPLEXUS_BUILD_TESTS=OFF \
      "${together[@]}"
    quiet cmake --build "$build" --parallel "$(nproc)"
    check_build
    say "  installed, build tree, pkg-config, C11, examples, command: passed"
    check_embedding -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=$shared
    quiet cmake --build "$work/embedding" --target embedded --parallel "$(nproc)"
    check_train "$work/embedding/embedded"
    say "  FetchContent: passed"
  done
done
