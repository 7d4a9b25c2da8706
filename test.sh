#!/usr/bin/env bash
# Installs what is missing, builds, runs the tests. --long: the full counts too, then sanitizers and fuzzers.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/cmake/bootstrap.sh"

long=false
for argument in "$@"; do
  case $argument in
    --long) long=true ;;
    *) printf 'usage: test.sh [--long]\n' >&2 && exit 2 ;;
  esac
done

install_packages
benchmarks=ON  # they are tested too, where their library is there
[[ " $(missing_packages optional) " != *" libbenchmark-dev "* ]] || benchmarks=OFF
python=OFF
if [[ -e /usr/lib/cmake/pybind11/pybind11Config.cmake && -e /usr/bin/python3-config ]] && /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
  python=ON
fi
build release -DPLEXUS_BUILD_TESTS=ON -DPLEXUS_BUILD_BENCHMARKS=$benchmarks -DPLEXUS_BUILD_PYTHON=$python
cd "$root"
if ! $long; then
  ctest --preset release --parallel "$jobs" --label-exclude long
  exit
fi
ctest --preset release --parallel "$jobs"
for sanitizer in asan tsan; do
  build "$sanitizer"
  ctest --preset "$sanitizer" --parallel "$jobs"
done
if command -v clang++ >/dev/null; then
  build fuzz
  ctest --preset fuzz
else
  say "clang++ is not installed: the readers are not fuzzed"
fi
