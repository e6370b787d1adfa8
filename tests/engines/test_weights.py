"""alltoken_app/engines/weights.py"""

import hashlib
from pathlib import Path

import pytest

from alltoken_app.engines import weights
from alltoken_app.engines.weights import File


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a file of weights in it, which stands in for the chat model's."""
    folder = tmp_path / "weights_for_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise ImportError('never imported')")
    (folder / "model.bin").write_bytes(b"weights")
    monkeypatch.syspath_prepend(tmp_path)
    digest = hashlib.sha256(b"weights").hexdigest()
    file = File(weights.CHAT, "weights_for_test", "model.bin", digest, ("json",))
    monkeypatch.setattr(weights, "FILES", (file,))
    return folder


def test_weights_are_found_without_being_imported(package: Path, tmp_path: Path) -> None:
    found = weights.verified(weights.find(), tmp_path / "var")
    assert (found.chat, found.models, found.explanation) == (
        package / "model.bin",
        (weights.CHAT,),
        "",
    )


def test_a_changed_file_is_noticed(package: Path, tmp_path: Path) -> None:
    assert weights.verified(weights.find(), tmp_path / "var").chat
    (package / "model.bin").write_bytes(b"other weights")
    found = weights.verified(weights.find(), tmp_path / "var")
    assert found.chat is None
    assert "damaged" in found.explanation
    assert "requirements-models.txt" in found.explanation


def test_a_file_is_read_once(package: Path, tmp_path: Path) -> None:
    var = tmp_path / "var"
    weights.verified(weights.find(), var)
    before = (var / weights.REMEMBERED).stat().st_mtime_ns
    weights.verified(weights.find(), var)
    assert (var / weights.REMEMBERED).stat().st_mtime_ns == before
    (var / weights.REMEMBERED).write_text("not json")
    assert weights.verified(weights.find(), var).chat


def test_what_is_missing_is_explained(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "model.bin").unlink()
    assert "model.bin is not in the package" in weights.find().explanation
    absent = (
        File(weights.CHAT, "no_such_package", "x", "", ()),
        File(weights.EMBEDDINGS, "weights_for_test", "x", "", ("no_such_engine",)),
    )
    monkeypatch.setattr(weights, "FILES", absent)
    chat, embeddings = weights.find().missing
    assert "no_such_package is not installed" in chat.reason
    assert chat.mend == weights.MEND
    assert "no_such_engine is not installed" in embeddings.reason
    assert embeddings.mend == "pip install -r requirements.txt"


def test_an_extra_that_is_not_installed_is_not_missed(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tuple(
        File(weights.LISTENING, name, "model.bin", "", (), optional=True)
        for name in ("weights_for_test", "no_such_package")
    )
    monkeypatch.setattr(weights, "FILES", (*weights.FILES, *files))
    found = weights.find()
    assert (found.listening, found.models, found.explanation) == ((), (weights.CHAT,), "")
    assert [gap.mend for gap in found.absent] == [weights.MEND_SPEECH]
    monkeypatch.setattr(weights, "FILES", (*weights.FILES[:1], files[0]))
    assert weights.find().listening == (package / "model.bin",)
    damaged = weights.verified(weights.find(), tmp_path / "var")
    assert damaged.listening == ()
    assert "requirements-speech.txt --force-reinstall" in damaged.explanation


def test_our_copy_of_the_tokenizer_is_the_one_we_name() -> None:
    note = (weights.TOKENIZER.parent / "SOURCE.md").read_text()
    assert hashlib.sha256(weights.TOKENIZER.read_bytes()).hexdigest() in note
    assert (weights.TOKENIZER.parent / "LICENSE").is_file()
