#!/usr/bin/python3
"""scikit-learn: an epoch of MLPClassifier, per step. Threads from OPENBLAS_NUM_THREADS."""
import measurement
import network
import openblas

blas = openblas.version()
try:
    import numpy as np
    import sklearn
    from sklearn.neural_network import MLPClassifier
except ImportError:
    measurement.not_installed("python3-sklearn")

# Steps of an epoch: what an epoch costs by itself (shuffling, checking the data) is spread over as many steps as data of a few
# thousand rows have.
STEPS = 20


def prepare(name):
    parsed = network.parse(name)
    if not parsed or parsed[0] != "training" or parsed[3] not in ("sgd", "adam"):
        return None
    _, widths, batch, optimizer = parsed
    random = np.random.default_rng(1)
    x = random.standard_normal((batch * STEPS, widths[0]), dtype=np.float32)
    labels = np.arange(len(x)) % widths[-1]
    classifier = MLPClassifier(widths[1:-1], solver=optimizer, alpha=0, batch_size=batch, momentum=0.9,
                               nesterovs_momentum=False, learning_rate_init=0.001, random_state=1)
    classes = np.arange(widths[-1])
    return (lambda: classifier.partial_fit(x, labels, classes)), STEPS


def multiply_1024():
    random = np.random.default_rng(1)
    a, b = (random.standard_normal((1024, 1024), dtype=np.float32) for _ in range(2))
    c = np.empty_like(a)
    return lambda: np.matmul(a, b, out=c)


measurement.main(f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, {blas}", multiply_1024, prepare)
