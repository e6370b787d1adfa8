"""Privacy wishes: the strictest of organisation, key and request holds."""

import msgspec

from alltoken_app.providers.base import EndpointFacts


class Policy(msgspec.Struct, frozen=True):
    """What the payer asks of an endpoint. The default asks for nothing.

    Attributes:
        zdr: Only endpoints whose zero data retention is confirmed.
        no_training: Only endpoints known not to train on data.
    """

    zdr: bool = False
    no_training: bool = False


def strictest(*policies: Policy) -> Policy:
    """What all of them ask for together."""
    return Policy(
        zdr=any(policy.zdr for policy in policies),
        no_training=any(policy.no_training for policy in policies),
    )


def excluded_by(policy: Policy, endpoint: EndpointFacts) -> str | None:
    """The rule that keeps this endpoint out, or None. What is unknown counts as the worst."""
    if policy.zdr and endpoint.zdr != "confirmed":
        return "zdr_not_confirmed"
    if policy.no_training and endpoint.trains:
        return "may_train_on_data"
    return None
