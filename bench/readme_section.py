#!/usr/bin/python3
"""
Writes README's performance section from what `plexus bench --peers --out DIR` measured:
bench/readme_section.py DIR/bench.json README.md replaces what lies between the two markers there. With --filter alone it
prints what `plexus bench --filter` has to measure for it.
"""
import argparse
import json
import re
import statistics
import sys

BEGIN, END = "<!-- performance: written by bench/readme_section.py -->", "<!-- end of performance -->"
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}
BATCHES = (1, 32, 128, 1024)
# The squares, and one layer with its three products: the others are in the report.
PRODUCTS = [("nn", n, n, n) for n in (64, 256, 1024, 2048)] + [("nn", 128, 512, 784), ("nt", 128, 784, 512), ("tn", 784, 512, 128)]
TITLES = {"pytorch": "PyTorch", "sklearn": "scikit-learn", "onnxruntime": "ONNX Runtime", "openblas": "OpenBLAS",
          "onednn-sgemm": "oneDNN sgemm"}


def fail(message):
    sys.exit(f"readme_section.py: error: {message}")


class Median:
    """One benchmark: medians over its repetitions."""

    def __init__(self, entries):
        self.seconds = statistics.median(e["real_time"] * UNITS[e["time_unit"]] for e in entries)
        self.gflops, self.peak = (statistics.median(e.get(key, 0) for e in entries) for key in ("GFLOPS", "peak"))


def medians(data):
    """{(family and shape, backend, threads): Median}"""
    groups = {}
    for entry in data["benchmarks"]:
        work, backend, threads = entry["name"].rsplit("/", 2)
        groups.setdefault((work, backend, int(threads[1:])), []).append(entry)
    return {key: Median(entries) for key, entries in groups.items()}


def fastest(results, work, backends):
    """(backend, threads, Median) of the least time, None where nobody did it."""
    found = [(backend, threads, m) for (name, backend, threads), m in results.items() if name == work and backend in backends]
    return min(found, key=lambda item: item[2].seconds, default=None)


def duration(seconds):
    unit = next((u for u in ("s", "ms", "us") if seconds >= UNITS[u]), "ns")
    return f"{seconds / UNITS[unit]:.3g} {unit}".replace("us", "µs")


def count(threads):
    return f"{threads} thread" + ("s" if threads > 1 else "")


def table(header, rows):
    return ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"] + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def networks(results, family, variant, title, ours, peers):
    """A row a network and batch: ours, and the peers with how many times longer they take."""
    works = dict.fromkeys(work for work, _, _ in results if work.startswith(family + "/"))
    present = [peer for peer in peers if any(backend == peer for work, backend, _ in results if work in works)]
    rows = []
    for work in works:
        match = re.fullmatch(family + r"/([^/]+)/b(\d+)" + variant, work)
        best = fastest(results, work, ours)
        if not match or int(match[2]) not in BATCHES or not best:
            continue
        backend, threads, m = best
        row = [f"{match[1]}, batch {match[2]}", f"**{duration(m.seconds)}** ({backend}, t{threads})", f"{100 * m.peak:.0f} %"]
        for peer in present:
            other = fastest(results, work, [peer])
            row.append(f"{duration(other[2].seconds)} ({other[2].seconds / m.seconds:.1f}x)" if other else "")
        rows.append(row)
    return table([title, "Plexus", "of the limit"] + [TITLES[peer] for peer in present], rows) if rows else []


def product_pattern(form, m, n, k):
    return f"matmul/{form}/f32/m{m}~?/n{n}/k{k}~?"


def names_pattern():
    """An extended regular expression for all that the section shows."""
    batches = "b(" + "|".join(map(str, BATCHES)) + ")"
    names = [f"training/[^/]+/{batches}/sgd", f"inference/[^/]+/{batches}"] + [product_pattern(*product) for product in PRODUCTS]
    return "^(" + "|".join(names) + ")/[^/]+/t[0-9]+$"


def products(results, ours, peers, threads):
    columns = ours + [peer for peer in peers if peer in ("openblas", "onednn-sgemm")]
    rows = []
    for form, m, n, k in PRODUCTS:
        pattern = re.compile(product_pattern(form, m, n, k))
        found = {backend: value for (work, backend, t), value in results.items() if t == threads and pattern.fullmatch(work)}
        if found:
            rows.append([f"{form} {m} x {n} x {k}"] + [f"{found[b].gflops:.3g} ({100 * found[b].peak:.0f} %)" if b in found else ""
                                                       for b in columns])
    header = [f"GFLOP/s on {count(threads)}"] + [TITLES.get(b, f"`{b}`") for b in columns]
    return table(header, rows) if rows else []


def section(data):
    context = data["context"]
    void = {key[5:]: reason for key, reason in context.items() if key.startswith("void/")}
    peers = [key[5:] for key in context if key.startswith("peer/") and key[5:] not in void]
    # Of a void peer what one number of threads gave may be left: it is not its best.
    results = {key: median for key, median in medians(data).items() if key[1] not in void}
    ours = [b for b in dict.fromkeys(backend for _, backend, _ in results) if b not in peers]
    counts = sorted({threads for _, _, threads in results})
    limits = [f"{float(context[key]):.3g} GFLOP/s on {count(threads)}" for threads in counts
              if (key := f"limit/fma/{context['isa']}/t{threads}") in context]
    lines = [f"Measured on {context['cpu']} ({context['isa']}; {', '.join(limits)}), {context['date'][:10]}, with",
             f"{context['backend_versions']}. Medians of {context['repetitions']} processes each.", ""]
    lines += networks(results, "training", "/sgd", "training, SGD with momentum", ours, peers)
    lines += networks(results, "inference", "", "inference", ours, peers)
    for threads in counts:
        lines += products(results, ours, peers, threads)
    if peers:
        lines += ["Beside it in the same run, each at its fastest setting of threads: " +
                  "; ".join(context[f"peer/{peer}"] for peer in peers) + "."]
    lines += ["Left out: " + "; ".join(f"{TITLES.get(peer, peer)}: {reason}" for peer, reason in void.items()) + "."] if void else []
    return "\n".join(lines).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description="Writes README's performance section from a run of plexus bench.")
    parser.add_argument("file", metavar="BENCH.json", nargs="?")
    parser.add_argument("readme", metavar="README.md", nargs="?")
    parser.add_argument("--filter", action="store_true", help="print what plexus bench --filter has to measure")
    arguments = parser.parse_args()
    if arguments.filter:
        print(names_pattern())
        return
    if not arguments.readme:
        parser.error("BENCH.json and README.md are missing, or --filter")
    with open(arguments.file) as file:
        data = json.load(file)
    # A peer that is void says nothing against the others, who were measured all the same.
    reasons = [data["context"]["void/machine"]] if "void/machine" in data["context"] else []
    reasons += [r["name"] + " was refused" for r in data.get("refused", [])]
    if reasons:
        fail(f"{arguments.file}: not to be quoted: " + "; ".join(reasons))
    with open(arguments.readme, encoding="utf-8") as file:
        text = file.read()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        fail(f"{arguments.readme}: expected the lines {BEGIN} and {END}, each once")
    before, after = text[:text.index(BEGIN)], text[text.index(END):]
    with open(arguments.readme, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n" + section(data) + after)


main()
