"""Training and running neural networks on CPUs.

    import plexus as px
    net = px.Sequential(px.Standardize(), px.Dense(10), px.Relu(), px.Dense(3))
    trainer = px.Trainer(net, optimizer=px.Adam(learning_rate=0.01))
    trainer.fit(X, y, epochs=100)
    print(trainer.evaluate(X_test, y_test))
    px.save(net, "model.safetensors")

PlexusClassifier and PlexusRegressor do the same the way of scikit-learn.
"""
from ._plexus import *  # noqa: F403
from ._plexus import __version__  # noqa: F401


def __getattr__(name):
    # On demand: scikit-learn, where it is installed, takes a second to import.
    if name in ("PlexusClassifier", "PlexusRegressor"):
        from . import estimators
        return getattr(estimators, name)
    raise AttributeError(f"module 'plexus' has no attribute '{name}'")


def __dir__():
    return sorted([*globals(), "PlexusClassifier", "PlexusRegressor"])
