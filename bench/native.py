"""Compiles the scripted upstream and the load tool when their source changed."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from bench.paths import BENCH, BUILD

NO_COMPILER = (
    "The bench needs a C compiler for its upstream and its load tool, and found none "
    "(cc, gcc, clang). On Debian: apt-get install gcc libc6-dev."
)


def build(name: str) -> Path:
    """The compiled program of `bench/{name}.c`. Exits with a clear line when that cannot be."""
    sources = [BENCH / f"{name}.c", *sorted(BENCH.glob("*.h"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    program = BUILD / f"{name}-{digest}"
    if program.exists():
        return program
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        sys.exit(NO_COMPILER)
    BUILD.mkdir(exist_ok=True)
    unfinished = program.with_suffix(".new")
    command = [compiler, "-O2", "-o", str(unfinished), str(sources[0])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    unfinished.rename(program)
    return program
