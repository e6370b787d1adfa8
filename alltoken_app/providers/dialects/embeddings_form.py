"""The common form of embeddings: texts go out, vectors come back."""

import sys
from array import array
from base64 import b64encode

import msgspec

from alltoken_app.providers.base import Call, Reply, Unfit, Usage

NULL = msgspec.Raw(b"null")

Vector = list[float]


def texts(call: Call) -> list[str]:
    """The input as texts. Raises Unfit: numbers of tokens mean nothing to another tokenizer."""
    try:
        found = msgspec.json.decode(call.fields.get("input", NULL), type=str | list[str])
    except msgspec.ValidationError:
        raise Unfit("input: this model takes a text or a list of texts.", "input") from None
    return [found] if isinstance(found, str) else found


def dimensions(call: Call) -> int | None:
    """How long a vector is asked for. Raises Unfit."""
    try:
        return msgspec.json.decode(call.fields.get("dimensions", NULL), type=int | None)
    except msgspec.ValidationError:
        raise Unfit("dimensions: not a number.", "dimensions") from None


def reply(call: Call, vectors: list[Vector], usage: Usage | None) -> Reply:
    """The vectors in the form the caller asked for, floats or base64.

    Raises:
        ValueError: There are none.
    """
    if not vectors or not all(vectors):
        raise ValueError("no embedding in the reply")
    packed = bytes(call.fields.get("encoding_format", b"")) == b'"base64"'
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(one) if packed else one}
        for index, one in enumerate(vectors)
    ]
    return Reply({"data": msgspec.Raw(msgspec.json.encode(data))}, usage, content=True)


def _packed(values: Vector) -> str:
    """As the official client asks for it: floats of four bytes, little end first."""
    floats = array("f", values)
    if sys.byteorder == "big":
        floats.byteswap()
    return b64encode(floats.tobytes()).decode()
