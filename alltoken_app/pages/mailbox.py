"""/mailbox — the mails of an installation without SMTP."""

import reflex as rx

from alltoken_app.components.link import link
from alltoken_app.components.mailbox import mailbox as mails
from alltoken_app.components.notice import notice
from alltoken_app.pages.public import frame, public_page
from alltoken_app.states.place import PlaceState


@public_page("/mailbox", "Mailbox · AllToken", "Mails that stayed on this machine.")
def mailbox() -> rx.Component:
    """For whoever sits at the machine; everybody else is told that there is none."""
    return frame(
        rx.el.div(
            rx.el.div(
                rx.el.div(
                    rx.el.h1("Mailbox"),
                    rx.el.p("Every mail this installation would have sent.", class_name="muted"),
                ),
                class_name="page-head",
            ),
            notice(
                rx.el.strong("For development. "),
                "This page exists only while no SMTP server is set and AllToken listens on this "
                "machine alone. Set ",
                rx.el.code("SMTP_URL"),
                " to send mail; from then on this page shows nothing.",
                tone="info",
            ),
            mails(
                "/web/mailbox",
                empty="No mail yet. Sign up, and the link to confirm your address lands here.",
                none="There is no mailbox here: SMTP sends mail, or you are not at the machine.",
            ),
            class_name="wrap page-wide stack stack-loose mailbox",
        )
    )


def hint() -> rx.Component:
    """Where to look when mails do not leave the machine."""
    return rx.cond(
        PlaceState.mailbox,
        notice(
            "No mail server is set, so the mail stayed here: ",
            link("open the mailbox", href="/mailbox"),
            ".",
            icon="mail",
            tone="info",
        ),
    )
