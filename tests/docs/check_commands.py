"""docs/commands.md has every option of every command, in the words of --help: check_commands.py PLEXUS PAGE [--write]
--write brings the tables up to date; the text around them stays."""
import re
import subprocess
import sys

plexus, page = sys.argv[1:3]


def help_of(*command):
    return subprocess.run([plexus, *command, "--help"], capture_output=True, text=True, check=True).stdout


def section(text, title):
    """The lines below `Title:`, as pairs of words and what they say."""
    found = re.search(rf"^{title}:\n((?:  .+\n)+)", text, re.M)
    lines = found.group(1).splitlines() if found else []
    return [re.split(r"  +", line.strip(), maxsplit=1) for line in lines]


def escaped(text):
    return text.replace("|", "\\|")


def table(command):
    text = help_of(command)
    usage = re.search(r"^Usage: (.+)$", text, re.M).group(1)
    rows = [f"`{usage}`", "", "| | |", "|---|---|"]
    for name, *meaning in section(text, "Positionals") + section(text, "Options"):
        name = re.sub(r" TEXT REQUIRED$", "", name)
        rows.append(f"| `{escaped(name)}` | {escaped(' '.join(meaning))} |")
    return "\n".join(rows)


# And docs/environment.md, beside it, the variables that `plexus info` shows.
known = set(re.findall(r"PLEXUS_\w+", subprocess.run([plexus, "info"], capture_output=True, text=True, check=True).stdout))
described = set(re.findall(r"^\| `(PLEXUS_\w+)`", open(page.replace("commands.md", "environment.md")).read(), re.M))
if known != described or len(known) < 5:
    sys.exit(f"docs/environment.md describes {sorted(described)}, plexus info shows {sorted(known)}")

commands = [name for name, *_ in section(help_of(), "Subcommands")]
tables = {name: f"<!-- plexus {name} -->\n{table(name)}\n<!-- end -->" for name in commands}

old = open(page).read()
written = re.findall(r"<!-- plexus (\w+) -->.*?<!-- end -->", old, re.S)
new = re.sub(r"<!-- plexus (\w+) -->.*?<!-- end -->", lambda m: tables.get(m[1], ""), old, flags=re.S)
for name in commands:
    if name not in written:
        new += f"\n## plexus {name}\n\n{tables[name]}\n"
if len(commands) < 5:
    sys.exit(f"only {len(commands)} commands")
if "--write" in sys.argv:
    open(page, "w").write(new)
elif new != old:
    import difflib
    print("\n".join(difflib.unified_diff(old.splitlines(), new.splitlines(), page, "--help", lineterm="", n=0)))
    sys.exit(f"{page} is not what --help says: {sys.executable} {sys.argv[0]} {plexus} {page} --write")
