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


class NAdam(torch.optim.Optimizer):
    """As PyTorch documents it and does since 2.0. Before, the second product had a factor mu too many, and was in float32."""

    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-8, momentum_decay=0.004):
        super().__init__(parameters, {})
        self.rate, self.betas, self.eps = lr, betas, eps
        self.mu = lambda step: betas[0] * (1 - 0.5 * 0.96 ** (step * momentum_decay))
        self.steps, self.product = 0, 1.0

    @torch.no_grad()
    def step(self):
        self.steps += 1
        mu, following = self.mu(self.steps), self.mu(self.steps + 1)
        self.product *= mu
        for parameter in self.param_groups[0]["params"]:
            state, g = self.state[parameter], parameter.grad
            mean = self.betas[0] * state.get("mean", 0) + (1 - self.betas[0]) * g
            square = self.betas[1] * state.get("square", 0) + (1 - self.betas[1]) * g * g
            state["mean"], state["square"] = mean, square
            root = (square / (1 - self.betas[1] ** self.steps)).sqrt() + self.eps
            step = following * mean / (1 - self.product * following) + (1 - mu) * g / (1 - self.product)
            parameter -= self.rate * step / root


# name, sizes, activation, rows of a batch, batches, range of the inputs, bound of the first weights
NETWORKS = (
    ("784-128-10", (784, 128, 10), torch.nn.ReLU, 32, 4, (0.0, 1.0), 0.0625),
    ("30-64-2", (30, 64, 2), torch.nn.Tanh, 13, 8, (-2.0, 2.0), 0.25),
)
OPTIMIZERS = (
    ("sgd", lambda parameters: torch.optim.SGD(parameters, lr=2**-6, momentum=0.9)),
    ("adam", lambda parameters: torch.optim.Adam(parameters, lr=2**-10)),
)
# The others on the small network alone.
MORE_OPTIMIZERS = (
    ("nesterov", lambda parameters: torch.optim.SGD(parameters, lr=2**-6, momentum=0.9, nesterov=True, weight_decay=2**-7)),
    ("adamw", lambda parameters: torch.optim.AdamW(parameters, lr=2**-10, weight_decay=2**-6)),
    ("rmsprop", lambda parameters: torch.optim.RMSprop(parameters, lr=2**-10, momentum=0.5)),
    ("adagrad", lambda parameters: torch.optim.Adagrad(parameters, lr=2**-6)),
    ("adamax", lambda parameters: torch.optim.Adamax(parameters, lr=2**-9)),
    ("nadam", lambda parameters: NAdam(parameters, lr=2**-9)),
    ("radam", lambda parameters: torch.optim.RAdam(parameters, lr=2**-10)),
    ("adadelta", lambda parameters: torch.optim.Adadelta(parameters, lr=1.0)),
)
# What is trained for besides the mean loss, on the small network: name, optimizer, settings.
SGD, ADAMW = OPTIMIZERS[0][1], MORE_OPTIMIZERS[1][1]
TECHNIQUES = (
    ("l1", SGD, {"l1": 2**-7}),
    ("l2", SGD, {"l2": 2**-6}),
    ("clip_value", SGD, {"clip_value": 2**-6}),
    ("max_norm", SGD, {"max_norm": 0.875}),
    ("label_smoothing", SGD, {"label_smoothing": 0.125}),
    ("class_weights", SGD, {"class_weights": (0.5, 2.0)}),
    ("sample_weights", SGD, {"sample_weights": True}),
    ("everything", ADAMW, {"l1": 2**-7, "l2": 2**-6, "clip_value": 2**-5, "max_norm": 0.875, "label_smoothing": 0.125,
                           "class_weights": (0.5, 2.0), "sample_weights": True}),
)


def loss_of(net, x, labels, settings):
    """The mean over the rows of their weighted losses."""
    if not settings:
        return torch.nn.functional.cross_entropy(net(x), labels)
    weights = settings.get("class_weights")
    losses = torch.nn.functional.cross_entropy(
        net(x), labels, reduction="none", label_smoothing=settings.get("label_smoothing", 0.0),
        weight=None if weights is None else torch.tensor(weights, dtype=torch.float64))
    if "sample_weights" in settings:
        losses = losses * torch.tensor([(row % 5 + 1) / 4 for row in range(len(x))], dtype=torch.float64)
    return losses.mean()


def add_penalties(net, settings):
    """To the gradients of the weights (not of the biases), by PyTorch's own derivatives of the penalties."""
    weights = [parameter for parameter in net.parameters() if parameter.dim() == 2]
    penalty = sum(settings.get("l1", 0.0) * w.abs().sum() + settings.get("l2", 0.0) * w.square().sum() for w in weights)
    penalty.backward()


def trace(network, optimizer, settings={}):
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
        loss = loss_of(net, x, labels, settings)
        loss.backward()
        if "clip_value" in settings:
            torch.nn.utils.clip_grad_value_(net.parameters(), settings["clip_value"])
        if "l1" in settings or "l2" in settings:
            add_penalties(net, settings)
        updates.step()
        if "max_norm" in settings:
            with torch.no_grad():
                for parameter in net.parameters():
                    if parameter.dim() == 2:
                        parameter.copy_(torch.renorm(parameter, 2, 0, settings["max_norm"]))
        if step not in SNAPSHOTS:
            continue
        yield [name, optimizer[0], str(step), "loss", loss.item()]
        for key, value in net.state_dict().items():
            flat = value.flatten()
            yield [name, optimizer[0], str(step), key, flat.sum().item(), flat.square().sum().item(),
                   *flat[::STRIDE].tolist()]


def make():
    traces = [trace(network, optimizer) for network in NETWORKS for optimizer in OPTIMIZERS]
    traces += [trace(NETWORKS[1], optimizer) for optimizer in MORE_OPTIMIZERS]
    traces += [trace(NETWORKS[1], (name, optimizer), settings) for name, optimizer, settings in TECHNIQUES]
    return [line for lines in traces for line in lines]


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
