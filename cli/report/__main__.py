"""
Draws what the command leaves behind: report (measurements FILE | runs DIR...) -o FILE.html makes one page that needs nothing else,
with all that it shows in it as JSON. `plexus report` starts it. Exit code 3: a file is damaged.
"""
import argparse
import json
import sys

from runs import Damaged, Run


def main():
    parser = argparse.ArgumentParser(prog="report", description="Draws what plexus bench measured, or runs of plexus train.")
    parser.add_argument("kind", choices=["measurements", "runs"])
    parser.add_argument("path", nargs="+")
    parser.add_argument("-o", "--out", required=True)
    arguments = parser.parse_args()
    # Matplotlib takes a second to load: only once there is something to draw.
    if arguments.kind == "measurements":
        import benchmark
        with open(arguments.path[0]) as file:
            text = benchmark.draw(json.load(file))
    else:
        runs = [Run(path) for path in arguments.path]
        import training
        text = training.draw(runs)
    with open(arguments.out, "w", encoding="utf-8") as file:
        file.write(text)


try:
    main()
except Damaged as error:
    print(f"plexus: error: {error}", file=sys.stderr)
    sys.exit(3)
