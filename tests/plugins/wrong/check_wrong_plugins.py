"""Makes wrong plugins out of a correct one, and lets `plexus verify` find what is wrong.
check_wrong_plugins.py PLEXUS INCLUDE CXX WORK [STEP]: every STEP-th edit of edits.txt (1: all). The correct plugin must pass in every
family, each wrong one fail in its own, with exit code 1 and lines that reproduce it."""
import concurrent.futures
import json
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
plexus, include, compiler, work = sys.argv[1:5]
step = int(sys.argv[5]) if len(sys.argv) > 5 else 1
work = pathlib.Path(work)
source = (here / "correct.cpp").read_text()
cases = "600"  # of these a third are in double, which the plugin does not have
modes = ["exact", "float", "edges", "memory", "threads", "environment", "fused"]  # the first that finds it is enough


def read_edits():
    edits, texts = [], None
    for line in (here / "edits.txt").read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        if line.startswith("- "):
            edits[-1]["old"] = [line[2:]]
            texts = edits[-1]["old"]
        elif line.startswith("+"):
            edits[-1]["new"] = [line[2:]]
            texts = edits[-1]["new"]
        elif line.startswith(" "):  # goes on
            texts.append(line)
        else:
            family, wrong = line.split(": ", 1)
            edits.append({"family": family, "wrong": wrong})
    return [edit | {side: "\n".join(edit[side]) for side in ("old", "new")} for edit in edits]


def build(name, text):
    code, module = work / f"{name}.cpp", work / f"{name}.so"
    code.write_text(text)
    subprocess.run([compiler, "-std=c++17", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", f'-DPLUGIN_NAME="{name}"', "-I", include,
                    code, "-o", module], check=True)
    return module


def verify(module, *flags):
    done = subprocess.run([plexus, "verify", "--plugin", module, "--cases", cases, "--json", *flags], capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def find(number_and_edit):
    number, edit = number_and_edit
    title = f"{edit['family']}: {edit['wrong']}"
    if source.count(edit["old"]) != 1:
        return f"{title}: the old text stands in the source {source.count(edit['old'])} times", ""
    try:
        module = build(f"wrong_{number}", source.replace(edit["old"], edit["new"]))
    except subprocess.CalledProcessError:
        return f"{title}: does not compile", ""
    for mode in modes if edit["family"] == "matmul" else modes[:-1]:
        code, report = verify(module, "--family", edit["family"], "--mode", mode)
        if code == 0 or (isinstance(report, dict) and not report["rows"][0]["cases"]):
            continue
        if code != 1 or isinstance(report, str):
            return f"{title}: {mode}: exit code {code}: {report}", ""
        failures = report["rows"][0]["failures"]
        if not failures or not all(f["reproduce"].startswith("plexus verify --plugin ") for f in failures):
            return f"{title}: {mode}: fails without a failure", ""
        return "", edit["family"] + "/" + mode
    return f"{title}: NOT FOUND", ""


work.mkdir(parents=True, exist_ok=True)
edits = read_edits()
code, report = verify(build("correct", source))
problems = [] if code == 0 else [f"the correct plugin fails: {report}"]
print(*problems, sep="")
chosen = list(enumerate(edits))[::step]
found_by = {}
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for problem, mode in pool.map(find, chosen):
        if problem:
            problems.append(problem)
            print(problem, flush=True)
        else:
            found_by[mode] = found_by.get(mode, 0) + 1
print(f"{len(chosen) - sum(1 for p in problems if not p.startswith('the correct'))} of {len(chosen)} wrong plugins found; by",
      ", ".join(f"{mode} {count}" for mode, count in sorted(found_by.items())))
sys.exit(bool(problems))
