"""The Python module: python_test.py IRIS_CSV. Skipped (77) where NumPy is missing."""
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

try:
    import numpy as np
except ImportError:
    sys.exit(77)

import plexus as px

try:
    import sklearn
except ImportError:
    sklearn = None

iris_csv = sys.argv.pop(1)


def clouds(rows=300, seed=1):
    """Three clouds of points, far apart."""
    random = np.random.default_rng(seed)
    y = np.arange(rows) % 3
    centres = np.array([[-2, 0, 1], [2, 1, -1], [0, -3, 0]], dtype=np.float32)
    return (centres[y] + 0.3 * random.standard_normal((rows, 3))).astype(np.float32), y


def line(rows=200):
    x = np.random.default_rng(2).standard_normal((rows, 2)).astype(np.float32)
    return x, 2 * x[:, 0] - 3 * x[:, 1] + 1


def network(*hidden):
    return px.Sequential(px.Standardize(), *hidden, px.Dense(3))


class Network(unittest.TestCase):
    def test_learns_classes(self):
        x, y = clouds()
        trainer = px.Trainer(network(px.Dense(8), px.Tanh()), optimizer="adam", backend="reference", threads=1)
        history = trainer.fit(x, y, epochs=30, validation_fraction=0.2)
        self.assertEqual([e.epoch for e in history.epochs], list(range(1, 31)))
        self.assertFalse(history.stopped)
        self.assertLess(history.epochs[-1].train_loss, history.epochs[0].train_loss / 2)
        result = trainer.evaluate(*clouds(90, seed=3))
        self.assertEqual((result.rows, result.accuracy), (90, 1.0))
        self.assertTrue((result.confusion == 30 * np.eye(3)).all())
        self.assertEqual(trainer.backend, "reference")
        self.assertEqual(trainer.threads, 1)
        self.assertIn("reference", trainer.plan(16))

    def test_learning_rate_follows_the_schedule(self):
        x, y = clouds()

        def rates(schedule, **more):
            trainer = px.Trainer(network(), optimizer=px.Sgd(learning_rate=0.5), schedule=schedule, threads=1, **more)
            return [e.learning_rate for e in trainer.fit(x, y, epochs=4, full_batch=True).epochs]

        self.assertEqual(rates(None), [0.5] * 4)
        self.assertEqual(rates(px.StepDecay(every=2, factor=0.5)), [0.5, 0.5, 0.25, 0.25])
        self.assertEqual(rates(px.MultiStepDecay(milestones=[1], factor=0.5)), [0.5, 0.25, 0.25, 0.25])
        self.assertEqual(rates(px.ConstantRate(), warmup_steps=4), [0.125, 0.25, 0.375, 0.5])
        np.testing.assert_allclose(rates(px.CosineDecay()), 0.25 * (1 + np.cos(np.arange(4) * np.pi / 4)))
        self.assertEqual(rates(px.CustomSchedule(lambda p: 1 / (1 + p.epoch))), [0.5, 0.25, 0.5 / 3, 0.125])
        with self.assertRaisesRegex(ZeroDivisionError, "division"):
            rates(px.CustomSchedule(lambda p: 1 / p.epoch))
        with self.assertRaisesRegex(px.ArgumentError, "schedule step: every 0"):
            rates(px.StepDecay(every=0))
        with self.assertRaisesRegex(TypeError, "no such setting: ever"):
            px.StepDecay(ever=3)
        self.assertEqual(repr(px.StepDecay()), "step, 0.1 every 30 epochs")

    def test_early_stopping_and_average(self):
        x, y = clouds()
        trainer = px.Trainer(network(px.Dense(8), px.Relu()), optimizer=px.Adam(learning_rate=0.3), ema_decay=0.5, threads=1)
        history = trainer.fit(x, y, epochs=500, validation_fraction=0.2, patience=3)
        self.assertTrue(history.stopped)
        losses = [e.validation_loss for e in history.epochs]
        self.assertEqual(int(np.argmin(losses)), len(losses) - 1 - 3)
        with self.assertRaisesRegex(px.ArgumentError, "give fit validation data"):
            trainer.fit(x, y, patience=3)

    def test_forward_is_what_numpy_computes(self):
        x, y = clouds()
        net = px.Sequential([px.Dense(5), px.Relu(), px.Dense(3)])
        trainer = px.Trainer(net)
        trainer.fit(x, y)
        w = net.parameters()
        self.assertEqual(sorted(w), ["0.bias", "0.weight", "2.bias", "2.weight"])
        wanted = np.maximum(x @ w["0.weight"] + w["0.bias"], 0) @ w["2.weight"] + w["2.bias"]
        got = trainer.predict(x)
        self.assertEqual((got.dtype, got.shape), (np.float32, (300, 3)))
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
        self.assertTrue((trainer.predict_classes(x) == got.argmax(axis=1)).all())
        net.set_parameter("2.weight", np.zeros((5, 3)))
        net.set_parameter("2.bias", np.array([1, 2, 3]))
        np.testing.assert_array_equal(trainer.predict(x[:2]), [[1, 2, 3], [1, 2, 3]])

    def test_learns_values(self):
        x, y = line()
        net = px.Sequential(px.Dense(1))
        trainer = px.Trainer(net, loss=px.Mse(), optimizer=px.Sgd(learning_rate=0.1))
        trainer.fit(x, y, epochs=20)
        np.testing.assert_allclose(net.parameters()["0.weight"], [[2], [-3]], atol=1e-3)
        self.assertGreater(trainer.evaluate(x, y).r2, 0.999)

    def test_any_array_gives_the_same(self):
        """Types, strides, byte order: only the values count."""
        x, y = clouds()
        big = np.zeros((300, 6), dtype=np.float32)
        big[:, ::2] = x
        unaligned = np.frombuffer(b"\0" + x.tobytes(), dtype=np.uint8)[1:].view(np.float32).reshape(x.shape)
        kinds = [x, x.astype(np.float64), np.asfortranarray(x), big[:, ::2], x.astype(">f4"), x.tolist(), unaligned]
        outputs = []
        for kind in kinds:
            trainer = px.Trainer(network(px.Dense(4), px.Relu()))
            trainer.fit(kind, y.tolist() if kind is kinds[1] else y, epochs=2)
            outputs.append(trainer.predict(kind))
        for other in outputs[1:]:
            np.testing.assert_array_equal(outputs[0], other)
        pixels = np.arange(600, dtype=np.uint8).reshape(300, 2)
        trainer = px.Trainer(px.Sequential(px.Standardize(), px.Dense(3)))
        trainer.fit(pixels, y)
        np.testing.assert_array_equal(trainer.predict(pixels), trainer.predict(pixels.astype(np.float32)))

    def test_arrays_are_lent_not_copied(self):
        x, y = line()
        before = sys.getrefcount(x)
        data = px.Dataset.regression(x, y)
        self.assertEqual(sys.getrefcount(x), before + 1)
        del data
        self.assertEqual(sys.getrefcount(x), before)
        read_only = x.copy()
        read_only.flags.writeable = False
        trainer = px.Trainer(px.Sequential(px.Dense(1)), loss="mse")
        trainer.fit(read_only, y)
        result = trainer.predict(read_only)
        self.assertFalse(result.flags.owndata)  # the tensor's memory
        del trainer
        self.assertTrue(np.isfinite(result).all())

    def test_file_and_copies_have_the_same_bits(self):
        x, y = clouds()
        net = network(px.Dense(6), px.Gelu(tanh=True), px.Dropout(0.1))
        trainer = px.Trainer(net)
        trainer.fit(x, y, epochs=3)
        wanted = trainer.predict(x)
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "m.safetensors")
            px.save(net, path)
            loaded = px.load(path)
        self.assertEqual(loaded.classes, ["0", "1", "2"])
        for other in (loaded, net.clone()):
            np.testing.assert_array_equal(px.Trainer(other).predict(x), wanted)
        self.assertEqual([repr(loaded[i]) for i in range(len(loaded))], [repr(layer) for layer in (net[i] for i in range(5))])

    def test_folds(self):
        data = px.Dataset.from_csv(iris_csv)
        parts = px.k_fold(data, folds=4, seed=3)
        self.assertEqual([(len(train), len(test)) for train, test in parts], [(112, 38), (112, 38), (113, 37), (113, 37)])
        tested = np.concatenate([test.targets for _, test in parts])
        np.testing.assert_array_equal(np.bincount(tested), [50, 50, 50])
        with self.assertRaisesRegex(px.ArgumentError, "folds"):
            px.k_fold(data, folds=1)

    def test_learning_rate_finder(self):
        x, y = clouds()
        net = network(px.Dense(6), px.Relu())
        found = px.find_learning_rate(net, x, y, optimizer="adam", steps=60, seed=1)
        self.assertEqual(len(found.learning_rates), len(found.losses))
        self.assertEqual(len(found.learning_rates), len(found.smoothed))
        self.assertAlmostEqual(found.learning_rates[0], 1e-7)
        self.assertEqual(found.learning_rates, sorted(found.learning_rates))
        self.assertTrue(1e-7 < found.suggestion < found.lowest <= 10)
        again = px.find_learning_rate(net, x, y, optimizer="adam", steps=60, seed=1)
        self.assertEqual(again.losses, found.losses)
        with self.assertRaisesRegex(px.ArgumentError, "steps"):
            px.find_learning_rate(net, x, y, steps=3)

    def test_csv_split_and_callbacks(self):
        data = px.Dataset.from_csv(iris_csv)
        self.assertEqual(len(data), 150)
        self.assertEqual(len(data.classes), 3)
        train, test = px.split(data, test_fraction=0.2, seed=1)
        self.assertEqual((len(train), len(test)), (120, 30))
        steps, epochs = [], []
        trainer = px.Trainer(network(px.Dense(10), px.Relu()))
        history = trainer.fit(train, epochs=5, on_step=lambda p: steps.append((p.epoch, p.step, p.loss)),
                              on_epoch=lambda e: epochs.append(e.epoch) or e.epoch == 2)
        self.assertTrue(history.stopped)
        self.assertEqual(epochs, [1, 2])
        self.assertEqual([s[:2] for s in steps], [(e, s) for e in (1, 2) for s in (1, 2, 3, 4)])
        self.assertEqual(len(trainer.predict(test)), 30)

        def fails(progress):
            raise KeyError("mine")
        with self.assertRaises(KeyError):
            trainer.fit(train, on_step=fails)

    def test_errors(self):
        x, y = clouds()
        trainer = px.Trainer(px.Sequential(px.Dense(3)))
        with self.assertRaisesRegex(px.ArgumentError, "^predict: the network is not built: fit it first$"):
            trainer.predict(x)
        with self.assertRaisesRegex(px.ShapeError, "300 rows of features, 299 of targets"):
            trainer.fit(x, y[1:])
        with self.assertRaisesRegex(px.BackendError, "no_such"):
            px.Trainer(px.Sequential(), backend="no_such")
        with self.assertRaises(px.DataError):
            trainer.fit(np.full_like(x, np.nan), y)
        with self.assertRaisesRegex(px.ArgumentError, "no such loss: l2"):
            px.Trainer(px.Sequential(), loss="l2")
        with self.assertRaises(px.IoError):
            px.load("/no/such/file")
        with self.assertRaises(px.FormatError):
            px.load(__file__)
        with self.assertRaisesRegex(TypeError, "^X: not an array of numbers"):
            trainer.fit([["a"], ["b"]], [0, 1])
        with self.assertRaisesRegex(TypeError, "no such setting: lr"):
            px.Adam(lr=1)
        with self.assertRaisesRegex(px.ArgumentError, "no such initializer: best"):
            px.Dense(3, initializer="best")
        for error, builtin in ((px.ShapeError, ValueError), (px.BackendError, RuntimeError), (px.IoError, OSError)):
            self.assertTrue(issubclass(error, px.Error) and issubclass(error, builtin))

    def test_warnings_go_to_logging(self):
        x, y = clouds()
        with self.assertLogs("plexus", "WARNING") as log:
            px.Trainer(px.Sequential(px.Dense(3))).fit(1000 * x, y)
        self.assertIn("Standardize", log.output[0])

    def test_backends(self):
        rows = px.backends()
        self.assertEqual(rows[-1].name, "reference")
        self.assertTrue(rows[-1].usable)

    def test_profile(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "profile.json")
            x, y = clouds()
            trainer = px.Trainer(network(px.Dense(8), px.Relu()), backend="reference", profile=path)
            trainer.fit(x, y, epochs=2)
            del trainer  # what was collected is written when its context ends
            with open(path) as file:
                names = [event["name"] for event in json.load(file)]
            self.assertEqual(names.count("epoch"), 2)
            self.assertGreater(names.count("step"), 0)
            with self.assertRaises(OSError):
                px.Trainer(network(), profile="/no/such/directory/profile.json")


class Checkpoints(unittest.TestCase):
    """A run that is killed goes on to the bits of one that was not."""

    @staticmethod
    def train(directory, **more):
        net = network(px.Dense(8), px.Relu(), px.Dropout(0.2))
        trainer = px.Trainer(net, optimizer="adam", backend="reference", threads=1, seed=5)
        history = trainer.fit(*clouds(), epochs=7, patience=20, validation_fraction=0.2, checkpoints=directory,
                              checkpoint_steps=3, **more)
        return trainer.predict(clouds(50, seed=9)[0]), [e.validation_loss for e in history.epochs]

    def test_killed_and_resumed(self):
        program = """
import itertools, os, signal, sys
sys.argv = ["", ""]
from python_test import Checkpoints
steps = itertools.count(1)
Checkpoints.train(DIRECTORY, on_step=lambda *_: next(steps) == 29 and os.kill(os.getpid(), signal.SIGKILL))
"""
        with tempfile.TemporaryDirectory() as place:
            expected = self.train(os.path.join(place, "whole"))
            cut = os.path.join(place, "cut")
            child = subprocess.run([sys.executable, "-B", "-c", program.replace("DIRECTORY", repr(cut))],
                                   cwd=os.path.dirname(os.path.abspath(__file__)), capture_output=True, text=True)
            self.assertEqual(child.returncode, -signal.SIGKILL, child.stderr)
            with self.assertRaisesRegex(ValueError, "holds checkpoints of an earlier run: resume it"):
                self.train(cut)
            predictions, losses = self.train(cut, resume=True)
            self.assertTrue((predictions == expected[0]).all())
            self.assertEqual(losses, expected[1])


class Interpreter(unittest.TestCase):
    def test_ctrl_c_stops_after_a_step(self):
        """Another thread of Python sends it: it can only where fit does not hold the interpreter's lock."""
        x, y = clouds()
        trainer = px.Trainer(network(px.Dense(16), px.Tanh()))
        timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        with self.assertRaises(KeyboardInterrupt):
            trainer.fit(x, y, epochs=10 ** 9)
        timer.join()
        self.assertGreater(trainer.evaluate(x, y).accuracy, 0.9)  # what it had learnt is there
        trainer.fit(x, y)  # and it can go on


class Estimators(unittest.TestCase):
    def test_classifier(self):
        x, y = clouds()
        names = np.array(["red", "green", "blue"])[y]
        model = px.PlexusClassifier(hidden=(16,), epochs=20)
        self.assertIs(model.fit(x, names), model)
        self.assertEqual(list(model.classes_), ["blue", "green", "red"])
        self.assertEqual(model.score(x, names), 1.0)
        self.assertEqual(list(model.predict(x[:3])), ["red", "green", "blue"])
        probabilities = model.predict_proba(x)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        self.assertTrue((probabilities.argmax(axis=1) == model.decision_function(x).argmax(axis=1)).all())
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict_proba(x), probabilities)

    def test_regressor(self):
        x, y = line()
        model = px.PlexusRegressor(hidden=(), epochs=60, learning_rate=0.1).fit(x, y)
        self.assertGreater(model.score(x, y), 0.999)
        self.assertEqual(model.predict(x).shape, (200,))
        far = px.PlexusRegressor(hidden=(), epochs=60, learning_rate=0.1).fit(x, 1e6 + 1e4 * y)
        self.assertGreater(far.score(x, 1e6 + 1e4 * y), 0.99)
        both = px.PlexusRegressor(hidden=(), epochs=2).fit(x, np.stack([y, -y], axis=1))
        self.assertEqual(both.predict(x).shape, (200, 2))

    def test_stops_early(self):
        x, y = clouds()
        model = px.PlexusClassifier(hidden=(16,), epochs=500, learning_rate=0.3, schedule="cosine", early_stopping=True,
                                    n_iter_no_change=3).fit(x, y)
        losses = [e.validation_loss for e in model.history_.epochs]
        self.assertEqual(model.n_iter_, len(losses))
        self.assertEqual(int(np.argmin(losses)), len(losses) - 1 - 3)
        self.assertLess(model.history_.epochs[-1].learning_rate, 0.3)
        with self.assertRaisesRegex(px.ArgumentError, "no such schedule: cosin: choose one of constant, cosine, onecycle"):
            px.PlexusClassifier(schedule="cosin").fit(x, y)

    def test_parameters(self):
        model = px.PlexusClassifier(hidden=(3, 4))
        self.assertEqual(model.get_params()["hidden"], (3, 4))
        self.assertEqual(len(model.get_params()), 16)
        self.assertEqual(model.set_params(epochs=7).epochs, 7)
        with self.assertRaises(ValueError):
            model.set_params(layers=1)
        with self.assertRaisesRegex(px.ArgumentError, "not fitted"):
            model.predict(np.zeros((1, 2)))

    def test_the_same_seed_gives_the_same(self):
        x, y = clouds()
        one, two, other = (px.PlexusClassifier(hidden=(5,), epochs=2, random_state=s).fit(x, y).predict_proba(x) for s in (4, 4, 5))
        np.testing.assert_array_equal(one, two)
        self.assertFalse((one == other).all())

    def test_without_scikit_learn(self):
        code = ("import sys; sys.modules['sklearn'] = None; sys.modules['sklearn.base'] = None\n"
                "import numpy as np, plexus as px\n"
                "m = px.PlexusClassifier(hidden=(4,), epochs=3); m.set_params(epochs=2)\n"
                "m.fit(np.eye(6, dtype=np.float32), [0, 1, 0, 1, 0, 1]); print(len(m.predict(np.eye(6))), m.get_params()['epochs'])\n")
        self.assertEqual(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout, "6 2\n")

    @unittest.skipUnless(sklearn, "scikit-learn is not installed")
    def test_with_scikit_learn(self):
        from sklearn.base import clone, is_classifier, is_regressor
        from sklearn.model_selection import GridSearchCV, cross_val_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        x, y = clouds()
        names = np.array(["red", "green", "blue"])[y]
        model = px.PlexusClassifier(hidden=(16,), epochs=20, standardize=False)
        self.assertTrue(is_classifier(model) and is_regressor(px.PlexusRegressor()))
        self.assertEqual(clone(model).get_params(), model.get_params())
        pipeline = make_pipeline(StandardScaler(), model)
        scores = cross_val_score(pipeline, x, names, cv=3)
        self.assertEqual(scores.shape, (3,))
        self.assertGreater(scores.min(), 0.98)
        for metric in ("roc_auc_ovr", "neg_log_loss"):
            self.assertTrue(np.isfinite(cross_val_score(pipeline, x, names, cv=3, scoring=metric)).all())
        two = y < 2
        self.assertGreater(cross_val_score(model, x[two], y[two], cv=3, scoring="roc_auc").min(), 0.99)
        search = GridSearchCV(model, {"hidden": [(), (8,)]}, cv=2).fit(x, y)
        self.assertIn(search.best_params_["hidden"], [(), (8,)])
        self.assertGreater(cross_val_score(px.PlexusRegressor(hidden=(), epochs=60, learning_rate=0.1), *line(), cv=3).min(), 0.99)


if __name__ == "__main__":
    unittest.main()
