"""A program that speaks, for tests: a tone per letter, as WAV whose header promises everything."""

import math
import struct
import sys

RATE = 8_000


def main() -> None:
    text = sys.stdin.read()
    out = sys.stdout.buffer
    form = struct.pack("<HHIIHH", 1, 1, RATE, RATE * 2, 2, 16)
    endless = b"\xff\xff\xff\xff"
    out.write(b"RIFF" + endless + b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + endless)
    for letter in text:
        pitch = 200 + 10 * (ord(letter) % 50)
        tone = (math.sin(2 * math.pi * pitch * at / RATE) for at in range(RATE // 20))
        out.write(b"".join(struct.pack("<h", round(8_000 * value)) for value in tone))


if __name__ == "__main__":
    main()
