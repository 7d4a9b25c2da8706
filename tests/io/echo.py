"""What tests/io/echo.cpp answers: a file in, the file that Plexus wrote of it out."""
import struct
import subprocess


class Echo:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, kind, content):
        """(accepted, bytes written or message)"""
        self.process.stdin.write(kind.encode() + struct.pack("<I", len(content)) + content)
        self.process.stdin.flush()
        head = self.process.stdout.read(5)
        if len(head) < 5:
            raise RuntimeError(f"{self.process.args[0]} ended with {self.process.wait()}")
        length = struct.unpack("<I", head[1:])[0]
        return head[:1] == b"y", self.process.stdout.read(length)

    def close(self):
        self.process.stdin.close()
        return self.process.wait()
