#!/usr/bin/env bash
# A program that runs with more rights than its caller does not load what the caller's environment names:
# check_set_uid.sh COMMAND PLUGINS WORK. Needs root, to make such a program; exits with 77 where it cannot.
set -euo pipefail
command=$1 plugins=$2 work=$3
[[ $EUID == 0 ]] || { echo "skipped: not root"; exit 77; }

copy=$work/set-uid-plexus
trap 'rm -f "$copy"' EXIT
cp "$command" "$copy"
chown root "$copy"
chmod 4755 "$copy"
info() { setpriv --reuid nobody --regid nogroup --clear-groups env PLEXUS_BACKEND_PATH="$plugins" "$@" info; }

info "$command" >"$work/plain.txt" || { echo "skipped: nobody cannot run $command"; exit 77; }
grep -q 'sound' "$work/plain.txt" || { echo "the plugins are not found at all"; exit 1; }
info "$copy" >"$work/set-uid.txt" || { echo "skipped: the copy does not run"; exit 77; }
if grep -q 'sound\|refuses' "$work/set-uid.txt"; then echo "a set-uid program listens"; cat "$work/set-uid.txt"; exit 1; fi
grep -q 'PLEXUS_BACKEND_PATH .* ignored: runs set-uid' "$work/set-uid.txt" || { cat "$work/set-uid.txt"; exit 1; }
