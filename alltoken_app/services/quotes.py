"""Quotes: unit prices that an organisation is promised for ten minutes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
from sqlmodel import Session, col, delete

from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.clock import HOUR, MINUTE, Millis, now_ms
from alltoken_app.errors import Conflict, Invalid, NotFound
from alltoken_app.providers.base import Call, EndpointFacts, Price
from alltoken_app.routing import plans
from alltoken_app.routing.plans import Plan
from alltoken_app.routing.preferences import Preferences
from alltoken_app.services.callers import Caller
from alltoken_app.services.plane import Plane
from alltoken_app.tables.routing import Quote

PROMISED: Millis = 10 * MINUTE


@dataclass(frozen=True)
class QuoteView:
    """A quote for showing."""

    id: str
    expires_at: Millis


def make(session: Session, org_id: str, endpoints: Sequence[EndpointFacts]) -> QuoteView:
    """Promise the present prices of these endpoints; quotes long over are forgotten."""
    session.execute(delete(Quote).where(col(Quote.expires_at) < now_ms() - HOUR))
    prices = {one.id: msgspec.to_builtins(one.price) for one in endpoints}
    quote = Quote(org_id=org_id, prices=prices, expires_at=now_ms() + PROMISED)
    session.add(quote)
    session.flush()
    return QuoteView(quote.id, quote.expires_at)


def find(session: Session, org_id: str, quote_id: str) -> dict[str, Price]:
    """The promised prices by endpoint.

    Raises:
        NotFound: `quote_not_found`: no such quote of this organisation.
        Conflict: `quote_expired`.
    """
    quote = session.get(Quote, quote_id)
    if quote is None or quote.org_id != org_id:
        text = "There is no such quote. Nothing was charged; POST /v1/quote makes one."
        raise NotFound(text, code="quote_not_found", param="quote")
    if quote.expires_at <= now_ms():
        text = "This quote has expired. Nothing was charged; POST /v1/quote makes a new one."
        raise Conflict(text, code="quote_expired", param="quote")
    return {
        endpoint: msgspec.convert(price, Price, strict=True)
        for endpoint, price in quote.prices.items()
    }


async def planned(
    plane: Plane, caller: Caller, call: Call, wishes: Preferences, *, strict: bool
) -> Plan:
    """The plan of a call, at promised prices when it names a quote.

    Raises:
        NotFound, Conflict: As `find`.
        Invalid: `quote_mismatch`: the quote is for other models. Else as `plans.make`.
    """
    catalog = plane.catalog
    if not call.quote:
        return plans.make(catalog, caller.asker, call, wishes, plane.network, strict=strict)
    prices = await plane.database.read(find, caller.org_id, call.quote)
    promised = _at(catalog, prices)
    plan = plans.make(promised, caller.asker, call, wishes, plane.network, strict=strict)
    if any(one.id not in prices for one in plan.endpoints):
        text = "This quote is for other models. Nothing was charged; POST /v1/quote makes one."
        raise Invalid(text, code="quote_mismatch", param="quote")
    return plan


def _at(catalog: Catalog, prices: Mapping[str, Price]) -> Catalog:
    """The catalogue at promised prices: of a quoted model no endpoint without one may serve."""
    models = {
        slug: replace(model, endpoints=_quoted(model.endpoints, prices))
        for slug, model in catalog.models.items()
        if any(one.id in prices for one in model.endpoints)
    }
    return replace(catalog, models={**catalog.models, **models})


def _quoted(
    endpoints: Sequence[EndpointFacts], prices: Mapping[str, Price]
) -> tuple[EndpointFacts, ...]:
    return tuple(
        msgspec.structs.replace(one, price=prices[one.id]) for one in endpoints if one.id in prices
    )
