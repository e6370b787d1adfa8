"""Badges: a short word on a ground, a status with its icon, and zero data retention."""

from typing import Any, Literal

import reflex as rx

from alltoken_app.components.icons import icon as draw

Tone = Literal["neutral", "info", "success", "warning", "danger", "outline"]
TONE_ICONS = {
    "neutral": "circle_dashed",
    "info": "info",
    "success": "circle_check",
    "warning": "warning",
    "danger": "octagon_x",
}
ZDR = {  # state: class, icon, the words; never shortened to "ZDR"
    "confirmed": ("zdr zdr-confirmed", "shield_check", "ZDR confirmed for your account"),
    "available": ("zdr zdr-available", "shield", "ZDR available – not confirmed"),
    "none": ("zdr zdr-no", "shield_off", "No ZDR"),
    "unknown": ("zdr zdr-unknown", "circle_help", "Unknown"),
}
ZDR_TITLES = {
    "confirmed": "Confirmed for your account. The model page names the evidence.",
    "available": "The provider offers it. It is not active for you until confirmed.",
    "none": "This provider keeps data, or says nothing else.",
    "unknown": "We have no reliable source. Treated as No ZDR in routing.",
}


def badge(text: Any, tone: Tone = "neutral", icon: str = "") -> rx.Component:
    """A word on a soft ground; colour never says it alone, so give `tone` an icon or a word.

    badge("Paused", icon="pause"), badge("Active", "success", "circle_check")
    """
    look = "badge" if tone == "neutral" else f"badge badge-{tone}"
    return rx.el.span(*([draw(icon)] if icon else []), text, class_name=look)


def status(text: Any, tone: Tone = "neutral", icon: str = "") -> rx.Component:
    """An icon and a word in the colour of their meaning.

    status("Operational", "success"), status("429 Rate limited", "warning")
    """
    return rx.el.span(
        draw(icon or TONE_ICONS.get(tone, "circle_dashed")),
        text,
        class_name=f"status is-{tone}",
    )


def status_of(
    value: str | rx.Var[str], looks: dict[str, tuple[str, Tone, str]], otherwise: str = "Unknown"
) -> rx.Component:
    """The badge of a state kept in a var: value -> (text, tone, icon).

    status_of(key.status, {"active": ("Active", "success", "circle_check")})
    """
    cases = [(state, badge(*look)) for state, look in looks.items()]
    return rx.match(value, *cases, badge(otherwise, "outline"))


def zdr(state: str | rx.Var[str]) -> rx.Component:
    """Zero data retention of an endpoint: "confirmed", "available", "none" or "unknown".

    zdr("none"), zdr(row.zdr); anything else reads as unknown.
    """
    if isinstance(state, rx.Var):
        return rx.match(state, *[(key, _zdr(key)) for key in ZDR], _zdr("unknown"))
    return _zdr(state if state in ZDR else "unknown")


def _zdr(state: str) -> rx.Component:
    look, shape, words = ZDR[state]
    return rx.el.span(draw(shape), words, class_name=look, title=ZDR_TITLES[state])
