"""A refusal in the shape the official client turns into its exceptions."""


class Refused(Exception):
    """The processor says no.

    Args:
        status: HTTP status; 402 is a declined card.
        type: "invalid_request_error", "idempotency_error", "card_error" or "api_error".
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int = 400,
        type: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        fields = {"type": type, "code": code, "message": message, "param": param}
        self.body = {"error": {name: value for name, value in fields.items() if value is not None}}


def missing(kind: str, id: str) -> Refused:
    """There is no such object."""
    return Refused(f"No such {kind}: '{id}'", code="resource_missing", param="id", status=404)
