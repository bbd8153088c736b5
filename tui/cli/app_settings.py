"""Checks and saves the settings that only the app has: its theme and its keys."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from tui.config.config_file import CannotSet, set_values
from tui.config.keymap import Keymap
from tui.config.settings import Settings


def unknown_keys(settings: Settings, keymap: Keymap) -> Iterator[tuple[str, str]]:
    """Yield a line about each unknown name under `[keys]`, and a line that helps."""
    if settings.source is None:
        return
    for name in keymap.unknown:
        at = settings.source.at(settings.key_places[name])
        known = ", ".join(keymap.beside(name))
        yield f"{at}: unknown key name {name!r}.", f"Known names: {known}."


def unknown_theme(settings: Settings, known: Collection[str]) -> str:
    """Return a line about an unknown theme; empty if the theme is known."""
    if settings.source is None or settings.theme in (None, *known):
        return ""
    at = settings.source.at(["theme"])
    return f"{at}: unknown theme {settings.theme!r}. Known themes: {', '.join(sorted(known))}."


def save_theme(config: Path, name: str) -> str:
    """Save a theme in `config.toml`; return why that failed, or ""."""
    try:
        set_values(config, {("theme",): name})
    except CannotSet as error:
        return f"The theme could not be saved: {error}"
    return ""
