"""Every link in README.md and docs/ leads to a file, and to a heading where it names one: check_links.py TREE"""
import pathlib
import re
import sys

tree = pathlib.Path(sys.argv[1]).resolve()
pages = [tree / "README.md", *sorted(tree.glob("docs/*.md")), *sorted(tree.glob("*/README.md"))]


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def anchors(page):
    """What a forge makes of headings: lower case, blanks become hyphens, signs go."""
    headings = re.findall(r"^#+ +(.+?) *$", without_code(page.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


links = 0
broken = []
for page in pages:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        links += 1
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        where = f"{page.relative_to(tree)}: {target}"
        if not file.exists() or tree not in [file, *file.parents]:
            broken.append(f"{where}: no such file in the tree")
        elif anchor and anchor not in anchors(file):
            broken.append(f"{where}: no such heading")
for page in tree.glob("docs/*.md"):  # a page that nothing leads to is not found
    if not any(f"{page.name})" in other.read_text() or f"{page.name}#" in other.read_text() for other in pages if other != page):
        broken.append(f"docs/{page.name}: no other page links to it")
print("\n".join(broken) or f"{links} links")
sys.exit(bool(broken) or links < 20)
