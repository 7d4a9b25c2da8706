#!/usr/bin/python3
"""README's performance section from a run that is made up: readme_section_test.py PROGRAM."""
import copy
import json
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv[1]
BEGIN, END = "<!-- performance: written by bench/readme_section.py -->", "<!-- end of performance -->"


def entry(name, microseconds, **counters):
    return {"name": name, "real_time": microseconds, "time_unit": "us", **counters}


RUN = {
    "context": {"cpu": "made up", "isa": "avx2", "date": "2024-05-06T07:08:09", "plexus_version": "1.2.3", "repetitions": "3",
                "backend_versions": "Plexus 1.2.3", "limit/fma/avx2/t1": "50", "limit/fma/avx2/t2": "100",
                "peer/pytorch": "PyTorch 9", "peer/openblas": "OpenBLAS 8"},
    "benchmarks":
        [entry("training/784-128-10/b32/sgd/simd/t2", t, peak=0.5) for t in (90, 100, 900)] +
        [entry("training/784-128-10/b32/sgd/simd/t1", 150, peak=0.6), entry("training/784-128-10/b32/sgd/pytorch/t2", 400),
         entry("training/784-128-10/b32/sgd/pytorch/t1", 250), entry("training/784-128-10/b8/sgd/simd/t1", 1),
         entry("matmul/nn/f32/m64~/n64/k64/simd/t1", 10, GFLOPS=40, peak=0.8),
         entry("matmul/nn/f32/m64~/n64/k64/openblas/t1", 20, GFLOPS=20, peak=0.4)],
}


class ReadmeSection(unittest.TestCase):
    def write(self, run, readme):
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/bench.json", "w") as file:
                json.dump(run, file)
            with open(f"{folder}/README.md", "w") as file:
                file.write(readme)
            result = subprocess.run([sys.executable, PROGRAM, f"{folder}/bench.json", f"{folder}/README.md"], capture_output=True, text=True)
            with open(f"{folder}/README.md") as file:
                return result, file.read()

    def test_between_the_markers(self):
        result, text = self.write(RUN, f"before\n{BEGIN}\nold\n{END}\nafter\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(text.startswith(f"before\n{BEGIN}\n"))
        self.assertTrue(text.endswith(f"\n{END}\nafter\n"))
        self.assertNotIn("old", text)
        self.assertIn("made up (avx2; 50 GFLOP/s on 1 thread, 100 GFLOP/s on 2 threads)", text)
        # The median of 90, 100, 900; PyTorch at its fastest.
        self.assertIn("| 784-128-10, batch 32 | **100 µs** (simd, t2) | 50 % | 250 µs (2.5x) |\n", text)
        self.assertNotIn("batch 8", text)
        self.assertIn("| GFLOP/s on 1 thread | `simd` | OpenBLAS |\n", text)
        self.assertIn("| nn 64 x 64 x 64 | 40 (80 %) | 20 (40 %) |\n", text)
        self.assertIn("PyTorch 9; OpenBLAS 8", text)
        again, same = self.write(RUN, text)
        self.assertEqual(same, text)

    def test_filter_takes_what_is_shown(self):
        done = subprocess.run([sys.executable, PROGRAM, "--filter"], capture_output=True, text=True, check=True)
        taken = [e["name"] for e in RUN["benchmarks"] if re.search(done.stdout.strip(), e["name"])]
        self.assertEqual(taken, [e["name"] for e in RUN["benchmarks"] if "/b8/" not in e["name"]])
        for other in ("training/784-128-10/b32/adam/simd/t2", "matmul/nn/f32/m64~/n64/k64/bias/relu/simd/t1", "inference/13-64-3/predict/b1/simd/t1"):
            self.assertIsNone(re.search(done.stdout.strip(), other))
        missing = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True)
        self.assertEqual(missing.returncode, 2)
        self.assertIn("BENCH.json and README.md are missing", missing.stderr)

    def test_refuses_a_void_run(self):
        run = copy.deepcopy(RUN)
        run["context"]["void/machine"] = "it was busy"
        readme = f"{BEGIN}\n{END}\n"
        result, text = self.write(run, readme)
        self.assertEqual(result.returncode, 1)
        self.assertIn("not to be quoted: it was busy", result.stderr)
        self.assertEqual(text, readme)

    def test_refuses_a_run_with_wrong_results(self):
        run = copy.deepcopy(RUN)
        run["refused"] = [{"name": "training/x"}]
        result, text = self.write(run, f"{BEGIN}\n{END}\n")
        self.assertEqual(result.returncode, 1)
        self.assertIn("not to be quoted: training/x was refused", result.stderr)

    def test_leaves_out_a_void_peer(self):
        run = copy.deepcopy(RUN)
        run["context"]["void/pytorch"] = "its sgemm is slow"
        result, text = self.write(run, f"{BEGIN}\n{END}\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("Left out: PyTorch: its sgemm is slow.\n", text)
        self.assertIn("| training, SGD with momentum | Plexus | of the limit |\n", text)
        self.assertNotIn("PyTorch 9", text)
        self.assertIn("OpenBLAS 8", text)

    def test_needs_both_markers(self):
        for readme in ("nothing\n", f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{END}\n{END}\n"):
            result, text = self.write(RUN, readme)
            self.assertEqual(result.returncode, 1)
            self.assertIn("README.md: expected the lines " + BEGIN, result.stderr)
            self.assertEqual(text, readme)


unittest.main(argv=sys.argv[:1], verbosity=2)
