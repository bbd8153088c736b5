"""The text of a paste."""

from __future__ import annotations

import re

_START_MARK = "\x1b[200~"
_REPORTED = re.compile(
    r"\x1b\[(?:27;(?P<m>[15]);(?P<code>[0-9]{1,3})~|([0-9]{1,3})(?:;([15]))?u)"
)
"""What tmux makes of a control character that it pastes where keys are reported."""
_CONTROLS = {
    ("1", "9"): "\t", ("5", "73"): "\t", ("5", "105"): "\t",
    ("1", "10"): "\n", ("5", "74"): "\n", ("5", "106"): "\n",
    ("1", "13"): "\r", ("5", "77"): "\r", ("5", "109"): "\r",
}  # fmt: skip
"""By modifier, 1 for none and 5 for Ctrl, and by the key's number."""
_LINE_ENDS = re.compile(r"\r\n?")
_STRIPPED = dict.fromkeys(
    code for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"
)


def pasted(raw: bytes) -> str:
    """Return what was pasted as text: no control characters but tabs and line feeds.

    Bytes that are no UTF-8 become U+FFFD. A second mark of the start is no text: the
    terminal lost an end.
    """
    text = raw.decode("utf-8", "replace").replace(_START_MARK, "")
    return _LINE_ENDS.sub("\n", _REPORTED.sub(_control, text)).translate(_STRIPPED)


def _control(report: re.Match[str]) -> str:
    key = (report["m"], report["code"]) if report["code"] else (report[4] or "1", report[3])
    return _CONTROLS.get(key, report[0])
