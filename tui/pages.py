"""What the pages say that F1 and Ctrl+O open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from textual.binding import Binding

from tui.endpoint import Endpoint
from tui.keymap import Keymap
from tui.sanitise import clean_line
from tui.screens.help import Section


def key_sections(keymap: Keymap, display: Callable[[Binding], str]) -> Iterator[Section]:
    """Return every key, by where it acts; before them what is wrong with the chosen ones."""
    if conflicts := keymap.conflicts:
        yield Section("Conflicts", [("!", clean_line(line)) for line in conflicts])
    if unknown := keymap.unknown:
        yield Section("Not known", [("?", clean_line(name)) for name in unknown])
    places: dict[str, list[tuple[str, str]]] = {}
    for known in keymap.known:
        if known.id is not None:
            keys = (display(Binding(key, "")) for key in known.keys)
            places.setdefault(known.group, []).append((" ".join(keys), known.description))
    yield from (Section(place, rows) for place, rows in places.items())


def connecting(
    endpoint: Endpoint,
    model: str,
    *,
    quit_key: str,
    env_path: Path,
    unused_env: Path | None,
) -> Iterator[Section]:
    """Return what is asked now, and how to ask Claude."""
    where = "the offline demo" if endpoint.is_demo else endpoint.host
    yield Section("Now", [("Endpoint", where), ("Model", model)])
    yield Section(
        f"To talk to Claude, leave with {quit_key}, then one of",
        [
            ("1", "export ANTHROPIC_API_KEY=…    and start again"),
            ("2", f"put ANTHROPIC_API_KEY=… into {env_path},"),
            ("", f"chmod 600 {env_path}, and start again"),
        ],
    )
    if unused_env is not None:
        yield Section(
            "Found",
            [
                ("!", f"{unused_env} holds a key, which was not read."),
                ("", f"To use it: streamchat-tui --env-file {unused_env}"),
            ],
        )
