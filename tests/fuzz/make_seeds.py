#!/usr/bin/env python3
"""Small valid files for the fuzzers to start from: make_seeds.py npy.txt FOLDER makes FOLDER/<reader>/<name>."""
import gzip
import json
import os
import struct
import sys


def npy_and_npz(golden):
    with open(golden) as lines:
        for line in lines:
            if not line.startswith("#"):
                name, content = line.split()
                yield "npz" if name.startswith("npz") else "npy", name, bytes.fromhex(content)


def idx():
    for code, size in ((8, 1), (9, 1), (11, 2), (12, 4), (13, 4), (14, 8)):
        content = bytes([0, 0, code, 2]) + struct.pack(">II", 2, 3) + bytes(range(6 * size))
        yield "idx", str(code), content
        yield "idx", f"{code}.gz", gzip.compress(content, mtime=0)


def csv():
    texts = {
        "header": "a,b,c\n1,2,x\n3,4.5,y\n",
        "semicolons": "\ufeffa;b\r\n1,5;2\r\n-3e2;nan\r\n",
        "quotes": '"a\nb","say ""hi""", x \n"1",2,3\n',
        "missing": "a\tb\n1\t\nNA\t?\n\n",
        "column": "x\n1\n\n3\n",
        "numbers": "1e400,5e-324,inf\n0x10,+1,.5\n",
    }
    for name, text in texts.items():
        yield "csv", name, text.encode()


def safetensors():
    sizes = {"BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2, "U32": 4, "I32": 4, "F32": 4, "U64": 8,
             "I64": 8, "F64": 8}
    for name, size in sizes.items():
        header = {"__metadata__": {"key": "text"}, "t": {"dtype": name, "shape": [2, 1], "data_offsets": [0, 2 * size]},
                  "empty": {"dtype": name, "shape": [0], "data_offsets": [2 * size, 2 * size]}}
        text = json.dumps(header).encode()
        yield "safetensors", name, struct.pack("<Q", len(text)) + text + bytes(range(2 * size))


def checkpoint():
    """Checksums are left at 0: the fuzzer puts in those that fit."""
    run = {"library_version": "0.1.0", "backend": "simd", "isa": "avx2", "threads": 1, "first_epoch": 0, "epoch": 2, "step": 1,
           "rows": 2, "loss": 0.5, "learning_rate": 0.01, "loss_sum": 1.0, "seconds": 0.1, "whole": False, "stopped": False,
           "entries": [{"name": "0.weight", "role": "parameter", "dtype": "f32", "shape": [2, 1]}], "callbacks": ["stop"]}
    empty = {**run, "entries": [], "callbacks": []}
    for name, value, more in (("one", run, [(b"tensor 0", bytes(8)), (b"callback 0", b"{}")]), ("empty", empty, [])):
        sections = [(b"run", json.dumps(value).encode()), (b"settings", b"{}"), (b"history", struct.pack("<q5d", 1, 1, 1, 1, 1, 1)), *more]
        table = b"".join(struct.pack("<I", len(n)) + n + struct.pack("<QQ", len(b), 0) for n, b in sections)
        content = b"".join(b for _, b in sections)
        head = b"\x89PLXC\r\n\x1a" + struct.pack("<IIQQQ", 1, len(sections), len(table), 48 + len(table) + len(content), 0)
        yield "checkpoint", name, head + table + bytes(8) + content


def model():
    """Texts of the metadata of a model; the fuzzer puts the tensors of the first one beside them."""
    dense = {"layer": "Dense", "units": 1, "bias": True}
    architectures = {
        "scaled": [{"layer": "Standardize"}, dense],
        "activations": [{"layer": "Standardize"}, dense, {"layer": "Relu"}, {"layer": "LeakyRelu", "alpha": 0.5},
                        {"layer": "Dropout", "rate": 0.5, "frozen": True}, {"layer": "Flatten"}, {"layer": "GeluTanh"}],
        "encoded": [{"layer": "OneHot", "categories": [[], ["a"]]}, {"layer": "Impute"}, {"layer": "MinMax"}, dense],
    }
    for name, architecture in architectures.items():
        yield "model", name, json.dumps({
            "format_version": 1, "library_version": "0.1.0", "dtype": "f32", "input": [2], "architecture": architecture,
            "columns": ["a", "b"], "classes": [], "targets": ["y"]}).encode()


def main():
    golden, folder = sys.argv[1:]
    for seeds in (npy_and_npz(golden), idx(), csv(), safetensors(), model(), checkpoint()):
        for reader, name, content in seeds:
            os.makedirs(os.path.join(folder, reader), exist_ok=True)
            with open(os.path.join(folder, reader, name), "wb") as out:
                out.write(content)


main()
