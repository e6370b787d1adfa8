"""Code that calls a model here, and a worked example of what a request costs."""

from dataclasses import dataclass, field

from sqlmodel import Session

from alltoken_app.catalog import snapshot
from alltoken_app.catalog.pricing import cost, lines
from alltoken_app.errors import NotFound
from alltoken_app.money import usd, usd_of_pico
from alltoken_app.providers.base import Usage
from alltoken_app.services import sample_texts
from alltoken_app.services.prices import per_million

FIRST = "alltoken/smollm2-135m-instruct"
EXAMPLE = Usage(input=1_200, output=300)
METERS = {
    "input": "Input",
    "cached_input": "Cached input",
    "output": "Output",
    "request": "Request",
}
LANGUAGES = (("curl", "bash"), ("Python", "python"), ("JavaScript", "javascript"))


@dataclass(frozen=True)
class LineView:
    """One line of a receipt: what, and its exact product."""

    what: str = ""
    amount: str = ""


@dataclass(frozen=True)
class ExampleView:
    """What one request costs at today's prices. Empty while there is no model."""

    model: str = ""
    provider: str = ""
    lines: list[LineView] = field(default_factory=list)
    total: str = ""


def calls(origin: str, slug: str, kind: str = "chat") -> list[str]:
    """The same request in each of `LANGUAGES`, ready to run once the key is set."""
    texts = sample_texts.TEXTS.get(kind, sample_texts.CHAT)
    return [text.format(origin=origin, slug=slug) for text in texts]


def example(session: Session, slug: str = FIRST) -> ExampleView:
    """Price `EXAMPLE` tokens on the model's first endpoint, exactly as a request is priced.

    Raises:
        NotFound: No endpoint serves the model.
    """
    catalog = snapshot.load(session)
    model = catalog.models.get(slug)
    if model is None or not model.endpoints:
        raise NotFound(f"There is no model {slug}.", code="model_not_found", param="model")
    endpoint = model.endpoints[0]
    return ExampleView(
        model=slug,
        provider=catalog.providers[endpoint.provider],
        lines=[
            LineView(
                f"{METERS[meter]} {count:,} tok × {per_million(rate)}/1M", f"${usd_of_pico(pico)}"
            )
            for meter, count, rate, pico in lines(endpoint.price, EXAMPLE)
        ],
        total=f"${usd(cost(endpoint.price, EXAMPLE))}",
    )
