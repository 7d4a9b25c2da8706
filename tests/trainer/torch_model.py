#!/usr/bin/env python3
"""A model file in PyTorch: torch.nn.Sequential with the same layers takes its tensors and predicts the same.

torch_model.py PLEXUS TABLE   trains on the table, reads the file, compares; exits with 77 where PyTorch is not installed
"""
import csv
import json
import struct
import subprocess
import sys
import tempfile

try:
    import torch
    from torch import nn
except ImportError:
    print("PyTorch is not installed")
    sys.exit(77)

HIDDEN = "8,gelu,dropout:0.2,8,silu,elu:0.7,leaky_relu:0.2,8,selu,softplus,8,tanh,gelu_tanh,8,sigmoid,8,relu"


def read_safetensors(path):
    """Tensors and metadata, from the description of the format alone."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        assert entry["dtype"] == "F32", entry
        begin, stop = entry["data_offsets"]
        assert begin == end, "a hole before " + name
        end = stop
        values = torch.frombuffer(bytearray(data[begin:stop]), dtype=torch.float32)
        tensors[name] = values.reshape(entry["shape"])
    assert end == len(data), "bytes that belong to no tensor"
    return tensors, metadata


def make_layer(entry, width):
    """The torch.nn module of an entry of the architecture, and the width of its output."""
    kind = entry["layer"]
    if kind == "Dense":
        return nn.Linear(width, entry["units"], bias=entry["bias"]), entry["units"]
    return {
        "Relu": nn.ReLU, "Selu": nn.SELU, "Silu": nn.SiLU, "Sigmoid": nn.Sigmoid, "Tanh": nn.Tanh,
        "Softplus": nn.Softplus, "Gelu": nn.GELU, "GeluTanh": lambda: nn.GELU(approximate="tanh"),
        "Elu": lambda: nn.ELU(entry["alpha"]), "LeakyRelu": lambda: nn.LeakyReLU(entry["alpha"]),
        "Dropout": lambda: nn.Dropout(entry["rate"]), "Flatten": nn.Flatten,
    }[kind](), width


def main(plexus, table):
    with tempfile.TemporaryDirectory() as directory:
        model = directory + "/model.safetensors"
        out = directory + "/probabilities.csv"
        run = lambda *arguments: subprocess.run([plexus, *arguments], check=True, stdout=subprocess.DEVNULL)
        run("train", table, "--layers", HIDDEN, "--epochs", "20", "--lr", "0.01", "--out", model)
        run("predict", model, table, "--proba", "-o", out)
        tensors, metadata = read_safetensors(model)
        try:  # where python3-safetensors is installed, it must see the same
            from safetensors import safe_open
            with safe_open(model, framework="pt") as file:
                assert sorted(file.keys()) == sorted(tensors)
                assert all(torch.equal(file.get_tensor(name), tensors[name]) for name in tensors)
                assert file.metadata() == metadata
        except ImportError:
            print("python3-safetensors is not installed: read by this script alone")
        with open(out) as file:
            predicted = list(csv.reader(file))
        with open(table) as file:
            rows = list(csv.DictReader(file))

    assert list(metadata) == ["plexus"], metadata
    description = json.loads(metadata["plexus"])
    x = torch.tensor([[float(row[name]) for name in description["columns"]] for row in rows])
    x = (x - tensors.pop("input.mean")) * tensors.pop("input.scale")
    width, layers = x.shape[1], []
    for entry in description["architecture"][1:]:
        layer, width = make_layer(entry, width)
        layers.append(layer)
    network = nn.Sequential(*layers)
    network.load_state_dict(tensors, strict=True)
    network.eval()
    with torch.no_grad():
        expected = torch.softmax(network(x).double(), dim=1)

    assert predicted[0] == ["prediction"] + description["classes"], predicted[0]
    found = torch.tensor([[float(value) for value in line[1:]] for line in predicted[1:]], dtype=torch.float64)
    # Seven layers of at most 9 terms in float each: some 7 * 9 * 2^-24 of their size, and sizes stay below 10.
    difference = (found - expected).abs().max().item()
    assert difference < 4e-5, difference
    names = [description["classes"][i] for i in found.argmax(dim=1)]
    assert names == [line[0] for line in predicted[1:]]
    print(f"{len(tensors)} tensors, {len(rows)} rows: probabilities differ by at most {difference:.1e}")


main(*sys.argv[1:])
