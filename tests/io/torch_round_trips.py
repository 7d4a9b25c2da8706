#!/usr/bin/env python3
"""Random tensors of PyTorch, as safetensors through Plexus and back: torch_round_trips.py ECHO COUNT

The format is written and read here by its description, without Plexus and without the safetensors package. Exits with 77
where PyTorch is not installed.
"""
import json
import random
import struct
import sys

try:
    import torch
except ImportError:
    print("PyTorch is not installed")
    sys.exit(77)

from echo import Echo

TYPES = {"BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16, "I32": torch.int32, "I64": torch.int64,
         "F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64}
NAMES = {dtype: name for name, dtype in TYPES.items()}
WIDER = {torch.bool: torch.uint8, torch.int8: torch.int32, torch.int16: torch.int32, torch.float16: torch.float32,
         torch.bfloat16: torch.float32}


def write(rng, tensors, metadata):
    """The bytes of a file, with the tensors' data in random order."""
    order = list(tensors)
    rng.shuffle(order)
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name in order:
        value = tensors[name].contiguous()
        part = bytes(value.view(-1).view(torch.uint8).numpy()) if value.numel() else b""
        header[name] = {"dtype": NAMES[value.dtype], "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    header = {name: header[name] for name in (["__metadata__"] if metadata else []) + list(tensors)}
    text = json.dumps(header, ensure_ascii=rng.random() < 0.5).encode() + b" " * rng.randrange(8)
    return struct.pack("<Q", len(text)) + text + data


def read(content):
    """({name: tensor}, metadata) of a file, whose data must be without holes and aligned."""
    size = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8 : 8 + size]), content[8 + size :]
    metadata = header.pop("__metadata__", {})
    assert (8 + size) % 64 == 0
    tensors, spans = {}, []
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype = TYPES[entry["dtype"]]
        part = torch.tensor(list(data[begin:end]), dtype=torch.uint8)
        tensors[name] = (part.view(dtype) if len(part) else torch.empty(0, dtype=dtype)).reshape(entry["shape"])
        assert begin % torch.empty(0, dtype=dtype).element_size() == 0
        spans.append((begin, end))
    at = 0
    for begin, end in sorted(spans):
        assert begin == at
        at = end
    assert at == len(data)
    return tensors, metadata


def tensor(rng):
    dtype = rng.choice(list(TYPES.values()))
    rank = rng.choice((0, 1, 1, 2, 2, 3, 4, 8))
    shape = [rng.choice((0, 1, 2, 3, 7) if rank < 4 else (1, 2)) for _ in range(rank)]
    count = 1
    for size in shape:
        count *= size
    width = torch.empty(0, dtype=dtype).element_size()
    bits = torch.tensor(list(rng.randbytes(count * width)), dtype=torch.uint8)
    if dtype == torch.bool:
        bits = bits % 2
    return (bits.view(dtype) if count else torch.empty(0, dtype=dtype)).reshape(shape)


def check(got, value):
    wanted = value.to(WIDER.get(value.dtype, value.dtype))
    assert got.dtype == wanted.dtype and got.shape == wanted.shape, (got.dtype, got.shape, value.dtype, value.shape)
    if value.dtype in (torch.float16, torch.bfloat16):
        assert torch.allclose(got, wanted, rtol=0, atol=0, equal_nan=True)
    elif got.numel():
        assert torch.equal(got.reshape(-1).view(torch.uint8), wanted.reshape(-1).view(torch.uint8))


def main():
    program, count = sys.argv[1], int(sys.argv[2])
    rng, echo, total = random.Random(1), Echo(program), 0
    while total < count:
        tensors = {f"layer {i}.{rng.choice(('weight', 'bias', 'ä', chr(34)))}": tensor(rng) for i in range(rng.randrange(12))}
        metadata = {"key": "text", "\n": "é"} if rng.random() < 0.5 else {}
        accepted, answer = echo("s", write(rng, tensors, metadata))
        assert accepted, answer
        loaded, text = read(answer)
        assert list(loaded) == list(tensors) and text == metadata
        for name, value in tensors.items():
            check(loaded[name], value)
        total += len(tensors)
    print(f"{total} tensors, PyTorch {torch.__version__}")
    return echo.close()


sys.exit(main())
