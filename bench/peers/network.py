"""The networks that the names of benchmarks stand for."""
import re

SHAPES = {"1024x4": [1024] * 4}


def parse(name):
    """(family, widths, batch, variant) of training/784-128-10/b128/sgd or inference/784-128-10/b1; None: something else."""
    match = re.fullmatch(r"(training|inference)/([0-9x-]+)/b([0-9]+)(?:/(.*))?", name)
    if not match:
        return None
    network = match[2]
    widths = SHAPES.get(network) or [int(width) for width in network.split("-")]
    return match[1], widths, int(match[3]), match[4] or ""
