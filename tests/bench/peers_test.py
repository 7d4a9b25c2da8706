#!/usr/bin/python3
"""
The peers as plexus bench starts them: peers_test.py FOLDER OTHER_BLAS. FOLDER holds their programs, OTHER_BLAS a libblas.so.3 that
is not OpenBLAS. What is not installed is named and left out; no time is judged.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

FOLDER, OTHER_BLAS = sys.argv[1:3]
PRODUCTS = ["matmul/nn/f32/m16~/n8/k4/bias/relu", "matmul/nt/f32/m16~/n4/k8 + activation/relu/gradient/f32/m16~/n4",
            "matmul/tn/f32/m4/n8/k16~", "matmul/nn/f32/m16~/n8/k4/bias/panels32/relu"]
TRAINING = ["training/13-64-3/b8/sgd", "training/13-64-3/b8/adam"]
INFERENCE = ["inference/13-64-3/b1", "inference/13-64-3/b8/predict"]
NOBODYS = ["activation/relu/f32/m8~/n100", "training/13-64-3/b8/unknown", "inference/13-64-3/b1/unknown", "matmul/nn/f64/m2/n2/k2",
           "matmul/nn/f32/m4/n4/k4/lda8"]
PEERS = {
    ("sgemm", "openblas"): PRODUCTS,
    ("sgemm", "onednn"): PRODUCTS,
    ("pytorch.py",): TRAINING + INFERENCE,
    ("scikit_learn.py",): TRAINING,
    ("onnx_runtime.py",): INFERENCE,
}
ON_BLAS = [peer for peer in PEERS if "onednn" not in peer and "onnx_runtime.py" not in peer]


def run(peer, *arguments, **environment):
    return subprocess.run([f"{FOLDER}/{peer[0]}", *peer[1:], *arguments], capture_output=True, text=True, timeout=200,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **environment})


class Peers(unittest.TestCase):
    def test_measure_what_they_know(self):
        for peer, known in PEERS.items():
            with self.subTest(peer=peer), tempfile.TemporaryDirectory() as folder:
                versions = run(peer, "--versions")
                if versions.returncode != 0:
                    self.assertIn("apt-get install ", versions.stderr.splitlines()[-1])
                    print(f"{peer}: left out: {versions.stderr.splitlines()[-1]}")
                    continue
                with open(f"{folder}/names", "w") as names:
                    names.write("\n".join(PRODUCTS + TRAINING + INFERENCE + NOBODYS) + "\n")
                measured = run(peer, "--names", f"{folder}/names", "--out", f"{folder}/out", "--min-time", "0.001")
                self.assertEqual(measured.returncode, 0, measured.stderr)
                with open(f"{folder}/out") as out:
                    result = json.load(out)
                self.assertEqual([b["name"] for b in result["benchmarks"]], known)
                self.assertEqual(result["context"]["version"], versions.stdout.splitlines()[-1])
                self.assertGreater(float(result["context"]["sgemm_1024"]), 0)
                for benchmark in result["benchmarks"]:
                    self.assertEqual(benchmark["time_unit"], "ns")
                    for key in ("real_time", "iterations"):
                        self.assertGreater(benchmark[key], 0)

    def test_refuse_another_blas(self):
        for peer in ON_BLAS:
            with self.subTest(peer=peer):
                refused = run(peer, "--versions", LD_LIBRARY_PATH=os.path.dirname(OTHER_BLAS))
                self.assertEqual(refused.returncode, 1)
                self.assertEqual(refused.stderr, "libblas.so.3 is not OpenBLAS: apt-get install libopenblas0-pthread\n")


unittest.main(argv=sys.argv[:1], verbosity=2)
