"""What all peers written in Python share: arguments, timing, the JSON that plexus bench reads."""
import argparse
import json
import os
import sys
import time


def not_installed(package):
    """Ends the process as plexus bench expects it of a peer that is not here."""
    print(f"not installed: apt-get install {package}", file=sys.stderr)
    sys.exit(4)


def threads(variable):
    """The size that a pool of threads was given, 1 where none was."""
    return int(os.environ.get(variable, "1"))


def measure(call, seconds):
    """Runs until the time is reached, after a first call for what a library does once: iterations, real and CPU time of all."""
    call()
    iterations = 1
    while True:
        cpu, start = time.process_time(), time.perf_counter()
        for _ in range(iterations):
            call()
        real = time.perf_counter() - start
        if real >= seconds:
            return iterations, real, time.process_time() - cpu
        # As Google Benchmark does: a little more than is needed, never more than ten times as much.
        factor = seconds * 1.4 / real if real * 10 > seconds else 10
        iterations = max(iterations + 1, int(iterations * factor))


def main(version, multiply_1024, prepare):
    """
    version: a line. multiply_1024: makes a call that multiplies two 1024 x 1024 matrices of float32.
    prepare: for a name, the call to time and how many steps one call does; None: not for this peer.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--versions", action="store_true")
    parser.add_argument("--names")
    parser.add_argument("--out")
    parser.add_argument("--min-time", type=float)
    arguments = parser.parse_args()
    if arguments.versions:
        print(version)
        return
    iterations, real, _ = measure(multiply_1024(), arguments.min_time)
    result = {
        "context": {"version": version, "sgemm_1024": str(2 * 1024**3 * iterations / real * 1e-9)},
        "benchmarks": [],
    }
    with open(arguments.names) as names:
        for name in names.read().splitlines():
            prepared = prepare(name)
            if prepared is None:
                continue
            call, steps = prepared
            iterations, real, cpu = measure(call, arguments.min_time)
            result["benchmarks"].append({
                "name": name, "run_name": name, "run_type": "iteration", "threads": 1, "iterations": iterations * steps,
                "real_time": real * 1e9 / (iterations * steps), "cpu_time": cpu * 1e9 / (iterations * steps), "time_unit": "ns",
            })
    with open(arguments.out, "w") as out:
        json.dump(result, out, indent=1)
