#!/usr/bin/python3
"""How good the choices of `plexus tune` are: auto_choice.py BUILD [--out FILE] [--repetitions N] [--optimizer NAME]

Times the training of every network and batch size on each backend and number of threads, each in a process of its own
(plexus-bench), asks `plexus tune` for its choice, and compares the time of the chosen one with the best. On a quiet machine."""
import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile

BATCHES = (1, 32, 128, 1024)


def run(command, environment):
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def fixed_choices(build, environment, available, limit):
    info = json.loads(run([f"{build}/cli/plexus", "info", "--json"], environment))
    names = [row["name"] for row in info["backends"] if row["usable"]]
    counts = sorted({2**i for i in range(20) if 2**i < available} | {available})
    # The reference is a candidate for the smallest steps alone, and takes minutes for the largest.
    small = r"^training/(13-64-3/b(1|32)|784-128-10/b1)/"
    every = r"^training/.*/b(" + "|".join(map(str, BATCHES)) + ")/"
    for name in names:
        for threads in counts if name != "reference" else counts[:1]:
            yield name, threads, (small if name == "reference" else every) + limit


def measure(build, environment, choice):
    name, threads, pattern = choice
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        run([f"{build}/bench/plexus-bench", "--backend", name, "--threads", str(threads), "--family", "training",
             f"--benchmark_filter={pattern}", f"--benchmark_out={out.name}"], environment)
        benchmarks = json.load(open(out.name))["benchmarks"]
    times = {}
    for row in benchmarks:
        found = re.match(r"training/([^/]+)/b(\d+)/(\w+)/", row["name"])
        if found and "real_time" in row:
            scale = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}[row["time_unit"]]
            times[found[1], int(found[2])] = row["real_time"] * scale
    return times


def widths_of(network):
    repeated = re.fullmatch(r"(\d+)x(\d+)", network)
    return [int(repeated[1])] * int(repeated[2]) if repeated else [int(w) for w in network.split("-")]


def tuned(build, environment, network, batch, optimizer):
    widths = widths_of(network)
    hidden = ",".join(f"{w},relu" for w in widths[1:-1])
    rule = ["--optimizer", optimizer] + (["--momentum", "0.9"] if optimizer == "sgd" else [])
    choice = json.loads(run([f"{build}/cli/plexus", "tune", "--json", "--no-cache", *rule,
                             "--layers", hidden, "--input", str(widths[0]), "--classes", str(widths[-1]),
                             "--batch", str(batch)], environment))
    return choice["backend"], choice["threads"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--out")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--optimizer", default="sgd", choices=("sgd", "adam"))
    options = parser.parse_args()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PLEXUS_")}
    available = len(os.sched_getaffinity(0))
    choices = list(fixed_choices(options.build, environment, available, options.optimizer + "/"))
    samples, picks = {}, {}
    # Repetitions outermost: what the machine does over the minutes meets all alike.
    for repetition in range(options.repetitions):
        for choice in choices:
            print(f"repetition {repetition + 1}: {choice[0]}, {choice[1]} threads", file=sys.stderr)
            for case, seconds in measure(options.build, environment, choice).items():
                samples.setdefault(case, {}).setdefault(choice[:2], []).append(seconds)
        for case in samples:
            pick = tuned(options.build, environment, *case, options.optimizer)
            picks.setdefault(case, []).append(pick)
    rows, losses = [], []
    for case, times in samples.items():
        medians = {choice: statistics.median(values) for choice, values in times.items()}
        best = min(medians, key=medians.get)
        for pick in picks[case]:
            if pick not in medians:
                sys.exit(f"{case}: {pick} was chosen, and not measured")
            loss = medians[pick] / medians[best]
            losses.append(loss)
            rows.append({"network": case[0], "batch": case[1], "best": best, "best_microseconds": medians[best] * 1e6,
                         "chosen": pick, "slower": loss})
            print(f"{case[0]:20} b{case[1]:<5} best {best[0]} t{best[1]} {medians[best] * 1e6:10.4g} us"
                  f"   chosen {pick[0]} t{pick[1]}   {100 * (loss - 1):6.1f} %")
    mean = math.exp(statistics.fmean(map(math.log, losses)))
    print(f"geometric mean {100 * (mean - 1):.2f} %, worst {100 * (max(losses) - 1):.1f} % slower than the best "
          f"fixed choice, {len(losses)} choices; load average {os.getloadavg()[0]:.2f}")
    if options.out:
        with open(options.out, "w") as file:
            json.dump({"geometric_mean": mean, "worst": max(losses), "cases": rows}, file, indent=2)


if __name__ == "__main__":
    main()
