#!/usr/bin/env bash
# Builds the Debian packages of the committed tree, checks them with lintian, and with --install installs them and runs debian/tests (as
# root): build_debian.sh [--install] [WORK]
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
install=false
[[ ${1-} != --install ]] || { install=true; shift; }
work=${1:-$(mktemp -d)}

rm -rf "$work/plexus"
mkdir -p "$work/plexus"
git -C "$source" archive HEAD | tar -x -C "$work/plexus"
cp -r "$work/plexus/packaging/debian" "$work/plexus/debian"
cd "$work/plexus"
dpkg-buildpackage -us -uc -b
cd ..
lintian --fail-on error ./*.changes
if $install; then
  apt-get install -y --no-install-recommends ./*_"$(dpkg --print-architecture)".deb
  (cd plexus && debian/tests/consumers)
fi
echo "packages: $work"
