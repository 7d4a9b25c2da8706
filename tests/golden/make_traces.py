"""Training traces of PyTorch: what the weights of two small networks are after 1, 10 and 100 steps.

    make_traces.py FILE           writes the traces
    make_traces.py --check FILE   makes them again and compares; exit code 77 where PyTorch is not installed

Everything is float64, so that the traces depend neither on the machine nor on PyTorch's version. Weights and batches come
from a generator that trace_test.cpp has too; all values are exact in float32.
"""
import sys

try:
    import torch
except ImportError:
    print("PyTorch is not installed (Debian: python3-torch)")
    sys.exit(77)

STRIDE = 97  # of the weights that are stored: prime, so that all rows and columns are visited
SNAPSHOTS = (1, 10, 100)
TOLERANCE = 1e-9  # float64 sums in another order, over 100 steps


class Generator:
    """A linear congruential generator with Knuth's MMIX constants; its upper 24 bits."""

    def __init__(self):
        self.state = 1

    def bits(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.state >> 40

    def tensor(self, shape, low, high):
        count = torch.Size(shape).numel()
        values = [low + (high - low) * (self.bits() / 2**24) for _ in range(count)]
        return torch.tensor(values, dtype=torch.float64).reshape(shape)

    def labels(self, count, classes):
        return torch.tensor([self.bits() % classes for _ in range(count)])


# name, sizes, activation, rows of a batch, batches, range of the inputs, bound of the first weights
NETWORKS = (
    ("784-128-10", (784, 128, 10), torch.nn.ReLU, 32, 4, (0.0, 1.0), 0.0625),
    ("30-64-2", (30, 64, 2), torch.nn.Tanh, 13, 8, (-2.0, 2.0), 0.25),
)
OPTIMIZERS = (
    ("sgd", lambda parameters: torch.optim.SGD(parameters, lr=2**-6, momentum=0.9)),
    ("adam", lambda parameters: torch.optim.Adam(parameters, lr=2**-10)),
)


def trace(network, optimizer):
    """Yields a line a parameter and snapshot: its sum, its sum of squares, and every STRIDE-th value."""
    name, (inputs, hidden, classes), activation, rows, batches, (low, high), bound = network
    generator = Generator()
    net = torch.nn.Sequential(torch.nn.Linear(inputs, hidden), activation(), torch.nn.Linear(hidden, classes)).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(generator.tensor(parameter.shape, -bound, bound))
    data = [(generator.tensor((rows, inputs), low, high), generator.labels(rows, classes)) for _ in range(batches)]

    updates = optimizer[1](net.parameters())
    for step in range(1, max(SNAPSHOTS) + 1):
        x, labels = data[(step - 1) % batches]
        updates.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        updates.step()
        if step not in SNAPSHOTS:
            continue
        yield [name, optimizer[0], str(step), "loss", loss.item()]
        for key, value in net.state_dict().items():
            flat = value.flatten()
            yield [name, optimizer[0], str(step), key, flat.sum().item(), flat.square().sum().item(),
                   *flat[::STRIDE].tolist()]


def make():
    return [line for network in NETWORKS for optimizer in OPTIMIZERS for line in trace(network, optimizer)]


def read(path):
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split()
            yield words[:4] + [float(word) for word in words[4:]]


def compare(made, stored):
    assert len(made) == len(stored), f"{len(made)} lines made, {len(stored)} stored"
    worst = 0.0
    for ours, theirs in zip(made, stored):
        assert ours[:4] == theirs[:4] and len(ours) == len(theirs), f"{ours[:4]} made, {theirs[:4]} stored"
        for a, b in zip(ours[4:], theirs[4:]):
            worst = max(worst, abs(a - b) / max(abs(b), 1e-3))
    print(f"largest relative difference {worst:.2g}, allowed {TOLERANCE}")
    return worst <= TOLERANCE


def main():
    print(f"PyTorch {torch.__version__}")
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        sys.exit(0 if compare(make(), list(read(sys.argv[2]))) else 1)
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "w", encoding="ascii") as file:
        for line in make():
            file.write(" ".join(line[:4] + [f"{value:.17g}" for value in line[4:]]) + "\n")


main()
