"""Breaks a line of our own kernels, and looks whether the short tests notice: those of the kernels, the layers and whole trainings.
mutate.py BUILD WORK [--folder reference|simd|both] [--count 200] [--seed 1] [--time-limit 300] [--report]

BUILD: a finished build with ninja and shared libraries; it is read, never changed. WORK: one folder a mutant, and results.jsonl, a line a mutant. A
mutant is one change by an operator (below) in one line, drawn by the seed. Only its object is compiled and the library linked again; the
tests run with that library preloaded. Vector code is compiled for AVX2 alone, which then stands for AVX-512 as well. Started again, it
goes on; started several times over the same WORK, they share the mutants. --report prints the figures and the survivors of what there is."""
import argparse
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import subprocess
import sys

source = pathlib.Path(__file__).resolve().parents[2]

# What stands in a line, and what takes its place. Blanks keep templates, arrows and increments apart from comparisons and sums.
operators = [
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " + "), (r" / ", " * "), (r" % ", " / "),
    (r" \+= ", " -= "), (r" \+= ", " = "), (r" -= ", " += "), (r" \*= ", " = "),
    (r" < ", " <= "), (r" < ", " > "), (r" <= ", " < "), (r" > ", " >= "), (r" > ", " < "), (r" >= ", " > "),
    (r" == ", " != "), (r" != ", " == "), (r" && ", " || "), (r" \|\| ", " && "),
    (r"std::min\b", "std::max"), (r"std::max\b", "std::min"), (r"hn::Min\b", "hn::Max"), (r"hn::Max\b", "hn::Min"),
    (r"hn::Add\b", "hn::Sub"), (r"hn::Sub\b", "hn::Add"), (r"hn::MulAdd\b", "hn::NegMulAdd"), (r"hn::Mul\b", "hn::Add"),
    (r"(?<![\w.])0(?![\w.])", "1"), (r"(?<![\w.])1(?![\w.])", "2"), (r"(?<![\w.])([2-9]|[1-9]\d+)(?![\w.])", lambda m: str(int(m[1]) - 1)),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"(?<=[(\s])!(?=\w)", ""), (r"(?<=[=,(?:] )-(?=\w)", ""),
]
# Changes here change how fast the code is, or what it compiles to, and no result.
harmless = re.compile(r"#|//|static_assert|_ns\b|grain|\bHWY_|namespace|template|using |constexpr int64_t \w*block|describe|prefetch", re.I)

# Changes that no test can notice, since the code promises the same bits: (file, what stands in the line, what the change makes of it, why).
# They are not drawn.
the_same = [
    (r"simd/", r"lanes <= ", r"lanes < ", "what is left of a row goes through the same operations"),
    (r"simd/", r"\b(rest|count) > 0", r"(rest|count) >= 0", "nothing is read, computed or written for nothing"),
    (r"simd/matmul\.cpp", r"worth < 2", r"worth (<=|>) 2", "how many threads there are"),
    (r"simd/matmul\.cpp", r"o\.m \* \(o\.k \+ o\.n\) <", r"", "which side is transposed"),
    (r"reference/matmul\.cpp", r"constexpr int64_t chains", r"", "how many elements are computed at one time"),
    (r"matmul_narrow\.cpp", r"constexpr int groups =", r"", "how many rows are computed at one time"),
    (r"matmul_narrow\.cpp", r"lanes == 4 \? 2 : 0", r"12 : lanes (== 3|!= 4|== 4 \? (1|2 : 1))", "4 lanes are those of another processor"),
    (r"matmul_narrow\.cpp", r"first \+ j < columns \?", r"first - j <|first \+ j <= columns", "lanes behind the columns are not stored"),
    (r"matmul_narrow\.cpp", r"row \+= most_rows", r"", "there are never more rows than these"),
    (r"matmul_tile\.cpp", r"most > 2|row_of_panels<2>", r"", "of AVX-512 alone"),
    (r"weight_step\.cpp", r"if \(deep_\) update", r"p \+ 2", "an end that is not looked at: there is one panel"),
    (r"weight_step\.cpp", r"found\.count == 0", r"found\.count == 1", "a claim of no operations is none"),
    (r"sweep_loops\.cpp", r"if \(i < n\) sum\.add", r"i <= n", "nothing is added"),
    (r"update_loops\.cpp", r"clip_value > 0 \|\|", r"clip_value >= 0 \|\|", "the way round is for speed"),
]


def changes_nothing(path, old, new):
    def made(after):  # by this change; "": whatever it makes of the line
        return not after or (re.search(after, new) and not re.search(after, old))

    return any(re.search(file, path) and re.search(before, old) and made(after) for file, before, after, _ in the_same)


def candidates(path):
    """(line number, new line), each once."""
    found, comment = [], False
    for number, line in enumerate(path.read_text().splitlines()):
        code = line.split("//")[0].rstrip()
        if not code.strip() or harmless.search(code) or '"' in code:
            continue
        for pattern, new in operators:
            for match in re.finditer(pattern, code):
                text = new(match) if callable(new) else new
                found.append((number, line[:match.start()] + text + line[match.end():]))
        if re.fullmatch(r"\s+[\w\[\]().>+*-]+( [-+*/]?= |\+\+|--|\().*;", code) and not re.match(r"\s+(return|const|auto|break|using)\b", code):
            found.append((number, re.match(r"\s*", line)[0] + ";"))  # the statement is dropped
    return found


def draw(folders, count, seed):
    everything = [(str(path.relative_to(source)), number, line)
                  for folder in folders for path in sorted((source / "backends" / folder).glob("*"))
                  if path.suffix == ".cpp" or (path.suffix == ".h" and folder == "simd" and path.stem.endswith("-inl"))
                  if path.stem not in ("reference", "simd")
                  for number, line in candidates(path)]
    random.Random(seed).shuffle(everything)
    # At most two changes of a line: a few lines full of numbers would otherwise be all that is looked at.
    chosen, of_line = [], {}
    for mutant in everything:
        if changes_nothing(mutant[0], (source / mutant[0]).read_text().splitlines()[mutant[1]], mutant[2]):
            continue
        if of_line.setdefault(mutant[:2], 0) < 2:
            of_line[mutant[:2]] += 1
            chosen.append(mutant)
    return chosen[:count]


class Build:
    def __init__(self, folder):
        self.folder = folder
        commands = subprocess.run(["ninja", "-C", folder, "-t", "compdb"], capture_output=True, text=True, check=True).stdout
        self.compile, self.functions = {}, None
        for entry in json.loads(commands):
            if "tests/backends/" in entry.get("output", "") and " -c " in entry["command"] and "simd_functions.cpp" in (folder / entry["file"]).read_text():
                self.functions = (entry["command"], entry["output"])
            if "-c " in entry["command"] and "/plexus.dir/" in entry.get("output", ""):
                self.compile[str(pathlib.Path(entry["file"]).resolve())] = (entry["command"], entry["output"])
        library = next(folder.glob("libplexus.so.*.*"), None) or sys.exit("no libplexus.so.* in " + str(folder))
        self.library = library.name
        linked = subprocess.run(["ninja", "-C", folder, "-t", "commands", library.name], capture_output=True, text=True, check=True)
        self.link = next(line for line in reversed(linked.stdout.splitlines()) if "-shared" in line)
        self.link = next(part for part in self.link.split(" && ") if "-shared" in part)
        self.tests = "tests/backends/backends_tests"
        linked = subprocess.run(["ninja", "-C", folder, "-t", "commands", self.tests], capture_output=True, text=True, check=True)
        self.link_tests = next(part for part in linked.stdout.splitlines()[-1].split(" && ") if f"-o {self.tests} " in part)

    def library_with(self, changed, place):
        """The library with one file changed: `place` holds the changed copy under plexus/, first among the includes."""
        objects = []
        for path in changed:
            command, output = self.compile[str(path)]
            objects.append((command, output, place / "plexus" / path.relative_to(source)))
        return self.linked(objects, self.link, self.library, place)

    def tests_with(self, place):
        """The tests of kernels, where some compile the changed header themselves."""
        return self.linked([(*self.functions, None)], self.link_tests, self.tests, place)

    def linked(self, objects, link, name, place):
        """`name`, with these objects compiled anew: (command, object, another source or None)."""
        for command, output, path in objects:
            words = [w for w in shlex.split(command) if not w.endswith("ccache")]
            new = place / (pathlib.Path(output).name)
            words[words.index("-o") + 1] = str(new)
            if path:
                words[words.index("-c") + 1] = str(path)
            words.insert(1, f"-I{place}")
            words.append("-O1")  # the last one counts; compiled in half the time
            if "-MF" in words:
                words[words.index("-MF") + 1] = str(place / "depend")
            if subprocess.run(words, cwd=self.folder, capture_output=True).returncode != 0:
                return None
            link = re.sub(rf"(?<=\s){re.escape(output)}(?=\s)", str(new), link)
        result = place / pathlib.Path(name).name
        link = re.sub(rf"-o {re.escape(name)}(?=\s)", f"-o {result}", link)
        return result if subprocess.run(link, shell=True, cwd=self.folder, capture_output=True).returncode == 0 else None


def changed_files(mutant_path):
    """What has to be compiled again: the source, or all that include the header, others between or not."""
    path = source / mutant_path
    if path.suffix == ".cpp":
        return [path]
    headers = {path}
    while True:
        more = {p for p in path.parent.glob("*.h") if any(f'"plexus/{h.relative_to(source)}"' in p.read_text() for h in headers)} - headers
        if not more:
            break
        headers |= more
    return [p for p in sorted(path.parent.glob("*.cpp")) if any(f'"plexus/{h.relative_to(source)}"' in p.read_text() for h in headers)]


def vector_targets(place):
    """The vector code for AVX2 alone."""
    header = "backends/simd/targets.h"
    text = (source / header).read_text().replace("(HWY_SSE2 |", "(HWY_AVX3 | HWY_SSE2 |").replace("N_AVX3::table", "N_AVX2::table")
    (place / "plexus" / header).write_text(text)


def test(build, library, place, limit, family, kernels=None):
    """"" where all pass; else how it fails. `kernels`: the tests of kernels, where the build's are not those."""
    environment = os.environ | {"LD_PRELOAD": str(library), "PLEXUS_EXPECT_BACKENDS": "reference,simd"}
    kernels = kernels or build.folder / build.tests
    # oneDNN's module is looked for beside the library, where it is not.
    runs = [(kernels, f"*{family}*-*Long*:OneDnn*"), (kernels, f"*-*Long*:OneDnn*:*{family}*")] if family else [(kernels, "*-*Long*:OneDnn*")]
    # Then whole trainings: steps of many kinds, and those of another framework to compare with.
    runs += [(build.folder / "tests" / room / f"{room}_tests", "*-*Long*:FashionMnist*") for room in ("trainer", "layers", "golden")]
    for program, only in runs:
        try:
            done = subprocess.run([program, f"--gtest_filter={only}", "--gtest_fail_fast", "--gtest_brief=1"], env=environment, cwd=place,
                                  capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return "takes too long"
        if done.returncode != 0:
            failed = re.search(r"\[  FAILED  \] (\S+)", done.stdout)
            return failed[1] if failed else f"exit code {done.returncode}"
    return ""


def try_mutant(build, work, number, mutant, limit):
    path, line_number, line = mutant
    place = work / str(number)
    shutil.rmtree(place, ignore_errors=True)
    copy = place / "plexus" / path
    copy.parent.mkdir(parents=True)
    lines = (source / path).read_text().splitlines()
    old, lines[line_number] = lines[line_number], line
    files = changed_files(path)
    for other in files:
        target = place / "plexus" / other.relative_to(source)
        target.write_text(other.read_text())
    copy.write_text("\n".join(lines) + "\n")
    if "/simd/" in path:
        vector_targets(place)
    result = {"number": number, "file": path, "line": line_number + 1, "old": old.strip(), "new": line.strip()}
    library = build.library_with(files, place)
    functions = path.endswith(("/math-inl.h", "/lanes-inl.h"))
    kernels = build.tests_with(place) if functions else None
    if not library or (functions and not kernels):
        return result | {"state": "does not compile"}
    stem = pathlib.Path(path).stem.split("_")[0].split("-")[0]
    family = {"matmul": "atmul", "panels": "atmul", "activation": "ctivation", "math": "ccuracy", "loss": "Loss", "softmax": "Loss",
              "dropout": "Dropout", "reduce": "Reduce", "scale": "Scale", "update": "Update", "sweep": "Update", "weight": "Fused"}.get(stem)
    how = test(build, library, place, limit, family, kernels)
    shutil.rmtree(place, ignore_errors=True)
    return result | ({"state": "killed", "by": how} if how else {"state": "survived"})


def report(results):
    judged = [r for r in results if r["state"] != "does not compile"]
    for folder in ("reference", "simd"):
        of = [r for r in judged if f"/{folder}/" in r["file"]]
        if of:
            killed = sum(r["state"] == "killed" for r in of)
            print(f"{folder}: {killed} of {len(of)} mutants killed, {100 * killed / len(of):.1f} %")
    for r in judged:
        if r["state"] == "survived":
            print(f"survived: {r['file']}:{r['line']}\n  - {r['old']}\n  + {r['new']}")
    print(f"{len(results) - len(judged)} did not compile")


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("build", type=pathlib.Path)
    words.add_argument("work", type=pathlib.Path)
    words.add_argument("--folder", choices=["reference", "simd", "both"], default="both")
    words.add_argument("--count", type=int, default=200)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--time-limit", type=float, default=300, help="seconds for the tests of one mutant")
    words.add_argument("--report", action="store_true")
    options = words.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    record = work / "results.jsonl"

    def results():
        return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []

    if not options.report:
        build = Build(options.build.resolve())
        sound = work / "sound"  # the tests pass without a mutant, with a library in such a place
        if not sound.exists():
            place = work / f"sound-{os.getpid()}"  # of this process: several may begin at once
            place.mkdir(exist_ok=True)
            if how := test(build, shutil.copy(build.folder / build.library, place), place, options.time_limit, ""):
                sys.exit(f"the tests fail without a mutant: {how}")
            shutil.rmtree(place)
            sound.touch()
        folders = ["reference", "simd"] if options.folder == "both" else [options.folder]
        for number, mutant in enumerate(draw(folders, options.count, options.seed)):
            if any((r["file"], r["line"], r["new"]) == (mutant[0], mutant[1] + 1, mutant[2].strip()) for r in results()):
                continue
            claim = work / f"{number}.claim"
            try:  # who makes the file has the mutant; that of a process that is gone is taken over
                os.close(os.open(claim, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                if claim.read_text() and pathlib.Path(f"/proc/{claim.read_text()}").exists():
                    continue
            claim.write_text(str(os.getpid()))
            result = try_mutant(build, work, number, mutant, options.time_limit)
            with record.open("a") as file:
                file.write(json.dumps(result) + "\n")
            claim.unlink()
            print(f"{result['file']}:{result['line']}: {result['state']} {result.get('by', '')}", flush=True)
    report(results())


main()
