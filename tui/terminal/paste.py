"""Cleans the text of a paste."""

from __future__ import annotations

import re

_START_MARK = "\x1b[200~"
_REPORTED = re.compile(
    r"\x1b\[(?:27;(?P<m>[15]);(?P<code>[0-9]{1,3})~|([0-9]{1,3})(?:;([15]))?u)"
)
"""The key report that tmux pastes for a control character, if key reports are on."""
_CONTROLS = {
    ("1", "9"): "\t", ("5", "73"): "\t", ("5", "105"): "\t",
    ("1", "10"): "\n", ("5", "74"): "\n", ("5", "106"): "\n",
    ("1", "13"): "\r", ("5", "77"): "\r", ("5", "109"): "\r",
}  # fmt: skip
"""Control characters by modifier, 1 for none and 5 for Ctrl, and key number."""
_LINE_ENDS = re.compile(r"\r\n?")
_STRIPPED = dict.fromkeys(
    code for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"
)


def pasted(raw: bytes) -> str:
    """Return the text of a paste, without control characters except tabs and line feeds.

    Bytes that are not UTF-8 become U+FFFD. Removes a second start mark, which means that
    the terminal has lost an end mark.
    """
    text = raw.decode("utf-8", "replace").replace(_START_MARK, "")
    return _LINE_ENDS.sub("\n", _REPORTED.sub(_control, text)).translate(_STRIPPED)


def _control(report: re.Match[str]) -> str:
    key = (report["m"], report["code"]) if report["code"] else (report[4] or "1", report[3])
    return _CONTROLS.get(key, report[0])
