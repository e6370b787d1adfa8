"""The lists this installation's catalogue is made of: what we offer, and what we know of it.

They lie beside this module as data: providers, models with their endpoints, the request fields that
families of models honour, and prices as of a day.
"""

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from alltoken_app.catalog.cards import Rates

DATA = Path(__file__).parent / "data"


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider, and what it says it does with what it is sent.

    Attributes:
        prices: Its name in the price data.
    """

    name: str
    description: str
    prices: str
    checked: str
    zdr: str = "unknown"
    evidence: str = ""
    trains: bool | None = None
    retention_days: int | None = None
    source_url: str | None = None
    headquarters: str | None = None
    datacenters: list[str] = []
    privacy_url: str | None = None
    terms_url: str | None = None
    status_url: str | None = None
    region: str | None = None
    implicit_caching: bool = False
    moderated: bool = False


class Spot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One endpoint of a model. What is left out is as the model or the provider says.

    Attributes:
        at: Its tag: provider, or provider/variant.
        price: Which price of the data is its: "provider/model".
        rates: Rates that the data lacks, USD per million units, by the names of `Price`.
        free: Costs nothing, whatever it uses.
        wires: The callers' dialects it is offered in.
    """

    at: str
    upstream: str
    price: str = ""
    parameters: str = ""
    context: int = 0
    max_output: int = 0
    quantization: str | None = None
    retention_days: int | None = None
    evidence: str = ""
    rates: dict[str, str] = {}
    free: bool = False
    wires: list[str] = []
    source: str = ""


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model. Days are written "2026-11-22".

    Attributes:
        parameters: The name of a list in `parameters.toml`.
        priced_as_text: Units that cost what text does, where the data does not say so itself.
        writes_unasked: Its provider fills the prompt cache unasked, and charges for it.
    """

    slug: str
    name: str
    kind: str
    description: str
    context: int
    max_output: int
    inputs: list[str]
    outputs: list[str]
    parameters: str
    endpoints: list[Spot]
    canonical: str | None = None
    released: str | None = None
    expires: str | None = None
    cutoff: str | None = None
    licence: str | None = None
    size: str | None = None
    tokenizer: str | None = None
    hugging_face: str | None = None
    voices: list[str] = []
    priced_as_text: list[str] = []
    writes_unasked: bool = False


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rates from a day on; from the beginning when there is no day."""

    rates: Rates
    since: str | None = None


class Prices(msgspec.Struct, frozen=True):
    """Prices as of a day, by "provider/model", as a data package has them.

    Attributes:
        source: The package and its version.
    """

    source: str
    day: str
    prices: dict[str, list[Step]]


class Lists(msgspec.Struct, frozen=True):
    """Everything but prices."""

    providers: dict[str, Source]
    models: list[Model]
    parameters: dict[str, list[str]]
    aliases: dict[str, str] = {}


def read(data: Path = DATA) -> Lists:
    """The lists. Raises msgspec.ValidationError for what does not belong there."""
    models = [
        model for file in sorted((data / "models").glob("*.toml")) for model in _toml(file)["model"]
    ]
    return Lists(
        providers=msgspec.convert(_toml(data / "providers.toml"), dict[str, Source]),
        models=msgspec.convert(models, list[Model]),
        parameters=msgspec.convert(_toml(data / "parameters.toml"), dict[str, list[str]]),
        aliases=msgspec.convert(_toml(data / "aliases.toml"), dict[str, str]),
    )


def read_prices(data: Path = DATA) -> Prices:
    """The prices that came with this program."""
    return msgspec.json.decode((data / "prices.json").read_bytes(), type=Prices)


def digest(data: Path = DATA) -> str:
    """Changes whenever any of the files does."""
    files = sorted([*data.glob("*.toml"), *data.glob("*.json"), *data.glob("models/*.toml")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _toml(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))
