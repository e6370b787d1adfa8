"""Wishes of routing rules and presets: from a form's words to a `provider` object, and back."""

from collections.abc import Mapping
from typing import Any

import msgspec

from alltoken_app.errors import Invalid
from alltoken_app.routing.preferences import Preferences

LISTS = ("order", "only", "ignore", "quantizations")
SWITCHES = {"zdr": True, "require_parameters": True, "allow_fallbacks": False}
PRICES = ("prompt", "completion")
SORTS = ("price", "throughput", "latency")
SAID = {
    "order": "first {}",
    "only": "only {}",
    "ignore": "never {}",
    "quantizations": "running {}",
}


def read(form: Mapping[str, str]) -> dict[str, Any]:
    """The `provider` object that a form means; empty fields ask for nothing.

    Raises:
        Invalid: A field is wrong, or nothing is asked for; `param` names the field.
    """
    wishes: dict[str, Any] = {name: words for name in LISTS if (words := names(form.get(name, "")))}
    wishes |= {name: asks for name, asks in SWITCHES.items() if form.get(name)}
    if form.get("no_training"):
        wishes["data_collection"] = "deny"
    if form.get("sort", "") in SORTS:
        wishes["sort"] = form["sort"]
    most = {unit: form[f"max_{unit}"].strip() for unit in PRICES if form.get(f"max_{unit}")}
    if most:
        wishes["max_price"] = most
    checked(wishes)
    return wishes


def checked(wishes: dict[str, Any]) -> Preferences:
    """The wishes as routing reads them.

    Raises:
        Invalid: They are not a `provider` object.
    """
    try:
        return msgspec.convert(wishes, Preferences, strict=True)
    except msgspec.ValidationError as error:
        rule, _, where = str(error).partition(" - at `")
        field = where.strip("`").removeprefix("$.")
        raise Invalid(
            f"{field or 'The wishes'}: {rule}.", param=field or None, status=422
        ) from None


def names(text: str) -> list[str]:
    """Names with commas, spaces or lines between them, each once."""
    found = text.replace(",", " ").lower().split()
    return list(dict.fromkeys(found))


def fields(wishes: Mapping[str, Any]) -> dict[str, str]:
    """What a form shows of stored wishes; the reverse of `read`."""
    shown = {name: ", ".join(wishes.get(name) or ()) for name in LISTS}
    shown |= {name: "on" if wishes.get(name) is asks else "" for name, asks in SWITCHES.items()}
    most = wishes.get("max_price") or {}
    shown |= {f"max_{unit}": str(most.get(unit, "")) for unit in PRICES}
    shown["no_training"] = "on" if wishes.get("data_collection") == "deny" else ""
    shown["sort"] = wishes.get("sort") or ""
    return shown


def summary(wishes: Mapping[str, Any]) -> str:
    """The wishes in a line for people."""
    said = [text.format(", ".join(wishes[name])) for name, text in SAID.items() if wishes.get(name)]
    if wishes.get("zdr"):
        said.append("zero data retention")
    if wishes.get("data_collection") == "deny":
        said.append("no training")
    if wishes.get("require_parameters"):
        said.append("every parameter honoured")
    if wishes.get("allow_fallbacks") is False:
        said.append("no fallbacks")
    most = wishes.get("max_price") or {}
    if most.get("prompt"):
        said.append(f"input up to ${most['prompt']} per million")
    if most.get("completion"):
        said.append(f"output up to ${most['completion']} per million")
    if wishes.get("sort"):
        said.append(f"sorted by {wishes['sort']}")
    return ", ".join(said)
