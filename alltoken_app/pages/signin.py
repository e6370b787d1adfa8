"""/signin — open a session."""

import reflex as rx

from alltoken_app.components.link import link
from alltoken_app.components.notice import notice
from alltoken_app.components.site_shell import plain_shell
from alltoken_app.components.web_form import by_query, web_field, web_form
from alltoken_app.pages.public import public_page


@public_page("/signin", "Sign in · AllToken", "Sign in to AllToken.")
def signin() -> rx.Component:
    """Email and password; the cookie is set by a plain request, never through the socket."""
    return plain_shell(
        rx.el.h1("Sign in"),
        by_query("verified", notice("Your email is confirmed. Sign in to go on."), rx.fragment()),
        by_query("reset", notice("Your new password is set. Sign in with it."), rx.fragment()),
        web_form(
            web_field(
                "Email",
                "email",
                missing="Write your email.",
                type="email",
                auto_complete="username",
            ),
            web_field(
                "Password",
                "password",
                missing="Write your password.",
                type="password",
                auto_complete="current-password",
            ),
            action="/web/sign-in",
            submit="Sign in",
            busy="Signing in",
            from_query=["next"],
        ),
        rx.el.p(
            link("Forgot password?", href="/forgot"),
            rx.el.span("No account? ", link("Create one", href="/signup")),
            class_name="form-foot",
        ),
    )
