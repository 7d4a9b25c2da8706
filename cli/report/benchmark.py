"""The page of `plexus bench --out`: whole networks, roofline, threads, shape by shape."""
import html
import math
import statistics

from page import FAINT, GRID, INK, UNITS, box, counted, duration, facts, page, plt, section, svg, table, unique

# Colours that most people can tell apart (Okabe and Ito 2008): ours warm and dark, the peers' lighter.
COLOURS = {
    "simd": "#d55e00", "onednn": "#0072b2", "reference": "#808080",
    "pytorch": "#cc79a7", "openblas": "#009e73", "onednn-sgemm": "#56b4e9", "sklearn": "#e69f00", "onnxruntime": "#b8a800",
}
OTHERS = ["#332288", "#882255", "#117733", "#aa4499"]  # of plugins
MARKERS = {"matmul": "o", "activation": "s", "loss": "^", "update": "D", "io": "P", "training": "*", "inference": "X"}
KERNELS = ("matmul", "activation", "loss", "update")


class Benchmark:
    """A benchmark: its name taken apart, medians over its repetitions."""

    def __init__(self, name, entries):
        self.name = name
        parts = name.split("/")
        self.family, self.shape, self.backend, self.threads = parts[0], "/".join(parts[1:-2]), parts[-2], int(parts[-1][1:])
        self.seconds = statistics.median(e["real_time"] * UNITS[e["time_unit"]] for e in entries)
        self.gflops, self.gigabytes, self.peak = (self.counter(entries, key) for key in ("GFLOPS", "GB/s", "peak"))
        self.label = entries[0].get("label", "")

    @staticmethod
    def counter(entries, key):
        values = [e[key] for e in entries if key in e]
        return statistics.median(values) if values else None


class Measurements:
    def __init__(self, data):
        self.context = data["context"]
        self.refused = data.get("refused", [])
        entries = {}
        for entry in data["benchmarks"]:
            if entry.get("run_type") != "aggregate" and not entry.get("error_occurred"):
                entries.setdefault(entry["name"], []).append(entry)
        self.benchmarks = [Benchmark(name, group) for name, group in entries.items()]
        self.threads = sorted({b.threads for b in self.benchmarks})
        self.backends = unique(b.backend for b in self.benchmarks)
        self.peers = [key[5:] for key in self.context if key.startswith("peer/")]

    def limits(self, kind, threads):
        """{"avx512": 231.0} of limit/fma/avx512/t2, the largest first."""
        prefix, suffix = f"limit/{kind}/", f"/t{threads}"
        found = {key[len(prefix):-len(suffix)]: float(value) for key, value in self.context.items()
                 if key.startswith(prefix) and key.endswith(suffix)}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def colour(self, backend):
        others = [b for b in self.backends if b not in COLOURS]
        return COLOURS.get(backend) or OTHERS[others.index(backend) % len(OTHERS)]


def legend(figure, axes_list, **where):
    handles = {}
    for axes in axes_list:
        for handle, label in zip(*axes.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    if handles:
        figure.legend(handles.values(), handles.keys(), frameon=False, **where)


def alike(limits):
    """[(names, rate)]: limits that cannot be told apart in a plot are one line."""
    groups = []
    for name, rate in limits.items():
        if groups and rate > 0.9 * groups[-1][1]:
            groups[-1][0].append(name)
        else:
            groups.append(([name], rate))
    return groups


def roofline(run, threads):
    """Every kernel: the operations it makes of a byte, and how many of them in a second; over both, the machine's limits."""
    points = [b for b in run.benchmarks
              if b.threads == threads and b.gflops and b.gigabytes and b.family in KERNELS]
    if not points:
        return None
    figure, axes = plt.subplots(figsize=(9, 5.2))
    x = [b.gflops / b.gigabytes for b in points]
    left, right = min(x) / 2, max(x) * 2
    axes.set(xscale="log", yscale="log", xlim=(left, right), xlabel="operations for every byte of operands and results",
             ylabel="GFLOP/s")
    fma, read = run.limits("fma", threads), run.limits("read", threads)
    top = max(fma.values(), default=0)
    for names, rate in alike(fma):
        axes.axhline(rate, color=INK, linewidth=1.2 if rate == top else 0.7, zorder=1)
        axes.text(right, rate * 1.06, f"{', '.join(names)} {rate:.0f} GFLOP/s", ha="right", va="bottom", fontsize=8, color=INK)
    for level, bandwidth in read.items():
        end = top / bandwidth if top else right
        axes.plot([left, min(end, right)], [left * bandwidth, min(end, right) * bandwidth], color=FAINT, linewidth=0.9, zorder=1)
        axes.text(left * 1.15, left * 1.15 * bandwidth, f"{level.upper()} {bandwidth:.0f} GB/s", fontsize=8, color=FAINT,
                  rotation=math.degrees(math.atan(bandwidth)), rotation_mode="anchor", transform_rotates_text=True, va="bottom")
    for backend in run.backends:
        for family, marker in MARKERS.items():
            chosen = [b for b in points if b.backend == backend and b.family == family]
            if chosen:
                axes.scatter([b.gflops / b.gigabytes for b in chosen], [b.gflops for b in chosen], s=34 if marker == "*" else 16,
                             marker=marker, color=run.colour(backend), alpha=0.65, linewidths=0, zorder=2)
    for backend in unique(b.backend for b in points):
        axes.scatter([], [], color=run.colour(backend), label=backend, s=30)
    for family in unique(b.family for b in points):
        axes.scatter([], [], color=FAINT, marker=MARKERS.get(family, "."), label=family, s=30)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)
    axes.grid(True, which="major", color=GRID, zorder=0)
    return svg(figure)


def parse_network(benchmark):
    """(network, batch, what else) of a shape like 784-128-10/b128/sgd; None where it is none."""
    parts = benchmark.shape.split("/")
    if len(parts) < 2 or not parts[1][:1] == "b" or not parts[1][1:].isdigit():
        return None
    return parts[0], int(parts[1][1:]), "/".join(parts[2:])


def networks(run, family, threads):
    """A panel a network: rows per second over the size of the batch, a line a backend or peer."""
    panels = {}
    for b in run.benchmarks:
        parsed = parse_network(b) if b.family == family and b.threads == threads else None
        if parsed:
            panels.setdefault((parsed[0], parsed[2]), {}).setdefault(b.backend, []).append((parsed[1], parsed[1] / b.seconds))
    panels = {key: lines for key, lines in panels.items() if any(len(values) > 1 for values in lines.values())}
    if not panels:
        return None
    columns = min(4, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure, grid = plt.subplots(rows, columns, figsize=(3.1 * columns + 0.4, 2.7 * rows + 0.3), squeeze=False)
    used = []
    for axes, ((network, rest), lines) in zip(grid.flat, panels.items()):
        for backend in run.backends:
            if backend in lines:
                values = sorted(lines[backend])
                axes.plot(*zip(*values), marker="o", markersize=3.5, linewidth=1.6 if backend not in run.peers else 1.1,
                          linestyle="-" if backend not in run.peers else "--", color=run.colour(backend), label=backend)
        batches = sorted({batch for values in lines.values() for batch, _ in values})
        axes.set(xscale="log", yscale="log", title=f"{network}  {rest}", xlabel="batch", ylabel="rows/s")
        axes.set_xticks(batches, [str(batch) for batch in batches])
        axes.minorticks_off()
        axes.grid(True, which="major", color=GRID)
        used.append(axes)
    for axes in list(grid.flat)[len(used):]:
        axes.remove()
    figure.tight_layout()
    legend(figure, used, loc="lower center", bbox_to_anchor=(0.5, -0.06 if rows > 1 else -0.1), ncol=len(run.backends))
    return svg(figure)


def against_peers(run):
    """How many times faster than the fastest peer: the best of ours, network by network."""
    best = {}
    for b in run.benchmarks:
        if b.family in ("training", "inference") and parse_network(b):
            side = best.setdefault((b.family, b.shape), {})
            key = "peer" if b.backend in run.peers else "ours"
            if key not in side or b.seconds < side[key].seconds:
                side[key] = b
    rows = [(family, shape, side["ours"], side["peer"]) for (family, shape), side in best.items() if len(side) == 2]
    rows.sort(key=lambda row: row[0], reverse=True)  # training first, each as the run has it
    if not rows:
        return None
    figure, axes = plt.subplots(figsize=(9, 0.28 * len(rows) + 1))
    for i, (family, shape, ours, peer) in enumerate(rows):
        ratio = peer.seconds / ours.seconds
        axes.barh(-i, ratio, color=run.colour(ours.backend), height=0.7)
        axes.text(ratio * 1.04, -i, f"{ratio:.2f}x   {duration(ours.seconds)} ({ours.backend}, t{ours.threads}) against "
                  f"{duration(peer.seconds)} ({peer.backend})", va="center", fontsize=8)
    axes.set_yticks([-i for i in range(len(rows))], [f"{family} {shape}" for family, shape, _, _ in rows], fontsize=8)
    axes.set(xscale="log", xlabel="times faster than the fastest peer")
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.margins(y=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    return svg(figure)


def scaling(run, threads):
    """What more threads give, over the time that one thread takes."""
    single = {(b.family, b.shape, b.backend): b for b in run.benchmarks if b.threads == 1}
    pairs = [(single[key], b) for b in run.benchmarks
             if b.threads == threads and b.family != "io" and (key := (b.family, b.shape, b.backend)) in single]
    if threads == 1 or not pairs:
        return None
    figure, axes = plt.subplots(figsize=(9, 4))
    for backend in run.backends:
        for family, marker in MARKERS.items():
            chosen = [(one, many) for one, many in pairs if one.backend == backend and one.family == family]
            axes.scatter([one.seconds * 1e6 for one, _ in chosen], [one.seconds / many.seconds for one, many in chosen],
                         s=34 if marker == "*" else 16, marker=marker, color=run.colour(backend), alpha=0.65, linewidths=0)
    for backend in unique(one.backend for one, _ in pairs):
        axes.scatter([], [], color=run.colour(backend), label=backend, s=30)
    for family in unique(one.family for one, _ in pairs):
        axes.scatter([], [], color=FAINT, marker=MARKERS.get(family, "."), label=family, s=30)
    for value in (1, threads):
        axes.axhline(value, color=INK, linewidth=0.8)
    axes.set(xscale="log", xlabel="µs on one thread", ylabel=f"times faster on {threads} threads", ylim=(0, threads * 1.25))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)
    axes.grid(True, color=GRID)
    return svg(figure)


def shade(ratio):
    """From red (a fifth of the fastest or less) over yellow to green (the fastest), light enough for black text."""
    x = max(0.0, min(1.0, math.log(ratio * 5) / math.log(5)))
    return f"hsl({int(120 * x)},65%,{78 - 4 * x:.0f}%)"


def heat_map(run, family, threads):
    """A table with a row a shape and a column a backend, coloured by how near it comes to the fastest."""
    cells = {}
    for b in run.benchmarks:
        if b.family == family and b.threads == threads:
            cells.setdefault(b.shape, {})[b.backend] = b
    if not cells:
        return None
    backends = [name for name in run.backends if any(name in row for row in cells.values())]

    def cell(b, best):
        rate = f"{b.gflops:.3g} GFLOP/s" if b.gflops else f"{b.gigabytes:.3g} GB/s" if b.gigabytes else ""
        peak = f", {100 * b.peak:.0f} % of the limit" if b.peak else ""
        title = html.escape(f"{duration(b.seconds)}, {rate}{peak}; {b.label}", quote=True)
        return f'style="background:{shade(best / b.seconds)};color:#222" title="{title}"', f"{best / b.seconds:.2f}"

    rows = []
    for shape, row in cells.items():
        best = min(b.seconds for b in row.values())
        rows.append([("class=code", html.escape(shape)), duration(best)] +
                    [cell(row[name], best) if name in row else "" for name in backends])
    return table(["shape", "fastest"] + [html.escape(b) for b in backends], rows, "heat")


def machine(run):
    context = run.context
    rows = [("CPU", f"{context.get('cpu', 'unknown')}, {context.get('isa', '')}"),
            ("build", context.get("backend_versions", "unknown"))]
    rows += [(key[5:], value) for key, value in context.items() if key.startswith("peer/")]
    rows += [("measured", f"{context.get('date', '')}, repetitions: {context.get('repetitions', '1')}, "
              f"load average at most {context.get('load_average', 'unknown')}")]
    for threads in run.threads:
        text = [f"{isa} {rate:.0f} GFLOP/s" for isa, rate in run.limits("fma", threads).items()]
        text += [f"{level.upper()} {rate:.0f} GB/s" for level, rate in run.limits("read", threads).items()]
        text += [f"parallel loop, {state} {rate:.1f} µs" for state, rate in run.limits("parallel_for", threads).items()]
        if text:
            rows.append((f"limits, {counted(threads, 'thread')}", ", ".join(text)))
    return facts(rows)


def warnings(run):
    lines = [f"{key[5:]}: {value}" for key, value in run.context.items() if key.startswith("void/")]
    lines += [f"refused, its result was wrong: {r['name']}: {r['error_message']}" for r in run.refused]
    return box(["Not to be quoted."] + lines) if lines else ""


def draw(data):
    """The page of a BENCH.json."""
    run = Measurements(data)
    families = unique(b.family for b in run.benchmarks)
    body = section("Whole networks against other libraries",
                   "The fastest of our backends and thread counts against the fastest setting of the fastest peer.",
                   [("", against_peers(run))])
    body += section("Networks over the size of the batch",
                    "Rows of training data, or of predictions, per second. Dashed: other libraries.",
                    [(f"{family}, {counted(threads, 'thread')}", networks(run, family, threads))
                     for family in ("training", "inference") for threads in run.threads])
    body += section("Roofline",
                    "Every kernel a point. The lines are what the machine was measured to do: arithmetic with each instruction "
                    "set, reading from each level of memory.",
                    [(counted(threads, "thread"), roofline(run, threads)) for threads in run.threads])
    body += section("More threads", "Every benchmark a point: small work gains nothing from a second thread.",
                    [("", scaling(run, threads)) for threads in run.threads])
    heat = [(family, threads, heat_map(run, family, threads)) for family in families for threads in run.threads]
    body += section("Shape by shape", "1.00 is the fastest, 0.50 takes twice as long. Rates are shown beneath the pointer.",
                    [("", "".join(f"<details{' open' if family == families[0] else ''}><summary>{html.escape(family)}, {counted(threads, 'thread')}"
                                  f"</summary><div class=scroll>{text}</div></details>" for family, threads, text in heat if text))])
    return page(f"Plexus on {run.context.get('cpu', 'this machine')}", "Plexus, measured", machine(run) + warnings(run) + body,
                "measurements", data)
