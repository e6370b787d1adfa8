"""Reads form-encoded parameters and checks them against the types of the official client.

The sandbox must never accept what the real processor refuses, so the client's own generated
TypedDicts are the specification: unknown names, wrong types and unknown choices are a 400.
"""

import re
import sys
import typing
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import UnionType
from typing import Any, Literal

from stripe import _request_options as options
from typing_extensions import is_typeddict

from alltoken_app.payments.sandbox.errors import Refused

OPTIONS = frozenset(options.RequestOptions.__annotations__)  # travel as headers, not as parameters
MAX_METADATA = (50, 40, 500)  # pairs, characters of a name, of a value


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`line_items[0][quantity]=1` and so on, as dicts and lists."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        path = re.findall(r"[^\[\]]+", name)
        branch = tree
        for step in path[:-1]:
            branch = branch.setdefault(step, {})
            if not isinstance(branch, dict):
                raise Refused(f"Invalid parameter: {name}", param=name)
        branch[path[-1] if path else name] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdigit() for name in value):
        return [_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _lists(inner) for name, inner in value.items()}


def checked(params: Mapping[str, Any], shape: type, handled: frozenset[str]) -> dict[str, Any]:
    """The parameters with their types, numbers as int and booleans as bool.

    Args:
        shape: The client's TypedDict of this call.
        handled: Parameters the sandbox does something about, nested ones as "outer.inner"; it
            refuses the others openly instead of ignoring them.

    Raises:
        Refused: The real processor would refuse them, or the sandbox cannot do them.
    """
    values = _fields(params, shape, "")
    for name in _names(values, ""):
        if name not in handled | {"expand"}:
            raise Refused(f"The sandbox processor does not support `{name}`.", param=name)
    return values


def _names(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _names(item, path)
    if isinstance(value, dict) and not path.endswith("metadata"):
        for name, inner in value.items():
            here = f"{path}.{name}" if path else name
            yield here
            yield from _names(inner, here)


def _fields(params: Mapping[str, Any], shape: type, path: str) -> dict[str, Any]:
    known = _hints(shape)
    required: frozenset[str] = getattr(shape, "__required_keys__", frozenset())
    for name in params:
        if name not in known:
            where = _at(path, name)
            code = "parameter_unknown"
            raise Refused(f"Received unknown parameter: {where}", code=code, param=where)
    for name in sorted(required - params.keys()):
        where = _at(path, name)
        raise Refused(f"Missing required param: {where}.", code="parameter_missing", param=where)
    return {name: _value(raw, known[name], _at(path, name)) for name, raw in params.items()}


@lru_cache
def _hints(shape: type) -> dict[str, Any]:
    names = {**vars(options), **vars(sys.modules[shape.__module__]), "StripeContext": str}
    hints = typing.get_type_hints(shape, names)
    return {name: hint for name, hint in hints.items() if name not in OPTIONS}


def _value(raw: Any, hint: Any, path: str) -> Any:
    choices = typing.get_args(hint) if _is_union(hint) else (hint,)
    texts = [text for choice in choices if _is_literal(choice) for text in typing.get_args(choice)]
    if isinstance(raw, str) and texts and (raw in texts or raw == ""):
        return raw
    if isinstance(raw, str) and any(texts):
        known = ", ".join(text for text in texts if text)
        raise Refused(f"Invalid {path}: must be one of {known}", param=path)
    for choice in choices:
        if not _is_literal(choice):
            return _converted(raw, choice, path)
    raise Refused(f"Invalid {path}", param=path)


def _converted(raw: Any, hint: Any, path: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is list:
        return _items(raw, typing.get_args(hint)[0], path)
    if origin is dict:
        return _metadata(raw, path)
    if is_typeddict(hint) and isinstance(raw, dict):
        return _fields(raw, hint, path)
    if not isinstance(raw, str) or is_typeddict(hint):
        raise Refused(f"Invalid parameter: {path}", param=path)
    return _scalar(raw, hint, path)


def _scalar(raw: str, hint: Any, path: str) -> str | int | bool:
    if hint is int:
        if not re.fullmatch(r"-?[0-9]{1,15}", raw):
            raise Refused(f"Invalid integer: {raw}", code="parameter_invalid_integer", param=path)
        return int(raw)
    if hint is bool:
        if raw not in ("true", "false"):
            raise Refused(f"Invalid boolean: {raw}", param=path)
        return raw == "true"
    return raw


def _items(raw: Any, hint: Any, path: str) -> list[Any]:
    if not isinstance(raw, list):
        raise Refused("Invalid array", param=path)
    return [_value(item, hint, f"{path}[{index}]") for index, item in enumerate(raw)]


def _metadata(raw: Any, path: str) -> dict[str, str]:
    pairs, name_size, value_size = MAX_METADATA
    if raw == "":
        return {}
    if not isinstance(raw, dict) or len(raw) > pairs:
        raise Refused("Invalid hash", param=path)
    for name, value in raw.items():
        if not isinstance(value, str) or len(name) > name_size or len(value) > value_size:
            raise Refused(f"Invalid metadata: {name}", param=_at(path, name))
    return raw


def _is_literal(hint: Any) -> bool:
    return typing.get_origin(hint) is Literal


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, UnionType)


def _at(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
