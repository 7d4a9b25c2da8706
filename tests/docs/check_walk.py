"""Follows a page of docs/ to the letter, in an empty directory: check_walk.py CMAKE BUILD WORK CXX PAGE
A block after `<!-- file: NAME -->` becomes that file, one after `<!-- file: examples/... -->` must be that file as well; blocks of sh run in their order; each line of a text block after
`<!-- output -->` stands in what the last of them printed. Blocks after `<!-- not run -->` are left out. All other blocks of code are an error."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

cmake, build, work, compiler, page = sys.argv[1:]
page, work = pathlib.Path(page), pathlib.Path(work)
prefix, place = work / "prefix", work / page.stem
source = page.resolve().parent.parent

shutil.rmtree(prefix, ignore_errors=True)
shutil.rmtree(place, ignore_errors=True)
place.mkdir(parents=True)
subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
libdir = next(prefix.rglob("pkgconfig")).parent
environment = {k: v for k, v in os.environ.items() if not k.startswith("PLEXUS_")}
environment |= {"PLEXUS_SOURCE": str(source), "CMAKE_PREFIX_PATH": str(prefix), "PKG_CONFIG_PATH": str(libdir / "pkgconfig"),
                "LD_LIBRARY_PATH": str(libdir), "PATH": f"{prefix / 'bin'}:{os.environ['PATH']}", "CXX": compiler}

blocks = re.findall(r"(?:^<!-- (.+?) -->\n)?^```(\w*)\n(.*?)^```$", page.read_text(), re.M | re.S)
shell = ["set -eu"]
files, expected = [], 0
for number, (note, language, text) in enumerate(blocks):
    if note == "not run":
        continue
    if note.startswith("file: "):
        path = note.removeprefix("file: ")
        name = pathlib.Path(path).name
        if name != path and (source / path).read_text() != text:
            sys.exit(f"{page}: block {number} is not {path}")
        (place / name).write_text(text)
        files.append(name)
    elif language == "sh":
        shell.append(f"{{\n{text}}} >{work}/output.txt 2>&1 || {{ cat {work}/output.txt; echo 'failed: block {number}'; exit 1; }}")
    elif note == "output":
        for line in text.splitlines():
            expected += 1
            shell.append(f"grep -qF -- '{line}' {work}/output.txt || {{ cat {work}/output.txt; echo 'not printed: {line}'; exit 1; }}")
    else:
        sys.exit(f"{page}: block {number} ({language}): neither a file, nor sh, nor output, nor 'not run'")
if len(shell) < 3:
    sys.exit(f"{page}: nothing to follow")

done = subprocess.run(["bash", "-c", "\n".join(shell)], cwd=place, env=environment, capture_output=True, text=True)
print(done.stdout, done.stderr, f"{page.name}: {len(files)} files, {expected} lines of output")
sys.exit(done.returncode)
