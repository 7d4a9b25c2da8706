#!/usr/bin/env python3
"""No vector register is spilled in the loops of the matrix products: check_spills.py LIBRARY

Disassembles the tiles of backends/simd (tile-inl.h), those that are stored and those that optimizer steps use up, and looks
into every loop of a product: a vector that is loaded from the stack or stored to it there is an accumulator that found no
register, and costs a third of the speed.
Exits with 77 where there is no objdump or no tile (another machine than x86-64, a build without simd).
"""
import re
import shutil
import subprocess
import sys

STORED = re.compile(r"^[0-9a-f]+ <(.*tiles_to_memory<(\d+), (\d+), .*)>:$")
STEPPED = re.compile(r"^[0-9a-f]+ <(.*::N_(\w+)::.*step_tiles<.*Step<.*)>:$")
STEPPED_ACCUMULATORS = {"AVX3": 8 * 2, "AVX2": 6 * 2}  # of the tallest tile
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
VECTOR = re.compile(r"%[xyz]mm")
WRITTEN = re.compile(r"%[xyz]mm\d+,.*\(")
STACK = re.compile(r"\(%rsp[,)]")
STACK_OR_FRAME = re.compile(r"\(%r[sb]p[,)]")  # where the function keeps a frame; else the other register is one like any


def functions(library):
    """(name, accumulators, [(address, mnemonic, operands)]) of every tile."""
    text = subprocess.run(["objdump", "--disassemble", "--demangle", "--no-show-raw-insn", library], capture_output=True,
                          text=True, check=True).stdout
    name, accumulators, body = None, 0, []
    for line in text.splitlines():
        if line.endswith(">:"):
            if name:
                yield name, accumulators, body
            name, accumulators, body = None, 0, []
            if found := STORED.match(line):
                name, accumulators = found[1], int(found[2]) * int(found[3])
            elif found := STEPPED.match(line):
                name, accumulators = found[1], STEPPED_ACCUMULATORS[found[2]]
        elif name and (found := INSTRUCTION.match(line)):
            body.append((int(found[1], 16), found[2], found[3]))
    if name:
        yield name, accumulators, body


def loops(name, body, accumulators):
    """Bodies of the loops over k: from where a conditional jump back lands to the jump, with one or two multiply-adds for each
    accumulator between them and no other such loop."""
    found = []
    for address, mnemonic, operands in body:
        target = re.match(r"([0-9a-f]+) <", operands)
        if not target or mnemonic in ("jmp", "call") or not body[0][0] <= int(target[1], 16) <= address:
            continue
        inside = [entry for entry in body if int(target[1], 16) <= entry[0] <= address]
        if any(m in ("ret", "jmp") for _, m, _ in inside):  # not a loop: what comes before it lies behind it
            continue
        # One over tiles: it writes parameters. What is written to the stack is what is looked for.
        if "step_tiles" in name and any(WRITTEN.search(o) and not STACK_OR_FRAME.search(o) for _, m, o in inside if m == "vmovups"):
            continue
        if sum(m.startswith("vfmadd") and m.endswith("ps") for _, m, _ in inside) in (accumulators, 2 * accumulators):
            found.append(inside)
    return [loop for loop in found
            if not any(other is not loop and loop[0][0] <= other[0][0] and other[-1][0] <= loop[-1][0] for other in found)]


def main():
    if not shutil.which("objdump"):
        print("objdump is not installed")
        return 77
    tiles = loops_seen = spills = 0
    for name, accumulators, body in functions(sys.argv[1]):
        tiles += 1
        found = loops(name, body, accumulators)
        loops_seen += len(found)
        if not found and "N_SCALAR" not in name:
            print(f"{name}: no loop over k found: has the disassembly changed?")
            spills += 1
        stack = STACK_OR_FRAME if any((m, o) == ("mov", "%rsp,%rbp") for _, m, o in body) else STACK
        for loop in found:
            for address, mnemonic, operands in loop:
                if VECTOR.search(operands) and stack.search(operands):
                    spills += 1
                    print(f"{name}\n  {address:x}: {mnemonic} {operands}")
    print(f"{tiles} tiles, {loops_seen} loops, {spills} spills")
    if tiles == 0:
        symbols = subprocess.run(["nm", "--demangle", sys.argv[1]], capture_output=True, text=True).stdout
        if "plexus::simd::N_AVX" not in symbols:
            return 77
        print("no tile among the simd backend's functions: have their names changed?")
        return 1
    return spills > 0


sys.exit(main())
