#!/usr/bin/env bash
# check_limits.sh PLEXUS IRIS: the command under the limits that systems set. It trains, or says in one line why not; it is never killed, and never hangs.
set -uo pipefail
plexus=$1 iris=$2
failures=0

# expect CODES WHAT COMMAND...: one of the exit codes; where it is not 0, one line, "plexus: error: ...".
expect() {
  local codes=$1 what=$2 errors code
  shift 2
  errors=$(timeout 60 "$@" 2>&1 >/dev/null)
  code=$?
  if [[ " $codes " != *" $code "* ]]; then
    echo "$what: exit code $code, expected $codes: $errors"
    failures=$((failures + 1))
  elif ((code != 0)) && [[ $(grep -c '^plexus: error: ' <<<"$errors") != 1 ]]; then
    echo "$what: not one line: $errors"
    failures=$((failures + 1))
  fi
}
train=("$plexus" train "$iris" --layers 10,relu --epochs 2)
wide=("$plexus" train "$iris" --layers 512,relu,512,relu --batch 128 --epochs 2 --threads 4)
limited() { bash -c 'ulimit "$1" "$2"; shift 2; exec "$@"' limited "$@"; }
export -f limited

expect 0 "64 MB of addresses, a small network" bash -c 'limited "$@"' - -v 65536 "${train[@]}"
# As much as it takes to start, and less than a network of 200 MB.
expect "3 5 1" "150 MB of addresses, a large network" bash -c 'limited "$@"' - -v 150000 "$plexus" train "$iris" --layers 7000,relu,7000,relu --epochs 1 --threads 1
expect 0 "a stack of 256 kB" bash -c 'limited "$@"' - -s 256 "${wide[@]}"
expect 0 "16 open files" bash -c 'limited "$@"' - -n 16 "${train[@]}"
# The limit on processes does not hold for root: as nobody, who must be able to run the command.
if ((EUID == 0)) && setpriv --reuid=65534 --clear-groups "$plexus" info >/dev/null 2>&1; then
  expect 0 "no further process" setpriv --reuid=65534 --clear-groups bash -c 'ulimit -u 1; exec "$@"' - "${wide[@]}"
elif ((EUID != 0)); then
  expect 0 "no further process" bash -c 'ulimit -u 1; exec "$@"' - "${wide[@]}"
fi
# Stopped and continued, it ends as any other.
"${wide[@]}" >/dev/null 2>&1 &
pid=$!
for _ in {1..5}; do
  kill -STOP $pid 2>/dev/null
  sleep 0.02
  kill -CONT $pid 2>/dev/null
  sleep 0.02
done
wait $pid || { echo "stopped and continued: exit code $?"; failures=$((failures + 1)); }
# Interrupted at any time: done before, or 130, or 143; nothing else.
for signal in INT TERM; do
  for delay in 0.005 0.01 0.02 0.04 0.06 0.1 0.2; do
    (trap - INT; exec timeout --preserve-status -s $signal $delay "$plexus" train "$iris" --layers 64,relu --epochs 2000 >/dev/null 2>&1)
    code=$?
    [[ " 0 130 143 " == *" $code "* ]] || { echo "SIG$signal after $delay s: exit code $code"; failures=$((failures + 1)); }
  done
done
# Whoever reads has gone.
"${train[@]}" 2>/dev/null | head -1 >/dev/null
code=${PIPESTATUS[0]}
[[ " 0 141 5 " == *" $code "* ]] || { echo "a closed pipe: exit code $code"; failures=$((failures + 1)); }
exit $((failures > 0))
