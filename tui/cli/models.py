"""`models`: lists the models of an endpoint, and what they support."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

from tui.claude import Claude
from tui.cli.connecting import connect
from tui.cli.exit_codes import DONE, CommandFailed
from tui.cli.output import print_json, tell
from tui.config.loading import Flags
from tui.config.settings import PASTE_A_KEY, Settings
from tui.domain.failure import ReplyFailed
from tui.domain.model import Model
from tui.text.sanitise import clean_line

_HEADINGS = ("ID", "NAME", "CONTEXT", "LONGEST REPLY", "TAKES")


def models(options: argparse.Namespace, settings: Settings, flags: Flags) -> int:
    """Print the models, and return the exit code."""
    if settings.endpoint is None and not settings.is_demo:
        raise CommandFailed(
            settings.keyring_problem
            or f"There is no API key. {PASTE_A_KEY}, set ANTHROPIC_API_KEY, or use --profile."
        )
    connections, _ = connect(settings, flags)
    claude = connections.current
    try:
        found = asyncio.run(_request_models(claude))
    except ReplyFailed as error:
        raise CommandFailed(str(error)) from error
    if options.json:
        print_json([model.wire for model in found])
    elif found:
        _print_table([_HEADINGS, *map(_row, found)])
    else:
        tell(f"{claude.endpoint.host} has no list of models. Name one with --model.")
    return DONE


async def _request_models(claude: Claude) -> list[Model]:
    try:
        return await claude.models()
    finally:
        await claude.close()


def _row(model: Model) -> tuple[str, ...]:
    name = model.wire.get("display_name")
    return (
        clean_line(model.id),
        clean_line(name) if isinstance(name, str) else "",
        _thousands(model.context),
        _thousands(model.max_tokens),
        ", ".join(model.abilities),
    )


def _thousands(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
