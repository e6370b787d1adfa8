"""What the public pages say about providers: the list, and one provider whole."""

from dataclasses import dataclass, field

from sqlmodel import Session, select

from alltoken_app.clock import Millis, now_ms
from alltoken_app.errors import NotFound
from alltoken_app.services import data_policies, models
from alltoken_app.services.data_policies import day
from alltoken_app.services.models import ModelFilter, ModelView
from alltoken_app.tables.catalog import Provider


@dataclass(frozen=True)
class ProviderView:
    """One provider in the list.

    Attributes:
        here: Whether this installation is connected to it.
    """

    id: str = ""
    name: str = ""
    href: str = ""
    description: str = ""
    models: int = 0
    place: str = ""
    zdr: str = "unknown"
    trains: str = "Unknown"
    retention: str = "Unknown"
    here: bool = False


@dataclass(frozen=True)
class ProviderPage:
    """One provider whole, with the models it serves."""

    provider: ProviderView = field(default_factory=ProviderView)
    datacenters: str = ""
    evidence: str = ""
    source_url: str = ""
    checked: str = ""
    privacy_url: str = ""
    terms_url: str = ""
    status_url: str = ""
    models: list[ModelView] = field(default_factory=list)
    at: Millis = 0


def list_providers(
    session: Session, *, member: bool = False, connected: frozenset[str] = frozenset()
) -> list[ProviderView]:
    """Every provider that serves something, by name."""
    facets = models.browse(session, ModelFilter()).facets
    serving = {facet.value: facet.count for facet in facets.providers}
    rows = sorted(session.exec(select(Provider)), key=lambda row: row.name.casefold())
    return [
        _view(row, serving[row.id], member, row.id in connected)
        for row in rows
        if row.id in serving
    ]


def provider(
    session: Session, id: str, *, member: bool = False, connected: frozenset[str] = frozenset()
) -> ProviderPage:
    """One provider.

    Raises:
        NotFound: `provider_not_found`.
    """
    row = session.get(Provider, id)
    listed = models.every(session, ModelFilter(providers=(id,)), member, connected)
    if row is None or not listed:
        raise NotFound(f"There is no provider {id}.", code="provider_not_found", param="provider")
    return ProviderPage(
        provider=_view(row, len(listed), member, id in connected),
        datacenters=", ".join(row.datacenters),
        evidence=row.evidence,
        source_url=row.source_url or "",
        checked=day(row.checked_at),
        privacy_url=row.privacy_url or "",
        terms_url=row.terms_url or "",
        status_url=row.status_url or "",
        models=listed,
        at=now_ms(),
    )


def _view(row: Provider, count: int, member: bool, here: bool) -> ProviderView:
    return ProviderView(
        id=row.id,
        name=row.name,
        href=f"/providers/{row.id}",
        description=row.description,
        models=count,
        place=row.headquarters or "",
        zdr=data_policies.zdr(row, member),
        trains=data_policies.TRAINS[row.trains],
        retention=data_policies.retention(row.retention_days),
        here=here,
    )
