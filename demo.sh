#!/usr/bin/env bash
# From a bare Debian to a network that has learnt to recognise clothes: installs what is missing, builds, trains less than
# a minute, and draws ten images with what the network takes them for.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/cmake/bootstrap.sh"
(($# == 0)) || fail "demo.sh takes no arguments; for your own data: build/cli/plexus train --help"

install_packages
build release -DPLEXUS_BUILD_TESTS=OFF

plexus=$root/build/cli/plexus
if [[ -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ]]; then
  "$plexus" train fashion-mnist --layers 128,relu --optimizer adam --lr 0.001 --batch 64 --epochs 5 --seed 1 \
    --plan --show 10
else
  say "Fashion-MNIST is not here (Debian package dataset-fashion-mnist): training on Fisher's iris instead"
  "$plexus" train "$root/examples/data/iris.csv" --layers 10,relu --lr 0.01 --batch 32 --epochs 1000 --seed 1 \
    --plan --show 10
fi
