"""Browser tabs for tests of states: a state tree with the cookie and address of a connection."""

import inspect
from typing import Any

import reflex as rx

from alltoken_app.services.sessions import COOKIE

ORIGIN = "http://localhost:3000"


class Tab:
    """One tab. `cookie` came with its socket's handshake; `path` is what its address bar says."""

    def __init__(self, cookie: str | None = None, path: str = "/app") -> None:
        self.root = rx.State(_reflex_internal_init=True)
        self.connect(cookie, path)

    def connect(self, cookie: str | None, path: str = "/app") -> None:
        """A new socket of the same tab, as after a page load."""
        headers = {"origin": ORIGIN, "cookie": f"theme=dark; {COOKIE}={cookie}" if cookie else ""}
        data = {"headers": headers, "asPath": path, "pathname": path, "sid": "s", "token": "t"}
        self.root._update_router_vars(data, {})

    def state(self, cls: type[rx.State]) -> Any:
        return self.root.get_substate(cls.get_full_name().split("."))

    async def send(self, cls: type[rx.State], name: str, /, **arguments: Any) -> list[Any]:
        """Run one event handler to its end; returns the events it asked for."""
        handler = cls.event_handlers[name]
        state = self.state(cls)
        result = handler.fn(_Background(state) if handler.is_background else state, **arguments)
        if inspect.isasyncgen(result):
            return [event async for event in result]
        result = await result if inspect.isawaitable(result) else result
        return [] if result is None else [result]

    def shown(self) -> str:
        """Everything this tab's browser is sent."""
        return repr({name: kept for name, kept in self.root.dict().items() if kept})


class _Background:
    """A state as a background handler gets it: changed inside `async with self` only."""

    def __init__(self, state: Any) -> None:
        object.__setattr__(self, "_wrapped", state)

    async def __aenter__(self) -> "_Background":
        return self

    async def __aexit__(self, *_error: object) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._wrapped, name)
        if inspect.ismethod(found):
            return found.__func__.__get__(self)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._wrapped, name, value)
