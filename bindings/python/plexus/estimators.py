"""Estimators the way of scikit-learn: they fit into a Pipeline and into cross_val_score, and need scikit-learn for neither."""
import inspect
import os
import tempfile

import numpy as np

from . import _plexus as px

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
except ImportError:
    class BaseEstimator:
        """What scikit-learn's class of this name does, as far as it is needed here."""

        def get_params(self, deep=True):
            return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

        def set_params(self, **params):
            known = self.get_params()
            for name, value in params.items():
                if name not in known:
                    raise ValueError(f"{type(self).__name__} has no parameter '{name}': choose one of {', '.join(known)}")
                setattr(self, name, value)
            return self

        def __repr__(self):
            return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_params().items())})"

    class ClassifierMixin:
        _estimator_type = "classifier"

    class RegressorMixin:
        _estimator_type = "regressor"


_activations = {
    "relu": px.Relu, "leaky_relu": px.LeakyRelu, "elu": px.Elu, "selu": px.Selu, "gelu": px.Gelu, "silu": px.Silu,
    "sigmoid": px.Sigmoid, "tanh": px.Tanh, "softplus": px.Softplus,
}
_optimizers = {
    "sgd": px.Sgd, "adam": px.Adam, "adamw": px.AdamW, "rmsprop": px.RmsProp, "adagrad": px.Adagrad, "adamax": px.Adamax,
    "nadam": px.NAdam, "radam": px.RAdam, "adadelta": px.Adadelta,
}

_schedules = {"constant": px.ConstantRate, "cosine": px.CosineDecay, "onecycle": px.OneCycle}


def _choose(table, kind, name):
    if name not in table:
        raise px.ArgumentError(f"no such {kind}: {name}: choose one of {', '.join(table)}")
    return table[name]


class _Estimator(BaseEstimator):
    def __init__(self, hidden=(100,), activation="relu", dropout=0.0, optimizer="adam", learning_rate=None, weight_decay=None,
                 epochs=100, batch_size=32, standardize=True, validation_fraction=0.0, backend=None, threads=None,
                 random_state=0, schedule="constant", early_stopping=False, n_iter_no_change=10):
        """hidden: units of the hidden layers. learning_rate, weight_decay: None is the optimizer's default.
        standardize: the network begins with a Standardize layer. random_state: a number, the same one gives the same weights.
        schedule: of the learning rate, constant, cosine or onecycle. early_stopping: ends after n_iter_no_change epochs in which the
        validation loss was no better, with the best weights; validation_fraction is 0.1 then unless it is given."""
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.standardize = standardize
        self.validation_fraction = validation_fraction
        self.backend = backend
        self.threads = threads
        self.random_state = random_state
        self.schedule = schedule
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change

    def _train(self, X, data, loss, outputs):
        layers = [px.Standardize()] if self.standardize else []
        for units in self.hidden:
            layers += [px.Dense(units), _choose(_activations, "activation", self.activation)()]
            if self.dropout > 0:
                layers.append(px.Dropout(self.dropout))
        settings = {"learning_rate": self.learning_rate, "weight_decay": self.weight_decay}
        optimizer = _choose(_optimizers, "optimizer", self.optimizer)(**{k: v for k, v in settings.items() if v is not None})
        network = px.Sequential([*layers, px.Dense(outputs)])
        seed = 0 if self.random_state is None else self.random_state
        trainer = self._trainer(network, loss, optimizer, seed)
        fraction = self.validation_fraction or (0.1 if self.early_stopping else 0.0)
        patience = self.n_iter_no_change if self.early_stopping else None
        self.history_ = trainer.fit(data, epochs=self.epochs, batch_size=self.batch_size, seed=seed,
                                    validation_fraction=fraction, patience=patience)
        self.n_iter_ = len(self.history_.epochs)
        self.network_ = network
        self.trainer_ = trainer
        self.n_features_in_ = X.shape[1]
        return self

    def _trainer(self, network, loss, optimizer, seed):
        return px.Trainer(network, loss=loss, optimizer=optimizer, backend=self.backend, threads=self.threads, seed=seed,
                          schedule=_choose(_schedules, "schedule", self.schedule)())

    def _outputs(self, X):
        if not hasattr(self, "trainer_"):
            raise px.ArgumentError(f"{type(self).__name__}: not fitted: call fit first")
        return self.trainer_.predict(_matrix(X))

    def __getstate__(self):
        """A fitted network travels as the bytes of its model file; its optimizer and the history do not."""
        state = self.__dict__.copy()
        for name in ("network_", "trainer_", "history_"):
            state.pop(name, None)
        if hasattr(self, "network_"):
            with tempfile.TemporaryDirectory() as directory:
                path = os.path.join(directory, "model.safetensors")
                px.save(self.network_, path)
                with open(path, "rb") as file:
                    state["_model"] = file.read()
        return state

    def __setstate__(self, state):
        state = dict(state)
        model = state.pop("_model", None)
        self.__dict__.update(state)
        if model is not None:
            with tempfile.TemporaryDirectory() as directory:
                path = os.path.join(directory, "model.safetensors")
                with open(path, "wb") as file:
                    file.write(model)
                self.network_ = px.load(path)
            self.trainer_ = self._trainer(self.network_, "softmax_cross_entropy", "sgd", 0)


def _matrix(X):
    """float32 without a copy where it is that already; uint8 stays."""
    X = np.asarray(X)
    return X if X.dtype == np.uint8 else np.ascontiguousarray(X, dtype=np.float32)


class PlexusClassifier(ClassifierMixin, _Estimator):
    """A dense network with softmax cross entropy. y: labels of any type that np.unique sorts."""

    def fit(self, X, y):
        X = _matrix(X)
        classes, numbers = np.unique(np.asarray(y), return_inverse=True)
        self._train(X, px.Dataset.classification(X, numbers.reshape(-1), [str(c) for c in classes]),
                    "softmax_cross_entropy", len(classes))
        self.classes_ = classes
        return self

    def decision_function(self, X):
        """Logits [n, classes]; of two classes the second's minus the first's, [n], as scikit-learn has it."""
        logits = self._outputs(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict_proba(self, X):
        logits = self._outputs(X).astype(np.float64)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def predict(self, X):
        outputs = self._outputs(X)
        return self.classes_[outputs.argmax(axis=1)]

    def score(self, X, y):
        """Accuracy."""
        return float(np.mean(self.predict(X) == np.asarray(y)))


class PlexusRegressor(RegressorMixin, _Estimator):
    """A dense network with mean squared error. y: [n] or [n, k]."""

    def fit(self, X, y):
        X = _matrix(X)
        y = np.asarray(y, dtype=np.float32)
        self._single = y.ndim == 1
        return self._train(X, px.Dataset.regression(X, y), "mse", 1 if y.ndim == 1 else y.shape[1])

    def predict(self, X):
        values = self._outputs(X)
        return values[:, 0] if self._single else values

    def score(self, X, y):
        """R^2, the mean over the columns of y."""
        y = np.asarray(y, dtype=np.float64)
        residual = ((y - self.predict(X)) ** 2).sum(axis=0)
        total = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
        return float(np.mean(1 - residual / total))
