"""The Python module: a network by hand, then the same as a scikit-learn estimator. python3 train.py [FILE.npy]"""
import sys

import numpy as np

import plexus as px

table = np.load(sys.argv[1] if len(sys.argv) > 1 else "data/iris.npy")
X, y = table[:, :-1], table[:, -1].astype(int)
order = np.random.default_rng(1).permutation(len(y))
train, test = order[30:], order[:30]

net = px.Sequential(px.Standardize(), px.Dense(10), px.Relu(), px.Dense(3))
trainer = px.Trainer(net, optimizer=px.Adam(learning_rate=0.01))
history = trainer.fit(X[train], y[train], epochs=100)
print(f"loss {history.epochs[-1].train_loss:.4f} on {trainer.backend}")
print(trainer.evaluate(X[test], y[test]))

model = px.PlexusClassifier(hidden=(10,), learning_rate=0.01).fit(X[train], y[train])
print(f"accuracy {model.score(X[test], y[test]):.3f}, probabilities {model.predict_proba(X[test])[0].round(3)}")
