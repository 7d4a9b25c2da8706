#!/usr/bin/env python3
"""The arrays and archives of npy.txt, written by NumPy: a line a file, "name hexadecimal-bytes".

make_npy.py > npy.txt       writes them
make_npy.py --check npy.txt reads them with the NumPy that is here and compares; exits with 77 where there is none
"""
import io
import sys
import warnings

try:
    import numpy as np
    from numpy.lib import format as npy
except ImportError:
    print("NumPy is not installed")
    sys.exit(77)


def values(code):
    """[0, 1, 2, 3, 4, 5] for unsigned types, the same less 3 for signed ones, half of that for floating ones."""
    numbers = np.arange(6)
    if code[0] in "if":
        numbers = numbers - 3
    if code[0] == "b":
        numbers = numbers % 2
    return numbers / 2 if code[0] == "f" else numbers


def extremes(code):
    if code[0] == "f":
        info = np.finfo(code)
        return [info.max, info.tiny, -info.tiny / 4, np.inf, -np.inf, np.nan]
    info = np.iinfo(code)
    return [info.min, info.max if code != "u8" else 2**63 - 1]


def arrays():
    """(name, array, format version)"""
    codes = "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1".split()
    for code in codes:
        array = values(code).reshape(2, 3)
        for order, word in (("<", "little"), (">", "big")):
            if code[1] != "1" or order == "<":
                yield f"{code}-{word}", array.astype(order + code), (1, 0)
        yield f"{code}-fortran", np.asfortranarray(array.astype("<" + code)), (1, 0)
        if code != "b1":
            yield f"{code}-extremes", np.array(extremes(code)).astype("<" + code), (1, 0)
    yield "rank3-fortran", np.asfortranarray(np.arange(24, dtype="<i4").reshape(2, 3, 4)), (1, 0)
    yield "rank4-big-fortran", np.asfortranarray(np.arange(120, dtype=">f8").reshape(2, 3, 4, 5)), (1, 0)
    yield "version2", np.arange(3, dtype="<f4"), (2, 0)
    yield "version3", np.arange(3, dtype="<f4"), (3, 0)
    yield "scalar", np.array(7, dtype="<i8"), (1, 0)
    yield "scalar-fortran", np.array(7, dtype="<i8", order="F"), (1, 0)
    yield "empty", np.zeros(0, dtype="<f4"), (1, 0)
    yield "empty-rows", np.zeros((0, 3), dtype="<f4"), (1, 0)
    yield "empty-columns-fortran", np.zeros((3, 0), dtype="<f4", order="F"), (1, 0)


class Pipe(io.RawIOBase):
    """What zip cannot go back in: sizes come behind the data."""

    def __init__(self):
        self.content = bytearray()

    def writable(self):
        return True

    def write(self, part):
        self.content += part
        return len(part)


def archives():
    """(name, members, bytes of the archive)"""
    members = {"x": np.arange(6, dtype="<f4").reshape(2, 3), "a/b": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
               "scalar": np.array(7, dtype="<i8"), "empty": np.zeros((3, 0))}
    for name, save in (("npz-stored", np.savez), ("npz-deflated", np.savez_compressed)):
        out = io.BytesIO()
        save(out, **members)
        yield name, members, out.getvalue()
        pipe = Pipe()
        save(pipe, **members)
        yield name + "-streamed", members, bytes(pipe.content)
    out = io.BytesIO()
    np.savez(out)
    yield "npz-empty", {}, out.getvalue()


def main():
    np.seterr(all="ignore")
    warnings.simplefilter("ignore")
    if sys.argv[1:2] != ["--check"]:
        print(f"# made by make_npy.py with NumPy {np.__version__}")
        for name, array, version in arrays():
            out = io.BytesIO()
            npy.write_array(out, array, version=version)
            print(name, out.getvalue().hex())
        for name, _, content in archives():
            print(name, content.hex())
        return 0
    with open(sys.argv[2]) as lines:
        files = dict(line.split() for line in lines if not line.startswith("#"))
    for name, array, _ in arrays():
        read = np.load(io.BytesIO(bytes.fromhex(files[name])), allow_pickle=False)
        assert read.dtype == array.dtype and read.shape == array.shape, name
        assert read.tobytes() == array.tobytes(), name
    for name, members, _ in archives():
        read = np.load(io.BytesIO(bytes.fromhex(files[name])), allow_pickle=False)
        assert sorted(read.files) == sorted(members), name
        for key, array in members.items():
            assert read[key].dtype == array.dtype and np.array_equal(read[key], array), (name, key)
    print(len(files), "files, NumPy", np.__version__)
    return 0


sys.exit(main())
