"""A page of plots: what every report is made of. It needs nothing else, and is readable on a light screen and on a dark one."""
import html
import io
import json
import sys

try:
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt
except ImportError:
    print("plexus: error: plots need matplotlib: apt-get install python3-matplotlib", file=sys.stderr)
    sys.exit(4)

# Colours that matplotlib passes through: svg() has the page choose between dark on light and light on dark.
INK, FAINT, GRID = "#010203", "#040506", "#070809"
CHOSEN = {INK: "var(--ink)", FAINT: "var(--faint)", GRID: "var(--grid)"}

matplotlib.rcParams.update({
    "font.family": "sans-serif", "font.size": 9, "axes.titlesize": 10,
    "svg.fonttype": "none", "svg.hashsalt": "plexus",  # no random ids: the same measurements make the same page
    "path.simplify_threshold": 0.5,  # of a pixel: curves of thousands of points stay small
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none", "legend.labelcolor": INK,
    "text.color": INK, "axes.labelcolor": INK, "axes.titlecolor": INK, "axes.edgecolor": FAINT, "xtick.color": FAINT,
    "ytick.color": FAINT, "xtick.labelcolor": INK, "ytick.labelcolor": INK, "grid.color": GRID,
})

STYLE = """
:root { color-scheme: light dark; --ink: #222; --faint: #777; --grid: #e6e6e6; --page: #fff; --void: #fff3cd }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --faint: #999; --grid: #3a3a3a; --page: #181818; --void: #4a3b00 } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink); background: var(--page) }
h1 { margin-bottom: .2rem } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--grid) } h3 { margin-bottom: .3rem }
p.note { color: var(--faint); margin-top: .2rem } svg { max-width: 100%; height: auto }
.void { background: var(--void); border: 1px solid #d39e00; padding: .5rem 1rem; margin-top: 1rem }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { padding: .1rem .6rem; text-align: right } th { border-bottom: 1px solid var(--faint); background: var(--page); position: sticky; top: 0 }
td:first-child, th:first-child { text-align: left } th.left, td.left, td.code { text-align: left } td.code { font-family: ui-monospace, monospace; font-size: 12px }
.facts td { text-align: left; vertical-align: top } .facts td:first-child { white-space: nowrap } .scroll { max-height: 32rem; overflow: auto; border: 1px solid var(--grid); display: inline-block; max-width: 100% }
summary { cursor: pointer; font-weight: 600; margin: .6rem 0 .3rem }
"""

UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}


def unique(values):
    return list(dict.fromkeys(values))


def duration(seconds):
    unit = next((u for u in ("s", "ms", "us") if seconds >= UNITS[u]), "ns")
    return f"{seconds / UNITS[unit]:.3g} {unit}".replace("us", "µs")


def counted(number, noun):
    return f"{number} {noun}" + ("" if number == 1 else "s")


def svg(figure):
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)
    content = text.getvalue()
    content = content[content.index("<svg"):]
    for colour, chosen in CHOSEN.items():
        content = content.replace(colour, chosen)
    return content


def table(headings, rows, kind=""):
    """Cells are HTML already; one that is a pair has attributes of its <td> first."""
    def line(tag, cells):
        text = "<tr>"
        for content in cells:
            attributes, inner = content if isinstance(content, tuple) else ("", content)
            text += f"<{tag}{' ' if attributes else ''}{attributes}>{inner}</{tag}>"
        return text + "</tr>"
    lines = ([line("th", headings)] if headings else []) + [line("td", row) for row in rows]
    return f"<table{' class=' if kind else ''}{kind}>" + "\n".join(lines) + "</table>"


def facts(rows):
    return table([], [(html.escape(name), html.escape(value)) for name, value in rows], "facts")


def box(lines):
    """What must not be overlooked; the first line in bold."""
    return "<div class=void><b>" + html.escape(lines[0]) + "</b>" + "".join("<br>" + html.escape(line) for line in lines[1:]) + "</div>"


def section(title, note, parts):
    """Nothing where there is nothing to show."""
    shown = [(heading, part) for heading, part in parts if part]
    if not shown:
        return ""
    text = f"<h2>{title}</h2><p class=note>{note}</p>"
    for heading, part in shown:
        text += (f"<h3>{html.escape(heading)}</h3>" if heading else "") + part
    return text


def page(title, heading, body, name, data):
    """`data`: all that was drawn, as JSON in the element `name`."""
    embedded = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title><style>{STYLE}</style></head>
<body><h1>{html.escape(heading)}</h1>{body}
<script type="application/json" id="{name}">{embedded}</script></body></html>
"""
