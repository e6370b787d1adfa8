"""Brings what a call's URLs point to, where a provider takes bytes and no addresses."""

from alltoken_app.egress import inline
from alltoken_app.providers.base import Call, EndpointFacts
from alltoken_app.routing.plans import Plan
from alltoken_app.services.plane import Plane


async def bring(call: Call, plan: Plan, plane: Plane) -> tuple[Call, tuple[str, ...]]:
    """The call, and warnings of what the first endpoint cannot take even so.

    Every planned endpoint may have to serve it: one that takes bytes alone is enough to fetch.

    Raises:
        Invalid: A URL may not or cannot be fetched; `param` names its part.
    """
    if not any(_lost(plane, call, endpoint) for endpoint in plan.endpoints):
        return call, ()
    brought = await inline.inline(call, plane.egress)
    lost = sorted(_lost(plane, brought, plan.endpoints[0]))
    return brought, tuple(f"unsupported_parameter:{name}" for name in lost)


def _lost(plane: Plane, call: Call, endpoint: EndpointFacts) -> frozenset[str]:
    dialect = plane.connections[endpoint.provider].speaks(call, endpoint)
    return inline.UNABLE.intersection(dialect.unable(call, endpoint))
