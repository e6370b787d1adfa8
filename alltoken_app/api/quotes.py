"""POST /v1/quote: the prices of a request, locked for ten minutes. Free; nothing is sent."""

import msgspec

from alltoken_app.api import route_explain
from alltoken_app.api.http import Request
from alltoken_app.clock import iso
from alltoken_app.money import usd, usd_of_pico
from alltoken_app.providers.base import EndpointFacts, Price
from alltoken_app.services import quotes

RATES = tuple(
    name
    for name in Price.__struct_fields__
    if name not in ("version", "tiers", "writes_unasked")
)  # fmt: skip


async def create_quote(request: Request) -> None:
    """Takes the body of any request; `X-AllToken-Quote: quo_…` then charges these prices."""
    run = await route_explain.asked(request)
    call = msgspec.structs.replace(run.call, quote="")  # the present prices, not those of another
    plan = await quotes.planned(request.plane, run.caller, call, run.wishes, strict=run.strict)
    quote = await request.plane.database.run(quotes.make, run.caller.org_id, plan.endpoints)
    await request.json(
        200,
        {
            "object": "quote",
            "id": quote.id,
            "expires_at": iso(quote.expires_at),
            "model": plan.model.slug,
            "endpoints": [_promised(one) for one in plan.endpoints],
            "cost": {"maximum": usd(plan.ceiling(plan.output_bound))},
            "charged": "0",
        },
    )


def _promised(endpoint: EndpointFacts) -> dict[str, object]:
    """Prices as exact decimal strings of US dollars per unit."""
    rates = {name: getattr(endpoint.price, name) for name in RATES}
    return {
        "endpoint": endpoint.id,
        "provider": endpoint.provider,
        "model": endpoint.model,
        "price_version": endpoint.price.version,
        "pricing": {name: usd_of_pico(rate) for name, rate in rates.items() if rate is not None},
        "long_prompts": [tier.above for tier in endpoint.price.tiers],
    }
