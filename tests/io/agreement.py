#!/usr/bin/env python3
"""Damaged .npy and .npz files: Plexus must accept what NumPy accepts and refuse what it refuses, and read the same numbers.

agreement.py ECHO NPY_TXT COUNT

Where the two may differ is listed in docs/formats.md; each difference must have one of these reasons, found here without
Plexus. Exits with 77 where NumPy is not installed.
"""
import ast
import collections
import io
import random
import re
import resource
import struct
import sys
import warnings
import zipfile
import zlib

try:
    import numpy as np
except ImportError:
    print("NumPy is not installed")
    sys.exit(77)

from echo import Echo

WORDS = [b"'descr'", b"'fortran_order'", b"'shape'", b"True", b"False", b"(", b")", b",", b":", b"{", b"}", b"\n", b" ", b"\t", b"'",
         b'"', b"<f4", b">i2", b"|u1", b"<u8", b"b1", b"f2", b"0", b"1", b"2L", b"-1", b"9223372036854775808", b"PK\3\4", b"PK\1\2",
         b"PK\5\6", b"\0\0\0\0", b"\xff\xff\xff\xff", b"#", b"_", b"u"]
TYPES = {kind + size for kind, sizes in (("f", "248"), ("i", "1248"), ("u", "1248"), ("b", "1")) for size in sizes}


def mutated(rng, content, end):
    """One to three changes, most of them before `end`."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(min(end, len(content)) if rng.random() < 0.8 else len(content)) if content else 0
        kind = rng.randrange(7)
        if kind == 0 and content:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and content:
            content[at] = rng.randrange(256)
        elif kind == 2 and content:
            del content[at : at + rng.choice((1, 1, 2, 8))]
        elif kind == 3:
            content[at:at] = rng.choice(WORDS)
        elif kind == 4:
            word = rng.choice(WORDS)
            content[at : at + len(word)] = word
        elif kind == 5 and rng.random() < 0.2:
            del content[at:]
        elif kind == 6:
            content[at:at] = content[at : at + rng.randrange(1, 20)]
    return bytes(content)


def archive(rng, member):
    """An archive in order around a damaged member."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as files:
        files.writestr("a.npy", member)
    return out.getvalue()


def load(kind, content):
    """{name: array} as NumPy reads it; None where it does not."""
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        return {"": loaded} if kind == "n" else {name: loaded[name] for name in loaded.files}
    except Exception:  # NumPy and zipfile refuse with many kinds
        return None


def widened(array):
    """As Plexus returns it: io/npy.h."""
    code = array.dtype.kind + str(array.dtype.itemsize)
    wider = {"b1": "u1", "i1": "i4", "i2": "i4", "u2": "i4", "u4": "i8", "u8": "i8", "f2": "f4"}.get(code, code)
    return array.astype(wider)


def same(read, expected):
    return set(read) == set(expected) and all(
        read[name].dtype == widened(array).dtype and read[name].shape == array.shape
        and read[name].tobytes() == widened(array).tobytes() for name, array in expected.items())


# A header as docs/formats.md has it, in any order: one that does not match is Python, but not this.
NAME = r"""(['"])(descr|fortran_order|shape)\1"""
VALUE = r"""(?:'[^']*'|"[^"]*"|True|False|\(\s*(?:-?\d+L?\s*,\s*(?:-?\d+L?\s*,\s*)*(?:-?\d+L?\s*)?)?\))"""
BLANK = "[ \t\n]*"
PAIR = BLANK + NAME.replace(r"\1", r"\{}") + BLANK + ":" + BLANK + VALUE + BLANK
HEADER = re.compile(BLANK + r"\{" + ",".join(PAIR.format(group) for group in (1, 3, 5)) + ",?" + BLANK + r"\}" + BLANK)


def npy_reasons(content, array):
    """Why Plexus may refuse a .npy file that NumPy reads as `array`."""
    wide = content[6] > 1
    length = struct.unpack("<I" if wide else "<H", content[8 : 12 if wide else 10])[0]
    start = (12 if wide else 10) + length
    header = content[start - length : start].decode("latin1")
    if not header.endswith("\n"):
        yield "no newline at the end of the header"
    found = HEADER.fullmatch(header)
    if not found or {found[2], found[4], found[6]} != {"descr", "fortran_order", "shape"}:
        yield "Python beyond the grammar"
    else:
        code = ast.literal_eval(re.sub(r"(\d)L", r"\1", header.strip()))["descr"]
        if code.lstrip("<>=|") not in TYPES or len(code) > 3:
            yield "another type"
    if array.dtype.kind + str(array.dtype.itemsize) not in TYPES:
        yield "another type"
    if len(content) > start + array.nbytes:
        yield "bytes behind the data"
    if array.ndim > 8:
        yield "more than 8 dimensions"
    if array.dtype.kind == "u" and array.size and int(array.max()) > 2**63 - 1:
        yield "an unsigned number above 2^63 - 1"


def length(packed, method):
    return len(zlib.decompressobj(-15).decompress(packed)) if method == 8 else len(packed)


def described(behind, crc, packed, full):
    """What follows a streamed member: checksum and sizes of 32 or 64 bits, with or without a mark."""
    sizes = (struct.pack("<3I", crc, packed, full), struct.pack("<I2Q", crc, packed, full))
    return behind.startswith(sizes + tuple(b"PK\7\x08" + size for size in sizes))


def zip_reasons(content):
    """Why an archive that Python's zipfile reads is not in order: its parts must follow each other and agree."""
    end = content.rfind(b"PK\5\6")
    if end + 22 > len(content):
        yield "an archive that is not in order"
        return
    disk, start_disk, here, count, size, offset, comment = struct.unpack("<4H2IH", content[end + 4 : end + 22])
    if end + 22 + comment != len(content) or offset + size != end or disk or start_disk or here != count:
        yield "an archive that is not in order"
        return
    at, names = offset, set()
    for _ in range(count):
        if content[at : at + 4] != b"PK\1\2" or at + 46 > end:
            yield "an archive that is not in order"
            return
        (_, needed, flags, method, time, date, crc, packed, full, name_size, extra_size, comment_size, _, _, _,
         local) = struct.unpack("<6H3I5H2I", content[at + 4 : at + 46])
        name = content[at + 46 : at + 46 + name_size]
        extra = content[at + 46 + name_size : at + 46 + name_size + extra_size]
        at += 46 + name_size + extra_size + comment_size
        if name in names:
            yield "a name that occurs twice"
        names.add(name)
        if method not in (0, 8):
            yield "another method of compression"
        if packed == 0xFFFFFFFF or full == 0xFFFFFFFF or extra:
            yield "an archive that is not in order"  # no mutation makes a large one
        if content[local : local + 4] != b"PK\3\4" or local + 30 > offset:
            yield "an archive that is not in order"
            return
        head = struct.unpack("<5H3I2H", content[local + 4 : local + 30])
        data = local + 30 + head[8] + head[9]
        streamed = flags & 8 and not any(head[5:8])
        long_sizes = content[data - head[9] : data]
        if content[local + 30 : local + 30 + head[8]] != name or head[:5] != (needed, flags, method, time, date):
            yield "headers of a member that disagree"
        elif long_sizes and long_sizes not in (struct.pack("<2H2Q", 1, 16, full, packed), struct.pack("<2H2Q", 1, 16, 0, 0)):
            yield "headers of a member that disagree"
        elif not streamed and head[5:8] != (crc, packed, full):
            yield "headers of a member that disagree"
        elif flags & 8 and not described(content[data + packed :], crc, packed, full):
            yield "headers of a member that disagree"
        elif length(content[data : data + packed], method) != full:
            yield "another length than the directory says"
    if at != end:
        yield "an archive that is not in order"


def ignored(content):
    """What NumPy refuses an archive for, and Plexus does not look at."""
    entries = [found.start() for found in re.finditer(b"PK\1\2", content) if found.start() + 46 <= len(content)]
    if any(content[at + 6] > 63 for at in entries):
        yield "accepted: a later version of zip than there is"
    if any(struct.unpack("<H", content[at + 8 : at + 10])[0] & ~0x80E for at in entries):
        yield "accepted: a flag that deflate does not have"
    end = content.rfind(b"PK\5\6")
    if end >= 0 and end + 22 <= len(content):
        size, offset = struct.unpack("<2I", content[end + 12 : end + 20])
        if offset + size < end:
            yield "accepted: bytes between the directory and its end"


def npz_reasons(content, arrays):
    yield from zip_reasons(content)
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        names = [name[:-4] if name.endswith(".npy") else name for name in files.namelist()]
        if len(set(names)) < len(names):
            yield "a name that occurs twice"
        for name, short in zip(files.namelist(), names):
            if not isinstance(arrays[short], np.ndarray):
                yield "a member that is no array"
            else:
                yield from npy_reasons(files.read(name), arrays[short])


def main():
    program, golden, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    np.seterr(all="ignore")
    warnings.simplefilter("ignore")
    with open(golden) as lines:
        files = dict(line.split() for line in lines if not line.startswith("#"))
    arrays = [bytes.fromhex(content) for name, content in files.items() if not name.startswith("npz")]
    archives = [bytes.fromhex(content) for name, content in files.items() if name.startswith("npz")]
    rng, echo = random.Random(1), Echo(program)
    # NumPy asks for what a header claims. (Not Plexus, which started before: the sanitizers want terabytes of addresses.)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    agreed, excused, failures = collections.Counter(), collections.Counter(), 0
    for number in range(count):
        choice = number % 4
        if choice < 2:
            kind, content = "n", mutated(rng, rng.choice(arrays), 128)
        elif choice == 2:
            kind, content = "z", archive(rng, mutated(rng, rng.choice(arrays), 128))
        else:
            base = rng.choice(archives)
            kind, content = "z", mutated(rng, base, len(base))
        expected = load(kind, content)
        accepted, answer = echo(kind, content)
        if accepted and expected is not None:
            agreed[kind, "accepted"] += 1
            if same(load(kind, answer), expected):
                continue
            problem = "other numbers"
        elif accepted == (expected is not None):
            agreed[kind, "refused"] += 1
            continue
        elif accepted:
            reasons = list(ignored(content)) if kind == "z" else []
            if reasons:
                excused[kind, reasons[0]] += 1
                continue
            problem = "accepted, but NumPy refuses it"
        else:
            reasons = list(npy_reasons(content, expected[""]) if kind == "n" else npz_reasons(content, expected))
            if reasons:
                excused[kind, reasons[0]] += 1
                continue
            problem = "refused, but NumPy accepts it: " + answer.decode(errors="replace")
        failures += 1
        if failures <= 20:
            print(f"{kind} {number}: {problem}\n  {content.hex()}")
    echo.close()
    for counter in (agreed, excused):
        for (kind, what), times in sorted(counter.items()):
            print(f"{'.np' + {'n': 'y', 'z': 'z'}[kind]} {what}: {times}")
    print(f"{count} files, NumPy {np.__version__}, {failures} failures")
    return failures > 0


sys.exit(main())
