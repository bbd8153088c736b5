"""Prints the findings of `doctor` for a person."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from tui.cli.doctor.finding import Finding, Level
from tui.cli.output import is_on_terminal
from tui.text.sanitise import clean_line

_SIGNS: dict[Level, tuple[str, str, str]] = {
    "ok": ("✓", "+", "32"),
    "warning": ("!", "!", "33"),
    "error": ("✗", "x", "31"),
}
"""For each level: a sign, the sign in ASCII, and the colour as an SGR code."""


def print_report(findings: Iterable[Finding]) -> None:
    """Print findings by section, each with what to do about it."""
    is_utf8 = "utf" in sys.stdout.encoding.lower()
    is_coloured = is_on_terminal() and not os.environ.get("NO_COLOR")
    section = ""
    for finding in findings:
        if finding.section != section:
            section = finding.section
            print(section)
        sign, plain, colour = _SIGNS[finding.level]
        sign = sign if is_utf8 else plain
        shown = f"\x1b[{colour}m{sign}\x1b[0m" if is_coloured else sign
        print(f"  {shown} {finding.name:<18} {clean_line(finding.value)}")
        if finding.fix:
            print(f"    {'':<18} fix: {clean_line(finding.fix)}")
