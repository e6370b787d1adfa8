"""alltoken_app/egress/policy.py"""

import contextlib
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app.egress import policy
from alltoken_app.errors import Invalid

NOT_ALLOWED = (
    "https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/",
    "https://0x7f000001/", "https://127.0.0.1/", "https://10.0.0.1/", "https://100.100.100.200/",
    "https://169.254.169.254/latest/meta-data/", "https://168.63.129.16/", "https://192.168.1.1/",
    "https://224.0.0.1/", "https://255.255.255.255/", "https://0.0.0.0/", "https://[::]/",
    "https://[::1]/", "https://[::ffff:169.254.169.254]/", "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fd00:ec2::254]/",
    "https://[2001:db8::1]/", "https://[2001:0:1::1]/", "https://[ff02::1]/",
    "https://localhost/", "https://localhost./", "https://metadata.google.internal/",
    "https://printer.local/", "https://intranet/", "https://a.home.arpa/", "https://x.onion/",
    "file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "javascript:alert(1)",
    "data:image/png;base64,AA==", "http://example.com/", "https://example.com:22/",
    "https://example.com:8443/", "http://example.com:443/", "https://a_b.example.com/",
)  # fmt: skip
INVALID = (
    "https://api.openai.com@evil.com/", "https://user:pass@evil.com/", "https://good\\@evil.com/",
    "https://ev\til.com/", "https://evil.com/\r\nHost: x", "https://evil.com/ a", "https:///path",
    "https://①②⑦.0.0.1/", "https://evil。com/", "https://[::1/", "https://evil.com:99999/",
    "https://evil.com:/", 
)  # fmt: skip


@pytest.mark.parametrize("url", NOT_ALLOWED)
def test_what_is_not_the_public_internet_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        policy.read(url)
    assert caught.value.code == "url_not_allowed"
    assert url not in str(caught.value)


@pytest.mark.parametrize("url", INVALID)
def test_what_two_readers_could_read_differently_is_no_url(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        policy.read(url)
    assert caught.value.code == "invalid_url"


def test_a_public_url_keeps_its_path_and_loses_its_fragment() -> None:
    place = policy.read("https://Images.Example.com/a%20b.png?x=1#@evil.com")
    assert (place.tls, place.host, place.port) == (True, "images.example.com", 443)
    assert (place.target, place.authority) == ("/a%20b.png?x=1", "images.example.com")
    assert policy.read("https://93.184.216.34").target == "/"
    assert policy.read("https://[2606:4700::1111]/").authority == "[2606:4700::1111]"
    assert policy.read("https://[::ffff:93.184.216.34]/").tls


def test_what_the_operator_lists_may_be_inside() -> None:
    allowed = frozenset({"127.0.0.1:8080", "files.lan:443"})
    assert policy.read("http://127.0.0.1:8080/x", allowed).authority == "127.0.0.1:8080"
    assert policy.read("https://files.lan/x", allowed).host == "files.lan"
    for url in ("http://127.0.0.1:8081/x", "http://127.0.0.1/x", "http://files.lan/"):
        with pytest.raises(Invalid):
            policy.read(url, allowed)


@given(st.ip_addresses(v=4))
def test_an_address_hidden_in_a_newer_one_is_judged_by_itself(
    address: ipaddress.IPv4Address,
) -> None:
    number = int(address)
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        carried = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | number)
        assert policy.permitted(carried) == policy.permitted(address)
    if policy.permitted(address):
        assert address.is_global


@given(st.ip_addresses(v=6))
def test_only_global_unicast_addresses_are_permitted(address: ipaddress.IPv6Address) -> None:
    if policy.permitted(address):
        carried = any(address in network for network in policy.CARRIERS)
        assert carried or (address.is_global and not address.is_multicast)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}/x"):
        with contextlib.suppress(Invalid):
            place = policy.read(url)
            assert (place.tls, place.port) == (True, 443)
            assert "." in place.host or ":" in place.host
