"""GET /v1/activity: what was used per UTC day, model and endpoint, in OpenRouter's shape."""

from typing import Any

from alltoken_app.api.auth import Reader, reader
from alltoken_app.api.http import Request
from alltoken_app.api.render import exact
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.clock import DAY, Millis, from_iso, iso, now_ms
from alltoken_app.errors import Forbidden, Invalid
from alltoken_app.services import daily_use
from alltoken_app.services.daily_use import DayUse, Wanted

DAYS = 30  # this one included


async def show_activity(request: Request) -> None:
    """The last 30 days: the organisation's with a management key, an API key's own without."""
    who = await reader(request)
    start, end = _days(request.query.get("date", ""))
    key_id, person_id = await _narrowed(request, who)
    by_workspace = _grouped(request.query.get("group_by", ""))
    await request.plane.books.flushed()
    wanted = Wanted(who.org_id, who.book, start, end, key_id, person_id)
    found = await request.plane.database.read(daily_use.rows, wanted)
    more = {"workspace_id": who.org_id} if by_workspace else {}
    catalog = request.plane.catalog
    await request.json(200, {"data": [{**_row(one, catalog), **more} for one in found]})


def _days(date: str) -> tuple[Millis, Millis]:
    today = now_ms() // DAY * DAY
    first = today - (DAYS - 1) * DAY
    if not date:
        return first, today + DAY
    try:
        day = from_iso(f"{date}T00:00:00Z")
    except ValueError:
        day = -1
    if not first <= day <= today or day % DAY:
        text = f"date: one of the last {DAYS} days in UTC, such as {iso(today)[:10]}."
        raise Invalid(text, param="date")
    return day, day + DAY


async def _narrowed(request: Request, who: Reader) -> tuple[str | None, str | None]:
    """The key and the member whose use is asked for. An API key sees its own."""
    hash_, person_id = request.query.get("api_key_hash"), request.query.get("user_id")
    if who.caller is not None:
        if hash_ or person_id:
            text = "An API key sees its own use; that of others takes a management key (atm_…)."
            raise Forbidden(text, code="management_key_required")
        return who.caller.key_id, who.caller.person_id
    if not hash_:
        return None, person_id
    found = await request.plane.database.read(daily_use.find_key, who.org_id, hash_)
    return found, person_id


def _grouped(by: str) -> bool:
    if by not in ("", "workspace"):
        raise Invalid("group_by: workspace, or nothing.", param="group_by")
    return bool(by)


def _row(one: DayUse, catalog: Catalog) -> dict[str, Any]:
    model = catalog.models.get(one.model)
    return {
        "date": iso(one.day)[:10],
        "model": one.model,
        "model_permaslug": (model and model.canonical_slug) or one.model,
        "endpoint_id": one.endpoint_id,
        "provider_name": catalog.providers.get(one.provider, one.provider),
        "usage": exact(one.cost),
        "byok_usage_inference": exact(0),
        "requests": one.requests,
        "prompt_tokens": one.input_tokens,
        "cached_tokens": one.cached_tokens,
        "completion_tokens": one.output_tokens,
        "reasoning_tokens": one.reasoning_tokens,
    }
