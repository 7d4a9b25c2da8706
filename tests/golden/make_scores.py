#!/usr/bin/env python3
"""What scikit-learn says of random predictions, in scores.txt: a line a value, "key numbers".

make_scores.py > scores.txt        writes them
make_scores.py --check scores.txt  computes them with the scikit-learn that is here and compares; exits with 77 where there is none
"""
import sys

try:
    import numpy as np
    import sklearn
    from sklearn import metrics
    from sklearn.calibration import calibration_curve
except ImportError:
    print("scikit-learn is not installed")
    sys.exit(77)


def line(key, values):
    return " ".join([key] + [repr(float(v)).removesuffix(".0") for v in np.ravel(values)])


def classification(random, lines):
    classes = int(random.integers(2, 9))
    rows = int(random.integers(12, 40)) + classes
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, rows - classes)])
    logits = np.round(random.normal(size=(rows, classes)) * 2 + 2 * np.eye(classes)[labels], 4)
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    predicted, numbers = logits.argmax(1), np.arange(classes)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(labels, predicted, labels=numbers, zero_division=0)
    auc = [metrics.roc_auc_score(labels == c, probabilities[:, c]) for c in numbers]
    right = predicted == labels
    truth, confidence = calibration_curve(right, probabilities.max(1), n_bins=15)
    top5 = metrics.top_k_accuracy_score(labels, logits, k=5, labels=numbers) if classes > 5 else 1
    lines += [f"case {rows} {classes}", line("labels", labels), line("logits", logits), line("precision", precision),
              line("recall", recall), line("f1", f1), line("auc", auc), line("macro_f1", [np.mean(f1)]),
              line("macro_auc", [np.mean(auc)]), line("top5", [top5]), line("confidence", confidence), line("truth", truth)]


def ranking(random, lines):
    """Few different scores, so that there are many ties."""
    rows = int(random.integers(2, 60))
    scores = random.integers(0, 6, rows)
    positive = np.concatenate([[0, 1], random.integers(0, 2, rows - 2)])
    false_positive, true_positive, thresholds = metrics.roc_curve(positive, scores, drop_intermediate=False)
    lines += [f"ranking {rows}", line("scores", scores), line("positive", positive),
              line("area", [metrics.roc_auc_score(positive, scores)]), line("false_positive", false_positive),
              line("true_positive", true_positive), line("thresholds", thresholds[1:])]


def make():
    random = np.random.Generator(np.random.PCG64(11))
    lines = []
    for _ in range(50):
        classification(random, lines)
        ranking(random, lines)
    return lines


def main():
    lines = make()
    if len(sys.argv) < 3:
        print(f"# made by make_scores.py with scikit-learn {sklearn.__version__}")
        print("\n".join(lines))
        return 0
    with open(sys.argv[2], encoding="utf-8") as file:
        kept = [text.rstrip("\n") for text in file if not text.startswith("#")]
    if len(kept) != len(lines):
        print(f"{len(kept)} lines, {len(lines)} expected")
        return 1
    for number, (old, new) in enumerate(zip(kept, lines), 2):
        old_key, *old_values = old.split()
        new_key, *new_values = new.split()
        if old_key != new_key or not np.allclose(np.array(old_values, float), np.array(new_values, float), rtol=0, atol=1e-9):
            print(f"line {number}: {old[:100]}\n  now: {new[:100]}")
            return 1
    return 0


sys.exit(main())
