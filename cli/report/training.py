"""The page of runs of `plexus train --run`: curves of all of them, then what each is worth, where it errs, and what it was made of."""
import base64
import html
import io
import math

from page import FAINT, INK, box, counted, duration, facts, matplotlib, page, plt, section, svg, table, unique
from PIL import Image  # matplotlib's own

# Of runs, readable on light and dark (Okabe and Ito 2008).
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#b8a800", "#808080"]
MOST_COLUMNS = 12   # of a row of a table: more do not fit a line
LARGE_CLASSES = 40  # confusion matrices beyond leave out the zeros: they are nearly all of it

STYLE = """<style>
.pictures { display: flex; flex-wrap: wrap; gap: .8rem } .pictures figure { margin: 0; width: 7.4rem; font-size: 12px; line-height: 1.3 }
.pictures img { width: 100%; image-rendering: pixelated } img.layer { image-rendering: pixelated; width: 34rem; max-width: 100% }
table.confusion td { text-align: right; min-width: 1.6rem } table.confusion td:first-child { white-space: nowrap }
table.plan td:nth-last-child(-n+2) { white-space: nowrap }
</style>"""


def percent(value, digits=1):
    return "—" if value is None else f"{100 * value:.{digits}f} %"


def number(value):
    return "—" if value is None else f"{value:.4g}" if isinstance(value, (int, float)) else value


def figure_of(value):
    return "—" if value is None else f"{value:.4f}"


def within(interval):
    return f"{percent(interval[0])} to {percent(interval[1])}"


def names(runs):
    """What the runs are called: their directories, or all of their paths where two are alike."""
    short = [run.name for run in runs]
    return short if len(set(short)) == len(short) else [run.path for run in runs]


def colour(index):
    return COLOURS[index % len(COLOURS)]


# ---- curves

def root_mean_squares(run, key):
    """In the units in which a regression is trained: standard deviations of the target."""
    return [] if run.manifest.get("loss") != "mse" else [(epoch, math.sqrt(value)) for epoch, value in run.curve(key)]


def panels(runs):
    """[(title, x axis, [(run number, line style, what, points)])], those without a point left out."""
    def lines(*kinds):
        return [(i, style, what, points) for what, style, of in kinds for i, run in enumerate(runs) if (points := of(run))]
    losses = lines(("training", "-", lambda run: run.curve("train_loss")),
                   ("validation", "--", lambda run: run.curve("validation_loss")))
    found = [("loss", "epoch", losses),
             ("validation accuracy", "epoch", lines(("validation", "--", lambda run: run.curve("validation_accuracy")))),
             ("RMSE, in standard deviations of the target", "epoch",
              lines(("training", "-", lambda run: root_mean_squares(run, "train_loss")),
                    ("validation", "--", lambda run: root_mean_squares(run, "validation_loss")))),
             ("learning rate, of the last step of an epoch", "epoch", lines(("", "-", lambda run: run.curve("learning_rate")))),
             ("loss of single batches", "step", lines(("", "-", lambda run: [
                 (point["step"], point["loss"]) for point in run.steps if point["loss"] is not None])))]
    return [panel for panel in found if panel[2]]


def curves(runs):
    shown = panels(runs)
    if not shown:
        return None
    rows = math.ceil(len(shown) / 2)
    figure, grid = plt.subplots(rows, 2, figsize=(10, 3.1 * rows), squeeze=False)
    for axes, (title, along, lines) in zip(grid.flat, shown):
        for i, style, _, points in lines:
            single = len(points) == 1
            axes.plot(*zip(*points), style, color=colour(i), linewidth=0.8 if along == "step" else 1.6, marker="o" if single else None,
                      markersize=4)
        values = [value for *_, points in lines for _, value in points if value > 0]
        if "loss" in title and values and max(values) > 20 * min(values):
            axes.set_yscale("log")
        if "rate" in title and values and max(values) == min(values):
            axes.set_ylim(0, 2 * max(values))
        if along == "step":
            axes.set_xscale("log")
        else:
            axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
        axes.set(title=title, xlabel=along)
        axes.grid(True)
    for axes in list(grid.flat)[len(shown):]:
        axes.remove()
    handles = [plt.Line2D([], [], color=colour(i), label=name) for i, name in enumerate(names(runs))] if len(runs) > 1 else []
    kinds = unique((style, what) for _, _, lines in shown for _, style, what, _ in lines if what)
    handles += [plt.Line2D([], [], color=INK, linestyle=style, label=what) for style, what in kinds]
    figure.tight_layout()
    if handles:
        figure.legend(handles=handles, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0), ncol=6)
    return svg(figure)


# ---- what they are worth

def summary(runs):
    rows = []
    for i, (name, run) in enumerate(zip(names(runs), runs)):
        e = run.evaluation
        test = "not finished"
        if e and run.classifies:
            test = f"<b>{percent(e['accuracy'], 2)}</b> right ({within(e['interval'])})"
        elif e:
            test = f"RMSE <b>{number(e['rmse'])}</b>, R² <b>{figure_of(e['r2'])}</b>"
        seconds = sum(epoch["seconds"] or 0 for epoch in run.epochs)
        best = f"{e['best_epoch']}" if e and e["best_epoch"] else "last"
        rows.append([f'<span style="color:{colour(i)}">●</span> {html.escape(name)}', test, figure_of(e["loss"]) if e else "—",
                     str(e["rows"]) if e else "—", str(len(run.epochs)), best, duration(seconds) if run.epochs else "—"])
    return table(["run", "test data", "loss", "rows", "epochs", "weights of epoch", "time"], rows)


def confusion(run):
    """Heat map with counts: blue on the diagonal, orange beside it, by the share of the row."""
    e = run.evaluation
    if not e or not run.classifies:
        return None
    classes = e["classes"]

    def cell(row, column, count, total):
        base = "0,114,178" if row == column else "213,94,0"
        strength = 0.75 * (count / total) ** 0.5 if total else 0
        title = html.escape(f"{classes[row]}, taken for {classes[column]}: {count}", quote=True)
        return (f'style="background:rgba({base},{strength:.2f})" title="{title}"',
                str(count) if count or len(classes) <= LARGE_CLASSES else "")
    rows = [[html.escape(classes[r])] + [cell(r, c, count, sum(counts)) for c, count in enumerate(counts)]
            for r, counts in enumerate(e["confusion"])]
    return "<div class=scroll>" + table(["true, taken for"] + [html.escape(name) for name in classes], rows, "confusion") + "</div>"


def class_table(run):
    e = run.evaluation
    if not e or not run.classifies:
        return None
    rows = [[html.escape(s["class"]), percent(s["precision"]), within(s["precision_interval"]), percent(s["recall"]),
             within(s["recall_interval"]), figure_of(s["f1"]), figure_of(s["auc"]), str(s["rows"])] for s in e["scores"]]
    rows.append(["<b>mean</b>", "", "", "", "", f"<b>{figure_of(e['f1'])}</b>", f"<b>{figure_of(e['auc'])}</b>", str(e["rows"])])
    text = table(["class", "precision", "95 % interval", "recall", "95 % interval", "F1", "AUC", "rows"], rows)
    return f"<div class=scroll>{text}</div>"


def calibration(runs):
    """How often an answer is right over how sure the network was; beneath it, how often it was so sure."""
    shown = [(i, run.evaluation) for i, run in enumerate(runs) if run.evaluation and run.evaluation.get("calibration")]
    if not shown:
        return None
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(5.4, 5.6), sharex=True, gridspec_kw={"height_ratios": [3, 1]})
    upper.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8)
    for i, e in shown:
        bins = [b for b in e["calibration"] if b["rows"]]
        name = names(runs)[i] + ": " if len(runs) > 1 else ""
        upper.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], marker="o", markersize=4, color=colour(i),
                   label=f"{name}error {percent(e['calibration_error'])}")
        width = 1 / len(e["calibration"])
        lower.bar([(n + 0.5) * width for n in range(len(e["calibration"]))], [b["rows"] / e["rows"] for b in e["calibration"]],
                  width=0.9 * width, color=colour(i), alpha=1 / len(shown) ** 0.5)
    upper.set(ylabel="share that is right", ylim=(0, 1.02), xlim=(0, 1))
    upper.legend(frameon=False, loc="upper left")
    lower.set(xlabel="probability of the predicted class", ylabel="share of rows")
    for axes in (upper, lower):
        axes.grid(True)
        axes.set_axisbelow(True)
    figure.tight_layout()
    return svg(figure)


# ---- pictures and mistakes

def picture(pixels, colours, kind, alternative):
    """`pixels`: lines of numbers from 0 to 1, which the colours are chosen by; None: transparent."""
    palette = matplotlib.colormaps[colours](range(256), bytes=True)[:, :3]
    image = Image.new("P", (len(pixels[0]), len(pixels)))
    image.putpalette(palette.tobytes())
    image.putdata([255 if value is None else round(254 * min(max(value, 0), 1)) for line in pixels for value in line])
    file = io.BytesIO()
    image.save(file, "png", optimize=True, transparency=255)
    text = base64.b64encode(file.getvalue()).decode()
    return f'<img{" class=" if kind else ""}{kind} alt="{html.escape(alternative, quote=True)}" src="data:image/png;base64,{text}">'


def lines_of(values, width):
    return [values[first:first + width] for first in range(0, len(values), width)]


def answer(one, classifies):
    """[truth, prediction, how sure or how far off], as text."""
    if classifies:
        return [one["truth"], one["predicted"], percent(one["probability"], 0)]
    return [", ".join(map(number, one[key])) for key in ("truth", "predicted")] + [number(one["error"])]


def mistake_pictures(e, classifies):
    text = ""
    for one in e["mistakes"]:
        truth, taken, measure = map(html.escape, answer(one, classifies))
        white = 255 if max(one["values"]) > 1 else 1
        image = picture(lines_of([value / white for value in one["values"]], e["shape"][1]), "gray", "", one["row"])
        text += (f'<figure title="{html.escape(one["row"], quote=True)}">{image}<figcaption>{truth}<br>taken for {taken}'
                 f"{' ' + measure.replace(' ', '&nbsp;') if classifies else ''}</figcaption></figure>")
    return f"<div class=pictures>{text}</div>"


def mistake_table(e, classifies):
    width = len(e["mistakes"][0]["values"] or [])
    columns = e["columns"] or [f"column {i}" for i in range(width)]
    rows = []
    for one in e["mistakes"]:
        values = (one["values"] or [])[:MOST_COLUMNS]
        rows.append([html.escape(text) for text in [one["row"], *answer(one, classifies), *map(number, values)]])
    more = f"<p class=note>and {counted(width - MOST_COLUMNS, 'column')} more</p>" if width > MOST_COLUMNS else ""
    headings = ["row", "true", "taken for", "probability"] if classifies else ["row", "target", "prediction", "distance"]
    text = table(headings + [html.escape(name) for name in columns[:min(width, MOST_COLUMNS)]], rows)
    return f"<div class=scroll>{text}</div>{more}"


def mistakes(run):
    e = run.evaluation
    if not e:
        return None
    if not e["mistakes"]:
        return "<p>None.</p>"
    pictures = len(e["shape"]) == 2 and all(one["values"] for one in e["mistakes"])
    return (mistake_pictures if pictures else mistake_table)(e, run.classifies)


def first_layer(run):
    """All units in one picture, eight side by side, each on its own scale."""
    layer = run.first_layer
    if not layer or not layer["units"]:
        return None
    height, width = layer["shape"]
    across = min(8, len(layer["units"]))
    down = math.ceil(len(layer["units"]) / across)
    sheet = [[None] * (across * (width + 1) - 1) for _ in range(down * (height + 1) - 1)]
    for i, unit in enumerate(layer["units"]):
        top, left = i // across * (height + 1), i % across * (width + 1)
        for y, line in enumerate(lines_of(unit["values"], width)):
            sheet[top + y][left:left + width] = [(value + 127) / 254 for value in line]
    shown = "" if len(layer["units"]) == layer["all_units"] else f"<p class=note>The first {len(layer['units'])} of {layer['all_units']} units.</p>"
    return picture(sheet, "RdBu_r", "layer", "weights of the first layer") + shown


# ---- what they were made of

def findings(run):
    found = run.evaluation["findings"] if run.evaluation else []
    rows = [[html.escape(one["id"]), ("class=left", html.escape(one["message"])), ("class=left", html.escape(one["remedy"]))]
            for one in found]
    return table(["what", ("class=left", "where"), ("class=left", "what to do")], rows) if rows else None


def plan(run):
    operations = [o for plan in run.plan["plans"] for o in plan["operations"]] if run.plan else []
    if not operations:
        return None
    total = sum(o["measured_ns"] or 0 for o in operations)
    rows = []
    for o in operations:
        share = (o["measured_ns"] or 0) / total if total else 0
        shade = f'style="background:linear-gradient(90deg,rgba(0,114,178,.35) {100 * share:.1f}%,transparent 0)"'
        rows.append([html.escape(o["label"]), ("class=code", html.escape(o["spec"])), html.escape(o["backend"]),
                     html.escape(o["kernel"]), html.escape(o["why"]), duration((o["measured_ns"] or 0) * 1e-9), (shade, percent(share))])
    rows.append(["<b>step</b>", ("class=left", f"{counted(run.plan['plans'][0]['rows'], 'row')}"), "", "", "", f"<b>{duration(total * 1e-9)}</b>", ""])
    text = table(["layer", ("class=left", "operation"), "backend", "kernel", "why", "time", "share"], rows, "plan")
    return f"<div class=scroll>{text}</div>"


def manifest(run):
    m = run.manifest
    prints = ", ".join(f"{part} {m['data'][part]}" for part in ("train", "test") if m["data"].get(part))
    return facts([("command", "plexus train " + " ".join(m["arguments"])), ("training", m["training"]), ("seed", str(m["seed"])),
                  ("data", m["data"]["path"] + (f", fingerprints: {prints}" if prints else "")),
                  ("backend", f"{m['backend']}, {m['isa']}, {counted(m['threads'], 'thread')}" + (", chosen by auto" if m.get("auto") else "")),
                  ("CPU", m["cpu"]),
                  ("Plexus", f"{m['library_version']}, {m['build']}"), ("directory", run.path)])


def unfinished(runs):
    lines = [f"{name}: {counted(len(run.epochs), 'epoch')} so far; --resume goes on from its newest checkpoint"
             for name, run in zip(names(runs), runs) if not run.evaluation]
    return box(["Not finished: there are no figures of the test data."] + lines) if lines else ""


def draw(runs):
    """The page of one or several runs."""
    def each(part):
        return [(name if len(runs) > 1 else "", part(run)) for name, run in zip(names(runs), runs)]
    body = summary(runs) + unfinished(runs)
    body += section("Training", "Epoch by epoch; losses of training are the mean over the epoch, while the weights moved.",
                    [("", curves(runs))])
    body += section("Diagnosis", "What looked like one of the usual mistakes, before and while it trained.", each(findings))
    body += section("Confusion", "Rows of the test data: what they are, and what the network takes them for. The stronger the colour, the larger the share of the row.",
                    each(confusion))
    body += section("Class by class", "Of those that were taken for a class, the share that is right (precision); of its rows, the share "
                    "that was found (recall).", each(class_table))
    body += section("Calibration", "How often an answer is right, over how sure the network was. On the line, it can be taken at its word; "
                    "beneath it, it is too sure.", [("", calibration(runs))])
    body += section("Worst mistakes", "Rows of the test data, the worst first: classes by the probability that the network left for the "
                    "truth, numbers by the distance from the target.", each(mistakes))
    body += section("First layer", "The weights with which a unit sees the pixels (as the network sees them: standardised): red adds, blue "
                    "takes away.", each(first_layer))
    body += section("Plan of a step", "Who ran what, and how long it takes: measured after the training on random rows, operation by "
                    "operation.", each(plan))
    body += section("Manifest", "What the run was made of; plexus replay repeats it.", each(manifest))
    title = ", ".join(names(runs))
    return page(f"Plexus: {title}", title, STYLE + body, "runs", [run.data() for run in runs])
