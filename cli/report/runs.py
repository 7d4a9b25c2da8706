"""What `plexus train --run` left in a directory, read and checked."""
import json
import math
import os


class Damaged(Exception):
    """A file that is not as Plexus writes it. The message names it."""


def read_json(path):
    """What the file holds; None where it is not there."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise Damaged(f"{path}: is no JSON that plexus train wrote: {error}") from None


def read_lines(path):
    """The objects of a .jsonl file. A last line without its end was cut off, or is being written: it does not count."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []
    except (ValueError, OSError) as error:
        raise Damaged(f"{path}: cannot be read: {error}") from None
    objects = []
    for number, line in enumerate(lines, 1):
        try:
            objects.append(json.loads(line))
        except ValueError:
            raise Damaged(f"{path}: line {number}: is no JSON that plexus train wrote") from None
    return objects


# What a value may be, for `shaped`.
TEXT, WHOLE = str, int
NUMBER = (int, float, type(None))  # null: NaN, or nothing


def shaped(value, form, place):
    """Checks that a value has the form: a type, {key: form}, [form of every element] or [form, number of elements]."""
    if isinstance(form, dict):
        if not isinstance(value, dict):
            raise Damaged(f"{place}: expected an object")
        for key, inner in form.items():
            if key not in value:
                raise Damaged(f"{place}: expected '{key}'")
            shaped(value[key], inner, f"{place}: {key}")
    elif isinstance(form, list):
        if not isinstance(value, list) or len(form) == 2 and len(value) != form[1]:
            raise Damaged(f"{place}: expected a list" + (f" of {form[1]}" if len(form) == 2 else ""))
        for number, element in enumerate(value):
            shaped(element, form[0], f"{place}[{number}]")
    elif not isinstance(value, form) or isinstance(value, bool):
        raise Damaged(f"{place}: expected a {'text' if form is TEXT else 'number'}")
    return value


MANIFEST = {"library_version": TEXT, "build": TEXT, "arguments": [TEXT], "seed": WHOLE, "training": TEXT, "cpu": TEXT,
            "backend": TEXT, "isa": TEXT, "threads": WHOLE, "data": {"path": TEXT}}
EPOCH = {"epoch": WHOLE, "train_loss": NUMBER, "validation_loss": NUMBER, "validation_accuracy": NUMBER,
         "learning_rate": NUMBER, "seconds": NUMBER}
POINT = {"step": WHOLE, "epoch": WHOLE, "loss": NUMBER}
PLAN = {"plans": [{"rows": WHOLE, "operations": [{"label": TEXT, "spec": TEXT, "backend": TEXT, "kernel": TEXT, "why": TEXT,
                                                  "measured_ns": NUMBER}]}]}


def evaluation_form(value, place):
    """The form of evaluation.json: that of classes, or of numbers."""
    task = shaped(value, {"task": TEXT, "shape": [WHOLE]}, place)["task"]
    pixels = math.prod(value["shape"])
    form = {"rows": WHOLE, "loss": NUMBER, "best_epoch": NUMBER, "columns": [TEXT], "targets": [TEXT],
            "findings": [{"id": TEXT, "message": TEXT, "remedy": TEXT}]}
    mistake = {"row": TEXT, "values": ([(TEXT, *NUMBER), pixels])}
    if task == "classify":
        classes = len(shaped(value, {"classes": [TEXT]}, place)["classes"])
        score = {"class": TEXT, "rows": WHOLE, "precision": NUMBER, "precision_interval": [NUMBER, 2], "recall": NUMBER,
                 "recall_interval": [NUMBER, 2], "f1": NUMBER, "auc": NUMBER}
        mistake |= {"truth": TEXT, "predicted": TEXT, "probability": NUMBER, "probability_of_truth": NUMBER}
        form |= {"accuracy": NUMBER, "interval": [NUMBER, 2], "top5_accuracy": NUMBER, "f1": NUMBER, "auc": NUMBER,
                 "calibration_error": NUMBER, "confusion": [[WHOLE, classes], classes], "scores": [score, classes],
                 "calibration": [{"rows": WHOLE, "confidence": NUMBER, "accuracy": NUMBER}]}
    else:
        mistake |= {"truth": [NUMBER], "predicted": [NUMBER], "error": NUMBER}
        form |= {"rmse": NUMBER, "mae": NUMBER, "r2": NUMBER}
    shaped(value, {"mistakes": [dict]}, place)
    for number, one in enumerate(value["mistakes"]):
        small = {key: inner for key, inner in mistake.items() if key != "values" or one.get(key) is not None}
        shaped(one, small, f"{place}: mistakes[{number}]")
    return form


class Run:
    """A run: its manifest, and what there is of the rest. Absent are evaluation, plan and first_layer (None) of one that did not end."""

    def __init__(self, path):
        def place(name):
            return os.path.join(path, name)

        self.path = path
        self.name = os.path.basename(os.path.abspath(path))
        self.manifest = shaped(read_json(place("manifest.json")), MANIFEST, place("manifest.json"))
        self.epochs = [shaped(epoch, EPOCH, f"{place('metrics.jsonl')}: line {number}")
                       for number, epoch in enumerate(read_lines(place("metrics.jsonl")), 1)]
        trace = [shaped(point, POINT, f"{place('trace.jsonl')}: line {number}")
                 for number, point in enumerate(read_lines(place("trace.jsonl")), 1)]
        self.steps = [{key: point[key] for key in POINT} for point in trace]
        self.evaluation = self.optional(place("evaluation.json"), evaluation_form)
        self.plan = self.optional(place("plan.json"), lambda value, at: PLAN)
        self.first_layer = self.optional(place("first_layer.json"), lambda value, at: {
            "all_units": WHOLE, "units": [{"largest": NUMBER, "values": [
                WHOLE, math.prod(shaped(value, {"shape": [WHOLE, 2]}, at)["shape"])]}]})

    @staticmethod
    def optional(path, form):
        value = read_json(path)
        return None if value is None else shaped(value, form(value, path), path)

    @property
    def classifies(self):
        if self.evaluation:
            return self.evaluation["task"] == "classify"
        return self.manifest.get("task", "classify") == "classify"

    def curve(self, key):
        """[(epoch, value)] where there is a value."""
        return [(epoch["epoch"], epoch[key]) for epoch in self.epochs if epoch[key] is not None]

    def data(self):
        return {"directory": self.path, "manifest": self.manifest, "epochs": self.epochs, "steps": self.steps,
                "evaluation": self.evaluation, "plan": self.plan, "first_layer": self.first_layer}
