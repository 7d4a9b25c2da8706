#!/usr/bin/python3
"""PyTorch, eager: training steps and inference. Threads from OMP_NUM_THREADS and OPENBLAS_NUM_THREADS."""
import measurement
import network
import openblas

blas = openblas.version()
try:
    import torch
except ImportError:
    measurement.not_installed("python3-torch")

torch.set_num_threads(measurement.threads("OMP_NUM_THREADS"))


def model(widths):
    layers = []
    for i in range(1, len(widths)):
        layers.append(torch.nn.Linear(widths[i - 1], widths[i]))
        if i + 1 < len(widths):
            layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers)


def optimizer(name, parameters):
    """The fastest that PyTorch has: one kernel for all parameters, on CPUs since 2.4."""
    makers = {"sgd": (torch.optim.SGD, {"lr": 0.001, "momentum": 0.9}), "adam": (torch.optim.Adam, {"lr": 0.001})}
    if name not in makers:
        return None
    maker, options = makers[name]
    parameters = list(parameters)
    try:
        return maker(parameters, fused=True, **options)
    except (RuntimeError, TypeError):
        return maker(parameters, **options)


def prepare(name):
    parsed = network.parse(name)
    if not parsed:
        return None
    family, widths, batch, variant = parsed
    torch.manual_seed(1)
    net = model(widths)
    x = torch.randn(batch, widths[0])
    if family == "inference":
        if variant not in ("", "predict"):  # the same thing here: the result is a new tensor
            return None
        net.eval()

        def infer():
            with torch.inference_mode():
                net(x)
        return infer, 1
    steps = optimizer(variant, net.parameters())
    if not steps:
        return None
    labels = torch.randint(widths[-1], (batch,))
    loss = torch.nn.CrossEntropyLoss()

    def train():
        steps.zero_grad(set_to_none=True)
        loss(net(x), labels).backward()
        steps.step()
    return train, 1


def multiply_1024():
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    c = torch.empty(1024, 1024)
    return lambda: torch.mm(a, b, out=c)


measurement.main(f"PyTorch {torch.__version__}, {blas}", multiply_1024, prepare)
