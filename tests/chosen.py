"""The settings of an app that a test opens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.turns import MODEL
from tui.chat.connections import Connections
from tui.chat.pricing import Pricing
from tui.claude import Claude
from tui.config.settings import Settings
from tui.domain.endpoint import Endpoint
from tui.domain.money import Rates


def app_settings(folder: Path, **chosen: Any) -> Settings:
    """Return settings whose files are in `folder`, with a key unless `chosen` says no."""
    found: dict[str, Any] = {
        "db": folder / "history.db",
        "is_default_db": False,
        "config": folder / "config.toml",
        "env_file": Path(".env"),
        "log": folder / "streamchat.log",
        "model": MODEL,
        "endpoint": Endpoint(api_key="sk-test"),
    }
    return Settings(**found | chosen)


def connected(claude: Claude, prices: Mapping[str, Rates] | None = None) -> Connections:
    """Return connections that have one client, and maybe the user's own prices."""
    return Connections("claude", lambda _: claude, pricing=Pricing(prices))
