#!/usr/bin/python3
"""ONNX Runtime: inference. Threads from OMP_NUM_THREADS; they spin where OMP_WAIT_POLICY is ACTIVE."""
import os

import measurement
import network

try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError:
    measurement.not_installed("python3-onnxruntime python3-onnx (from Debian 13 on)")


def session(nodes, initializers, inputs, outputs):
    def values(named):
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in named.items()]
    graph = helper.make_graph(nodes, "peer", values(inputs), values(outputs),
                              [numpy_helper.from_array(array, name) for name, array in initializers.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = measurement.threads("OMP_NUM_THREADS")
    options.inter_op_num_threads = 1
    spinning = "1" if os.environ.get("OMP_WAIT_POLICY") == "ACTIVE" else "0"
    options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def bound(session, feeds):
    """A call without copies: inputs and outputs stay where they are."""
    binding = session.io_binding()
    for name, array in feeds.items():
        binding.bind_cpu_input(name, array)
    for output in session.get_outputs():
        binding.bind_output(output.name)
    return lambda: session.run_with_iobinding(binding)


def prepare(name):
    parsed = network.parse(name)
    if not parsed or parsed[0] != "inference":
        return None
    _, widths, batch, variant = parsed
    if variant not in ("", "predict"):
        return None
    random = np.random.default_rng(1)
    nodes, weights = [], {}
    for i in range(1, len(widths)):
        last = i + 1 == len(widths)
        weights[f"w{i}"] = random.standard_normal((widths[i], widths[i - 1]), dtype=np.float32) / widths[i - 1] ** 0.5
        weights[f"b{i}"] = np.zeros(widths[i], np.float32)
        nodes.append(helper.make_node("Gemm", [f"x{i - 1}", f"w{i}", f"b{i}"], ["y" if last else f"z{i}"], transB=1))
        if not last:
            nodes.append(helper.make_node("Relu", [f"z{i}"], [f"x{i}"]))
    x = random.standard_normal((batch, widths[0]), dtype=np.float32)
    ready = session(nodes, weights, {"x0": x.shape}, {"y": (batch, widths[-1])})
    if variant == "predict":  # into a new array
        return (lambda: ready.run(None, {"x0": x})), 1
    return bound(ready, {"x0": x}), 1


def multiply_1024():
    random = np.random.default_rng(1)
    shape = (1024, 1024)
    a, b = (random.standard_normal(shape, dtype=np.float32) for _ in range(2))
    nodes = [helper.make_node("MatMul", ["a", "b"], ["c"])]
    return bound(session(nodes, {"b": b}, {"a": shape}, {"c": shape}), {"a": a})


measurement.main(f"ONNX Runtime {onnxruntime.__version__}", multiply_1024, prepare)
