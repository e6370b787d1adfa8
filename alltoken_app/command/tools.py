"""Programs of the system that AllToken can use: where they are, when they are there."""

import os
import shutil
from pathlib import Path

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_CHROME = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
PLAYWRIGHT = (  # below the folder of browsers, by platform
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)


def chromium() -> str | None:
    """A Chromium for the browser tests: the system's, else one that Playwright keeps."""
    found = next((path for name in CHROMIUMS if (path := shutil.which(name))), None)
    if found or MAC_CHROME.exists():
        return found or str(MAC_CHROME)
    kept = [path for pattern in PLAYWRIGHT for path in _playwright_folder().glob(pattern)]
    return str(max(kept)) if kept else None


def postgres() -> str | None:
    """The folder of PostgreSQL's server programs."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    folders += sorted(DEBIAN_POSTGRES.glob("*/bin"), reverse=True)
    return next((str(folder) for folder in folders if (folder / "initdb").exists()), None)


def _playwright_folder() -> Path:
    if set_by_hand := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return Path(set_by_hand)
    caches = Path.home() / ("Library/Caches" if MAC_CHROME.parents[3].exists() else ".cache")
    return caches / "ms-playwright"
