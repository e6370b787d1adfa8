"""Notices inside a page; results that are off the screen are toasts instead."""

from typing import Any, Literal

import reflex as rx

from alltoken_app.components.icons import icon as draw

NoticeTone = Literal["neutral", "info", "warning", "danger"]
ICONS = {"neutral": "info", "info": "info", "warning": "warning", "danger": "octagon_x"}


def notice(
    *content: Any, tone: NoticeTone = "neutral", icon: str = "", live: bool = False
) -> rx.Component:
    """A boxed remark; `live` makes screen readers say it when it appears.

    notice("Prices as of today."), notice(State.error, tone="danger", live=True)
    """
    look = "notice" if tone == "neutral" else f"notice notice-{tone}"
    spoken = {"role": "alert" if tone == "danger" else "status"} if live else {}
    return rx.el.div(draw(icon or ICONS[tone]), rx.el.div(*content), class_name=look, **spoken)
