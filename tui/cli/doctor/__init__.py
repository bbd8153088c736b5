"""`doctor`: checks this machine, the terminal, the key, the endpoint and the history.

It changes nothing, and never shows a key or a part of one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict

from tui.cli.doctor import chosen_settings, endpoint, files, machine
from tui.cli.doctor.finding import Finding
from tui.cli.doctor.report import print_report
from tui.cli.exit_codes import DONE, FAILED
from tui.cli.output import print_json
from tui.config import loading
from tui.config.config import BadSetting
from tui.config.loading import Flags
from tui.config.settings import Settings
from tui.store.inspection import inspect


def doctor(options: argparse.Namespace, flags: Flags) -> int:
    """Print the findings, and return the exit code: 1 if one of them is an error."""
    findings = list(_findings(flags, is_asked=not options.offline, is_demo=flags.is_demo))
    is_broken = any(finding.level == "error" for finding in findings)
    if options.json:
        report = {"is_broken": is_broken, "findings": [asdict(finding) for finding in findings]}
        print_json(report)
    else:
        print_report(findings)
    return FAILED if is_broken else DONE


def _findings(flags: Flags, *, is_asked: bool, is_demo: bool) -> Iterator[Finding]:
    yield from machine.program()
    yield from machine.terminal()
    chosen: Settings | None = None
    try:
        chosen = loading.load(flags)
    except BadSetting as error:
        yield Finding(
            "settings", "read", str(error), "error", "Correct it, then run doctor again."
        )
    yield from _looked_at("settings", lambda: chosen_settings.places(flags))
    for warning in chosen.warnings if chosen is not None else ():
        yield Finding("settings", "unknown", warning, "warning", "Correct it, or remove it.")
    if chosen is None:
        yield from chosen_settings.variables()
    else:
        yield from chosen_settings.values(chosen)
        yield from chosen_settings.looks(chosen)
        yield from chosen_settings.key(chosen)
        if not is_demo:
            yield from endpoint.cloud(chosen)
        if is_asked and not is_demo:
            yield from endpoint.answers(chosen)
    yield from _looked_at("history", lambda: files.history(inspect(loading.db_path(flags))))
    yield from _looked_at("log", lambda: files.log(loading.log_path()))


def _looked_at(section: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield the findings of a check, or a finding that says why it was not possible."""
    try:
        yield from look()
    except BadSetting as error:
        yield Finding(
            section, "path", str(error), "error", "Correct it, then run doctor again."
        )
    except OSError as error:
        value = f"{error.filename or 'it'} cannot be read: {error.strerror}"
        yield Finding(section, "path", value, "error", "Choose a place that you can read.")
