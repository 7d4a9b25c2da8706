"""Learning rates of PyTorch's schedulers, 200 steps each: a line a schedule, its name and the rates.

    make_schedules.py FILE           writes them
    make_schedules.py --check FILE   makes them again and compares; exit code 77 where PyTorch is not installed

40 epochs of 5 steps. schedule_test.cpp has the same table.
"""
import sys
import warnings

try:
    import torch
    from torch.optim import lr_scheduler as lr
except ImportError:
    print("PyTorch is not installed (Debian: python3-torch)")
    sys.exit(77)

RATE, EPOCHS, STEPS = 0.1, 40, 5
ALL = EPOCHS * STEPS
TOLERANCE = 1e-9  # PyTorch's formulas differ between versions in rounding


def trace(by_step=(), by_epoch=(), fraction=None, last=ALL):
    """The rates where these schedulers are stepped so; after step `last` none is any more."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    by_step, by_epoch = [make(optimizer) for make in by_step], [make(optimizer) for make in by_epoch]
    fraction = fraction(optimizer) if fraction else None
    for t in range(ALL):
        if fraction:
            fraction.step(t / STEPS)
        optimizer.step()
        yield optimizer.param_groups[0]["lr"]
        if t >= last:
            continue
        for scheduler in by_step:
            scheduler.step()
        if t % STEPS == STEPS - 1:
            for scheduler in by_epoch:
                scheduler.step()


def metric(t):
    """Falls ever more slowly, with noise."""
    return 1 / (1 + t // 9) + (t * 37 % 11) / 220


def plateau(**settings):
    """An epoch a value."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    scheduler = lr.ReduceLROnPlateau(optimizer, **settings)
    for t in range(ALL):
        yield optimizer.param_groups[0]["lr"]
        scheduler.step(metric(t))


def warmup(steps):
    return lambda o: lr.LinearLR(o, start_factor=1 / steps, total_iters=steps - 1)


SCHEDULES = {
    "constant": trace(),
    "step": trace(by_epoch=[lambda o: lr.StepLR(o, 7, 0.3)]),
    "multistep": trace(by_epoch=[lambda o: lr.MultiStepLR(o, [3, 4, 17], 0.5)]),
    "exponential": trace(by_epoch=[lambda o: lr.ExponentialLR(o, 0.93)]),
    "cosine": trace(by_step=[lambda o: lr.CosineAnnealingLR(o, ALL)]),
    "cosine-25-epochs": trace(by_step=[lambda o: lr.CosineAnnealingLR(o, 125, eta_min=0.02 * RATE)], last=125),
    "restarts": trace(fraction=lambda o: lr.CosineAnnealingWarmRestarts(o, 4)),
    "restarts-growing": trace(fraction=lambda o: lr.CosineAnnealingWarmRestarts(o, 3, 2, eta_min=0.05 * RATE)),
    "onecycle": trace(by_step=[lambda o: lr.OneCycleLR(o, RATE, total_steps=ALL, cycle_momentum=False)], last=ALL - 1),
    "onecycle-30-epochs": trace(by_step=[lambda o: lr.OneCycleLR(o, RATE, total_steps=150, pct_start=0.5, div_factor=10,
                                                                 final_div_factor=20, cycle_momentum=False)], last=149),
    "warmup": trace(by_step=[warmup(20)]),
    "warmup-step": trace(by_step=[warmup(13)], by_epoch=[lambda o: lr.StepLR(o, 2, 0.9)]),
    "warmup-cosine": trace(by_step=[lambda o: lr.CosineAnnealingLR(o, ALL), warmup(32)]),
    "custom": trace(by_step=[lambda o: lr.LambdaLR(o, lambda t: 1 / (1 + t / 10))]),
    "plateau": plateau(factor=0.5, patience=6),
    "plateau-cooldown": plateau(factor=0.3, patience=3, cooldown=5, threshold=0.02, min_lr=0.01 * RATE),
}


def read(path):
    with open(path, encoding="ascii") as file:
        for line in file:
            name, *rates = line.split()
            yield name, [float(rate) for rate in rates]


def main():
    warnings.simplefilter("ignore")  # the order of first calls, an argument that will go
    print(f"PyTorch {torch.__version__}")
    made = {name: list(rates) for name, rates in SCHEDULES.items()}
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        stored = dict(read(sys.argv[2]))
        assert list(stored) == list(made), f"stored: {list(stored)}"
        worst = max(abs(a - b) / b for name in made for a, b in zip(made[name], stored[name], strict=True))
        print(f"largest relative difference {worst:.2g}, allowed {TOLERANCE}")
        sys.exit(0 if worst <= TOLERANCE else 1)
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "w", encoding="ascii") as file:
        for name, rates in made.items():
            file.write(" ".join([name] + [f"{rate:.12g}" for rate in rates]) + "\n")


main()
