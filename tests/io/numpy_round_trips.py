#!/usr/bin/env python3
"""Random arrays of NumPy, through Plexus and back: numpy_round_trips.py ECHO COUNT

Every type, byte order and memory order that Plexus reads, up to 8 dimensions, as .npy and in .npz archives; any bits, NaNs
and infinities among them. Exits with 77 where NumPy is not installed.
"""
import io
import random
import sys

try:
    import numpy as np
    from numpy.lib import format as npy
except ImportError:
    print("NumPy is not installed")
    sys.exit(77)

from echo import Echo

WIDER = {"b1": "u1", "i1": "i4", "i2": "i4", "u2": "i4", "u4": "i8", "u8": "i8", "f2": "f4"}
CODES = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


def array(rng):
    code = rng.choice(CODES)
    rank = rng.choice((0, 1, 1, 2, 2, 2, 3, 4, 8))
    shape = tuple(rng.choice((0, 1, 2, 3, 5, 17) if rank < 4 else (1, 2, 3)) for _ in range(rank))
    size = int(np.prod(shape, dtype=int))
    bits = np.frombuffer(rng.randbytes(size * int(code[1])), code)
    if code == "b1":
        bits = bits.view("u1") % 2 == 1
    if code == "u8":
        bits = bits >> np.uint64(1)  # what fits i64
    result = bits.astype(rng.choice("<>") + code).reshape(shape)
    return np.asfortranarray(result) if rng.random() < 0.4 and rank else result


def expected(value):
    code = value.dtype.kind + str(value.dtype.itemsize)
    return value.astype("<" + WIDER.get(code, code))


def check(read, value):
    wanted = expected(value)
    assert read.dtype == wanted.dtype and read.shape == wanted.shape, (read.dtype, read.shape, value.dtype, value.shape)
    # A half that is NaN may be widened to any NaN.
    if value.dtype.itemsize == 2 and value.dtype.kind == "f":
        assert np.array_equal(read, wanted, equal_nan=True) and np.array_equal(np.signbit(read), np.signbit(wanted))
    else:
        assert read.tobytes() == wanted.tobytes(), (read, wanted)


def ask(echo, kind, content):
    accepted, answer = echo(kind, content)
    assert accepted, answer
    return np.load(io.BytesIO(answer), allow_pickle=False)


def main():
    program, count = sys.argv[1], int(sys.argv[2])
    np.seterr(all="ignore")
    rng, echo = random.Random(1), Echo(program)
    for _ in range(count):
        value = array(rng)
        out = io.BytesIO()
        npy.write_array(out, value, version=rng.choice(((1, 0), (2, 0), (3, 0))))
        check(ask(echo, "n", out.getvalue()), value)
    tensors = 0
    while tensors < count:
        values = {f"{rng.randrange(1000)}/{i}": array(rng) for i in range(rng.randrange(8))}
        out = io.BytesIO()
        rng.choice((np.savez, np.savez_compressed))(out, **values)
        read = ask(echo, "z", out.getvalue())
        assert read.files == list(values)
        for name, value in values.items():
            check(read[name], value)
        tensors += len(values)
    print(f"{count} .npy files, {tensors} tensors in .npz files, NumPy {np.__version__}")
    return echo.close()


sys.exit(main())
