"""Which addresses a URL inside a request may make us fetch. Pure: looks nothing up.

An allow rule, not a list of the forbidden: what is not known to be the public internet is refused.
"""

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import urlsplit

from alltoken_app.errors import Invalid

LONGEST = 8_192
HTTPS, HTTP = 443, 80
PRINTABLE = re.compile(r"[!-~]+")
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"(?=.{{1,253}}$)(?:{LABEL}\.)+(?!0x)[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
INSIDE = (
    ".local", ".localhost", ".internal", ".intranet", ".lan", ".home", ".corp", ".private",
    ".home.arpa", ".onion", ".test", ".invalid", ".example", ".alt",
)  # fmt: skip
# Not the public internet, or not a host's own address there.
SPECIAL_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32",
        "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
        "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
GLOBAL_6 = IPv6Network("2000::/3")
SPECIAL_6 = tuple(
    IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
# An IPv4 address in an IPv6 one, in its last four bytes.
CARRIERS = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))


@dataclass(frozen=True)
class Place:
    """Where a URL points: `target` is the path with its query, as sent."""

    tls: bool
    host: str
    port: int
    target: str

    @property
    def name(self) -> str:
        """What the operator would list: host and port."""
        return f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = HTTPS if self.tls else HTTP
        return host if self.port == usual else f"{host}:{self.port}"


def read(url: str, allowed: frozenset[str] = frozenset()) -> Place:
    """Where `url` points.

    Args:
        allowed: "host:port" of what may be fetched although it is inside, over plain http too.

    Raises:
        Invalid: It is no URL (`invalid_url`), or none that may be fetched (`url_not_allowed`).
    """
    place = _parsed(url)
    if place.name in allowed:
        return place
    if not place.tls or place.port != HTTPS:
        raise refused("only https on port 443 is fetched")
    address = _literal(place.host)
    if address is not None and not permitted(address):
        raise refused("its address is not a public one")
    if address is None and (not NAME.fullmatch(place.host) or place.host.endswith(INSIDE)):
        raise refused("its host is not a public name")
    return place


def permitted(address: IPv4Address | IPv6Address) -> bool:
    """Whether this is an address of the public internet."""
    if isinstance(address, IPv6Address):
        if any(address in network for network in CARRIERS):
            return permitted(IPv4Address(int(address) & 0xFFFFFFFF))
        plain = address.scope_id is None and address in GLOBAL_6
        return plain and not any(address in network for network in SPECIAL_6)
    return not any(address in network for network in SPECIAL_4)


def refused(why: str) -> Invalid:
    """A refusal to fetch; it does not repeat the URL."""
    text = f"A URL in the request cannot be fetched: {why}. Nothing was charged."
    return Invalid(text, code="url_not_allowed")


def _parsed(url: str) -> Place:
    if len(url) > LONGEST or not PRINTABLE.fullmatch(url) or "\\" in url:
        raise _invalid()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _invalid() from None
    if parts.scheme not in ("https", "http"):
        raise refused("only https is fetched")
    if "@" in parts.netloc or not parts.hostname or parts.netloc.endswith(":"):
        raise _invalid()
    tls = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(tls, parts.hostname, port or (HTTPS if tls else HTTP), target)


def _invalid() -> Invalid:
    text = "A URL in the request is not valid. Nothing was charged."
    return Invalid(text, code="invalid_url")


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that `host` is, in the one spelling that everybody reads alike."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
