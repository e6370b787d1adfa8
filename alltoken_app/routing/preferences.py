"""What a caller may ask of routing in one request: the `provider` object."""

from typing import Literal

import msgspec

from alltoken_app.privacy.policy import Policy

Names = tuple[str, ...]


class Preferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which providers, in which order. Unknown wishes are refused, never ignored.

    Attributes:
        order: Providers to try first, in this order.
        only, ignore: Providers allowed, or left out.
        allow_fallbacks: Whether another endpoint may serve when the first fails.
        data_collection: "deny" keeps out endpoints that may train on data.
        zdr: Only endpoints with confirmed zero data retention.
        sort: "price" puts the cheapest first, exactly.
    """

    order: Names | None = None
    only: Names | None = None
    ignore: Names | None = None
    allow_fallbacks: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    sort: Literal["price"] | None = None

    @property
    def policy(self) -> Policy:
        """The privacy part."""
        return Policy(zdr=bool(self.zdr), no_training=self.data_collection == "deny")
