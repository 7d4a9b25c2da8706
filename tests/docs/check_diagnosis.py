"""docs/diagnosis.md has a row for every finding that the sources know, and no other: check_diagnosis.py TREE"""
import pathlib
import re
import sys

tree = pathlib.Path(sys.argv[1])
known = set()
for source in tree.glob("trainer/*.cpp"):
    text = source.read_text()
    # findings.push_back({"id", ...; find("id", ...; Refusal("id", ...; refused("id", ...
    known |= set(re.findall(r'(?:push_back\(\s*\{|\bfind\(|\bRefusal\(|\brefused\()\s*"([a-z-]+)"', text))
    if source.name == "training_diagnosis.cpp":
        known |= set(re.findall(r'find\(\s*"([a-z-]+)"', text))
rows = re.findall(r"^\| `([a-z-]+)` \|", (tree / "docs" / "diagnosis.md").read_text(), re.M)

problems = [f"{id}: two rows" for id in sorted({id for id in rows if rows.count(id) > 1})]
problems += [f"{id}: no row in docs/diagnosis.md" for id in sorted(known - set(rows))]
problems += [f"{id}: no source knows it" for id in sorted(set(rows) - known)]
if len(known) < 40:
    problems.append(f"only {len(known)} findings in trainer/: has their form changed?")
print("\n".join(problems) or f"{len(rows)} findings")
sys.exit(bool(problems))
