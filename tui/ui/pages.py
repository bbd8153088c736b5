"""The texts of the palette and of the page of keys."""

from __future__ import annotations

from collections.abc import Iterator

from tui.chat.session import Session
from tui.config.commands import BY_ID, PLACES, Command
from tui.config.keymap import Keymap, format_keys
from tui.text.sanitise import clean_line
from tui.ui.screens.help import Section


def key_sections(keymap: Keymap) -> Iterator[Section]:
    """Yield conflicts and unknown names first, then every key, grouped by where it acts."""
    if conflicts := keymap.conflicts:
        yield Section("Conflicts", [("!", clean_line(line), "") for line in conflicts])
    if unknown := keymap.unknown:
        yield Section("Unknown names", [("?", clean_line(name), "") for name in unknown])
    places: dict[str, list[tuple[str, str, str]]] = {}
    for known in keymap.known:
        if known.id is not None:
            command = BY_ID.get(known.id)
            more = "" if command is None else keymap.fill(command.help)
            row = format_keys(known.keys), known.description, more
            places.setdefault(known.group, []).append(row)
    yield from (Section(place, rows) for place, rows in places.items())


def palette_help(command: Command, keymap: Keymap) -> str:
    """Return a command's key, where it acts, and what it does."""
    key = keymap.key(command.id) if command.keys else ""
    where = PLACES[command.scope].where
    what = keymap.fill(command.help)
    if not (key or where):
        # The line begins with it.
        what = what[:1].upper() + what[1:]
    parts = f"{key} {where}".strip(), what
    return " · ".join(part for part in parts if part)


def applies(command: Command, session: Session) -> bool:
    """Tell whether a command would do anything in the session's present state."""
    match command.id:
        case "chat.stop":
            return session.open_id in session.scheduler.streaming
        case "chat.undo":
            return session.undo_stack.can_undo
        case "sidebar.show-archive":
            return True
        case _:
            # These act on a message or on the open conversation.
            return command.scope not in ("message", "sidebar") or bool(session.current.path)
