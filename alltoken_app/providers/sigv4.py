"""AWS signatures, version 4, by botocore's signer alone: no client, no session, no model files.

Import this where a connection with an AWS key is set up and nowhere else: it takes 0.1 s and 20 MB.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import asyncio
import logging
from functools import lru_cache

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from alltoken_app.providers.base import Outgoing
from alltoken_app.providers.credentials import Headers

LARGE = 256 * 1024  # bytes whose checksum would hold up the loop
ADDED = ("authorization", "x-amz-date", "x-amz-security-token")

logging.getLogger("botocore").setLevel(logging.INFO)  # at DEBUG it writes session tokens


class _Signer(SigV4Auth):  # type: ignore[misc]
    """botocore's, with the key of the day kept: four of its five HMACs depend on the date only."""

    def __init__(self, credentials: Credentials, service: str, region: str) -> None:
        super().__init__(credentials, service, region)
        self._key_of = lru_cache(maxsize=2)(self._derived)

    def _derived(self, day: str) -> bytes:
        key = f"AWS4{self.credentials.secret_key}".encode()
        for part in (day, self._region_name, self._service_name, "aws4_request"):
            key = self._sign(key, part)
        return key

    def signature(self, string_to_sign: str, request: AWSRequest) -> str:
        """Called by botocore."""
        key = self._key_of(request.context["timestamp"][:8])
        return str(self._sign(key, string_to_sign, hex=True))


class SigV4:
    """Signs requests with an AWS access key.

    Args:
        region: Part of the signature: a key of another region's address is refused.
        token: Of temporary keys.
    """

    def __init__(
        self, region: str, access_key: str, secret_key: str, token: str = "", *,
        service: str = "bedrock",
    ) -> None:  # fmt: skip
        known = Credentials(access_key, secret_key, token or None)
        self._signer = _Signer(known, service, region)

    def __repr__(self) -> str:
        return "SigV4()"

    async def __call__(self, url: str, outgoing: Outgoing) -> Headers:
        """Headers for a POST to `url`; what is signed besides is the host, its own headers, all of
        its body.
        """
        if len(outgoing.body) > LARGE:
            return await asyncio.to_thread(self.sign, url, outgoing)
        return self.sign(url, outgoing)

    def sign(self, url: str, outgoing: Outgoing) -> Headers:
        """The headers, at once."""
        request = AWSRequest("POST", url, headers=dict(outgoing.headers), data=outgoing.body)
        self._signer.add_auth(request)
        signed = {name.lower(): value for name, value in request.headers.items()}
        return tuple((name, signed[name]) for name in ADDED if name in signed)
